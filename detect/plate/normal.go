package plate

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Normal brings a plate that was typed into the form in which plates are
// recorded and compared: no blanks, dots or hyphens, capital letters, no
// full-width or other compatibility forms.
func Normal(typed string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case strings.ContainsRune(" \t\u3000·•・.-", r):
			return -1
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		}
		return r
	}, norm.NFKC.String(typed))
}

// MaxLength is more than any plate has, in characters.
const MaxLength = 12

// Writable reports whether a text could stand on some plate, of a kind that is
// known or not: capital letters, digits and Chinese characters in the form that
// Normal gives, and not too many. Nothing else may be recorded as a plate.
func Writable(text string) bool {
	n := utf8.RuneCountInString(text)
	return n > 0 && n <= MaxLength && Lettered(text) && Normal(text) == text
}

// Lettered reports whether a text has nothing but capital letters, digits and
// Chinese characters.
func Lettered(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool {
		return (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !unicode.Is(unicode.Han, r)
	})
}
