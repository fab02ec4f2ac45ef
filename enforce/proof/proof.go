// Package proof says what makes the evidence of a case hold, and checks it: a
// canonical manifest that names every file by its SHA-256, a signature under
// it, an optional timestamp of an authority, and a place in an append-only log
// whose root is signed.
//
// It needs no database, no case log, no network and nothing native, so that an
// exported package can be checked by a small program on another machine. It
// trusts no key but those it is given, never stops at the first fault, and says
// of each what is wrong with which file and what that means.
package proof

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
)

// sumOf is the SHA-256 of data in hex, as files are named by it.
func sumOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// isSum reports whether name is a SHA-256 in hex.
func isSum(name string) bool {
	raw, err := hex.DecodeString(name)
	return err == nil && len(raw) == sha256.Size && hex.EncodeToString(raw) == name
}

// maxText bounds what is read of a file that is not a picture or a clip:
// manifests, notes and timestamps are a few kilobytes.
const maxText = 4 << 20

var errTooLong = fmt.Errorf("is longer than %d bytes, which nothing of its kind is", maxText)

// readText reads a small file whole.
func readText(r io.ReadCloser) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxText+1))
	err = errors.Join(err, r.Close())
	if err == nil && len(data) > maxText {
		err = errTooLong
	}
	return data, err
}
