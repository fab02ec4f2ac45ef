package accounts

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
)

// The cost of a guess: the second recommendation of RFC 9106, made for
// machines that do not have 2 GiB to spare for it.
const (
	hashMemory  = 64 << 10 // KiB
	hashTime    = 3
	hashThreads = 4
	hashBytes   = 32
	saltBytes   = 16
)

// A hash beyond these is damaged or meant to exhaust the machine.
const (
	maxMemory = 1 << 20 // KiB
	maxTime   = 16
)

var errBadHash = errors.New("password hash: want $argon2id$v=19$m=..,t=..,p=..$salt$hash")

// passwordHash is an argon2id hash with its parameters, as written in the PHC
// string format.
type passwordHash struct {
	memory, time uint32
	threads      uint8
	salt, sum    []byte
}

func hashPassword(password string) passwordHash {
	h := passwordHash{memory: hashMemory, time: hashTime, threads: hashThreads, salt: make([]byte, saltBytes)}
	_, _ = rand.Read(h.salt) // never returns an error
	h.sum = h.of(password, hashBytes)
	return h
}

// unguessable is the hash of a password that nobody knows, which costs as much
// to check as h.
func (h passwordHash) unguessable() passwordHash {
	h.salt, h.sum = make([]byte, len(h.salt)), make([]byte, len(h.sum))
	_, _ = rand.Read(h.salt) // neither returns an error
	_, _ = rand.Read(h.sum)
	return h
}

func (h passwordHash) of(password string, size uint32) []byte {
	return argon2.IDKey([]byte(password), h.salt, h.time, h.memory, h.threads, size)
}

// fits reports, in constant time, whether a password gives this hash.
func (h passwordHash) fits(password string) bool {
	return subtle.ConstantTimeCompare(h.of(password, uint32(len(h.sum))), h.sum) == 1
}

func (h passwordHash) String() string {
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, h.memory, h.time, h.threads,
		base64.RawStdEncoding.EncodeToString(h.salt), base64.RawStdEncoding.EncodeToString(h.sum))
}

func parseHash(s string) (passwordHash, error) {
	var (
		h       passwordHash
		version int
		parts   = strings.Split(s, "$")
	)
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" {
		return h, errBadHash
	}
	if _, err := fmt.Sscanf(parts[2], "v=%d", &version); err != nil || version != argon2.Version {
		return h, errBadHash
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &h.memory, &h.time, &h.threads); err != nil {
		return h, errBadHash
	}
	var saltErr, sumErr error
	h.salt, saltErr = base64.RawStdEncoding.DecodeString(parts[4])
	h.sum, sumErr = base64.RawStdEncoding.DecodeString(parts[5])
	if saltErr != nil || sumErr != nil || len(h.salt) < 8 || len(h.sum) < 16 || len(h.sum) > 64 ||
		h.time < 1 || h.time > maxTime || h.threads < 1 || h.memory < 8*uint32(h.threads) || h.memory > maxMemory {
		return passwordHash{}, errBadHash
	}
	return h, nil
}

// newPassword is random (75 bits) and can be read from a screen and typed: no
// digit in it looks like a letter.
func newPassword() string {
	text := strings.ToLower(rand.Text())
	return text[:5] + "-" + text[5:10] + "-" + text[10:15]
}
