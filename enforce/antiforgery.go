package enforce

import (
	"crypto/sha256"
	"encoding/base32"
	"strings"
	"time"
)

// antiForgery names the formula; another one gets another name.
const antiForgery = "tidewatch-anti-forgery/1"

// readable leaves out I, L, O and U, which people take for something else.
var readable = base32.NewEncoding("0123456789ABCDEFGHJKMNPQRSTVWXYZ").WithPadding(base32.NoPadding)

// AntiForgery is the code (防伪码) that is drawn into a copy of pictures: who
// has the originals, the case's ID and the moment that the copy shows can work
// it out again, and it fits no other picture. The originals are given by their
// SHA-256 in hex, in the order in which the copy shows them.
//
// It is the first 80 bits of the SHA-256 of these lines, each ended by a line
// feed: tidewatch-anti-forgery/1, the ID, the moment to the second as in
// 2026-03-17T13:09:05Z, and the originals; written in Crockford's base 32, in
// four groups of four. It is no secret and no signature: the signed manifest
// says which code a copy has to bear.
func AntiForgery(violation string, at time.Time, originals ...string) string {
	lines := append([]string{antiForgery, violation, at.UTC().Format("2006-01-02T15:04:05Z")}, originals...)
	sum := sha256.Sum256([]byte(strings.Join(lines, "\n") + "\n"))
	code := readable.EncodeToString(sum[:10])
	return strings.Join([]string{code[:4], code[4:8], code[8:12], code[12:]}, "-")
}
