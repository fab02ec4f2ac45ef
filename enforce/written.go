package enforce

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"tidewatch/detect/plate"
)

// maxWords bounds what people write down in one place, in characters.
const maxWords = 1000

// unseen are letters and signs that nobody can see.
const unseen = "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0"

// Legible reports whether everybody reads the same in a text: it has no
// controls but line breaks and tabs, nothing that cannot be seen, and nothing
// that turns the writing round.
func Legible(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, func(r rune) bool {
		return !unicode.IsGraphic(r) && !strings.ContainsRune("\n\r\t", r) || strings.ContainsRune(unseen, r)
	})
}

// written checks what people wrote into an event, whoever brings it.
func (e Event) written() error {
	if d := e.Decision; d != nil && d.Plate != "" && !plate.Writable(d.Plate) {
		return fmt.Errorf("event %s of case %s: plate %+q: want up to %d capital letters, digits and Chinese characters",
			e.Type, e.Case, d.Plate, plate.MaxLength)
	}
	words := []string{e.Actor}
	if e.Decision != nil {
		words = append(words, e.Decision.Reason)
	}
	if e.Hold != nil {
		words = append(words, e.Hold.Reason)
	}
	for _, w := range words {
		if !Legible(w) {
			return fmt.Errorf("event %s of case %s: %+q has characters that cannot be seen or turn the writing round", e.Type, e.Case, w)
		}
		if utf8.RuneCountInString(w) > maxWords {
			return fmt.Errorf("event %s of case %s: %d characters where %d are enough", e.Type, e.Case, utf8.RuneCountInString(w), maxWords)
		}
	}
	return nil
}
