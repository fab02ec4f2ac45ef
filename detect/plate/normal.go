package plate

import "strings"

// Normal brings a plate that was typed into the form in which plates are
// recorded and compared: no blanks, dots or hyphens, capital letters, no
// full-width forms.
func Normal(typed string) string {
	return strings.Map(func(r rune) rune {
		if r >= '！' && r <= '～' {
			r -= '！' - '!'
		}
		switch {
		case strings.ContainsRune(" \t\u3000·•・.-", r):
			return -1
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		}
		return r
	}, typed)
}
