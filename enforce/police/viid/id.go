package viid

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"strings"
	"time"
)

// timeFormat is how GA/T 1400 writes times: yyyyMMddHHmmss, local.
const timeFormat = "20060102150405"

// imageID is the 41 digits of a picture: device 20, type 02, time 14, serial 5.
// The serial comes from the picture's hash, so that one picture has one ID and
// two of the same second have two.
func imageID(device string, at time.Time, serial int) string {
	return fmt.Sprintf("%s02%s%05d", device, at.Format(timeFormat), serial%100000)
}

// motorVehicleID is the 48 digits of a vehicle: the source picture's 41, type
// 02, serial 5 from the case.
func motorVehicleID(source, caseID string) string {
	return fmt.Sprintf("%s02%05d", source, serial(caseID))
}

// serial is five digits' worth of a text's hash.
func serial(of string) int {
	sum := sha256.Sum256([]byte(of))
	return int(binary.BigEndian.Uint64(sum[:8]) % 100000)
}

func digits(s string, n int) bool {
	return len(s) == n && strings.Trim(s, "0123456789") == ""
}
