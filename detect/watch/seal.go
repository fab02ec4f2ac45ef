package watch

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// sealMark begins every file of the folder since checksums were added. Files of
// before have none and are read as they are.
const sealMark = "tidewatch-stops-2 "

var errAltered = errors.New("it is not as it was written")

// seal puts a line before what a file holds: the file's name, a number that
// grows with each file that is written, and a checksum of all. A file that is
// altered, cut, or another one under this name shows by it.
func seal(name string, number uint64, content []byte) []byte {
	return append([]byte(sealMark+name+" "+strconv.FormatUint(number, 10)+" "+sealSum(name, number, content)+"\n"), content...)
}

func sealSum(name string, number uint64, content []byte) string {
	sum := sha256.New()
	fmt.Fprintf(sum, "%s %d\n", name, number) // a hash takes everything
	sum.Write(content)
	return hex.EncodeToString(sum.Sum(nil))
}

// unseal returns what a file holds and its number, which is 0 for one of before
// there were seals.
func unseal(name string, text []byte) (number uint64, content []byte, err error) {
	if !bytes.HasPrefix(text, []byte(sealMark)) {
		return 0, text, nil
	}
	head, content, _ := bytes.Cut(text, []byte("\n"))
	fields := strings.Fields(string(head))
	if len(fields) != 4 || fields[1] != name {
		return 0, nil, errAltered
	}
	number, err = strconv.ParseUint(fields[2], 10, 64)
	if err != nil || fields[3] != sealSum(name, number, content) {
		return 0, nil, errAltered
	}
	return number, content, nil
}
