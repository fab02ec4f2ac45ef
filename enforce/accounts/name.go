package accounts

import (
	"crypto/sha256"
	"strings"
	"unicode"
)

// maxName is more than a name has, in characters.
const maxName = 64

// printable is a name as somebody gave it, fit to be shown and kept: without
// what cannot be seen or turns the writing round, and not too long.
func printable(name string) string {
	shown := []rune(strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, name[:min(len(name), 4*maxName)]))
	if len(shown) > maxName {
		return string(shown[:maxName-1]) + "…"
	}
	return string(shown)
}

// named is what a name is remembered by: long ones take no more room.
func named(name string) string {
	if len(name) <= maxName {
		return name
	}
	sum := sha256.Sum256([]byte(name))
	return string(sum[:])
}
