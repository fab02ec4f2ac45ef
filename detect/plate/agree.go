package plate

import (
	"slices"
	"strings"
)

// Agreement of two different networks is what makes a read trustworthy; a
// threshold on one network's confidence does not hold on plates it was not
// chosen on. The limits below only keep out what both guess alike: a character
// that is cut off or painted over, of which networks know what usually stands
// there.
const (
	// seen is the confidence that one of two agreeing readers needs in each
	// character, and glimpsed that of the other.
	seen     = 0.7
	glimpsed = 0.1
	// sure is the confidence from which the second, better reader is believed
	// alone, while the first is below unsure.
	sure   = 0.94
	unsure = 0.5
)

// Agree joins what two readers made of one picture of a plate. The read is
// accepted where both say the same, or where the second and better one is sure
// and the first has little to say, and where it fills the plate from end to
// end. Else its text is a hint, from the reader that is less unsure. The first
// reader tells the first character at the very left wherever it stands, so only
// the second one's place of it counts.
func Agree(first, second Sight) Read {
	whole := second.begins() && second.ends()
	alone := second.Confidence >= sure && first.Confidence < unsure
	switch {
	case same(first.Read, second.Read):
		read, glimpse := join(first.Read, second.Read)
		read.Accepted = whole && first.ends() && tellsZeros(second.Read) &&
			(alone || read.Confidence >= seen && glimpse >= glimpsed)
		return read
	case whole && alone:
		read := second.Read
		read.Accepted = true
		return read
	case first.Confidence > second.Confidence:
		return doubt(first.Read, second.Read)
	}
	return doubt(second.Read, first.Read)
}

// seldom are the characters that the first reader hardly knows: it takes 学 for
// a 9 and O for a Q.
const seldom = uses + "O"

// same reports whether two readers say the same, not counting the places where
// the second one is sure of a character that the first one hardly knows.
func same(first, second Read) bool {
	a, b := []rune(first.Text), []rune(second.Text)
	if len(a) != len(b) || len(a) == 0 {
		return false
	}
	for i := range b {
		if a[i] != b[i] && !(strings.ContainsRune(seldom, b[i]) && second.Chars[i] >= sure) {
			return false
		}
	}
	return true
}

// tellsZeros reports whether the second reader is sure of each 0. The first one
// takes a Q for a 0, too, so that it is no second opinion on that.
func tellsZeros(second Read) bool {
	for i, r := range []rune(second.Text) {
		if r == '0' && second.Chars[i] < sure {
			return false
		}
	}
	return true
}

// join takes the second reader's text, and of each character on which both
// agree the higher confidence. The glimpse is the least that either had in such
// a character.
func join(first, second Read) (joined Read, glimpse float64) {
	joined = Read{Text: second.Text, Chars: slices.Clone(second.Chars)}
	glimpse = 1
	a, b := []rune(first.Text), []rune(second.Text)
	for i, c := range first.Chars {
		if a[i] == b[i] {
			joined.Chars[i] = max(joined.Chars[i], c)
			glimpse = min(glimpse, c, second.Chars[i])
		}
	}
	joined.Confidence = slices.Min(joined.Chars)
	return joined, glimpse
}

// doubt lowers the confidence of a hint in the characters that the other reader
// takes for others, so that whoever types the plate sees what was guessed.
func doubt(hint, other Read) Read {
	a, b := []rune(hint.Text), []rune(other.Text)
	if len(a) != len(b) || len(a) == 0 {
		return hint
	}
	hint.Chars = slices.Clone(hint.Chars)
	for i := range a {
		if a[i] != b[i] {
			hint.Chars[i] *= 1 - min(other.Chars[i], 1)/2
		}
	}
	hint.Confidence = slices.Min(hint.Chars)
	return hint
}

// Confirm joins what was made of one plate in two looks that differ a little in
// what is round it. It is accepted where both have the same text and one was
// accepted; else the likelier one is a hint.
func Confirm(read, again Read) Read {
	better := again.Accepted && !read.Accepted ||
		again.Accepted == read.Accepted && again.Confidence > read.Confidence
	if better {
		read, again = again, read
	}
	if read.Text != again.Text {
		read = doubt(read, again)
		read.Accepted = false
	}
	return read
}

// WithColour gives a read its kind: the colour of the plate where such a text
// can have it, else what that colour may be in another light. It is not accepted
// where the colour can be none of the text's: light takes a plate's hue, but
// leaves a bright ground bright, and gives no hue to one without. On a bright
// plate a green one's text without its last character is not accepted either,
// nor one of the armed police without a province, whose small character is
// easily lost.
func (r Read) WithColour(colour Kind) Read {
	kinds := Parse(r.Text)
	if len(kinds) == 0 {
		r.Kind, r.Accepted = colour, false
		return r
	}
	may := seemsOf(colour)
	at := slices.IndexFunc(kinds, func(k Kind) bool { return slices.Contains(may, k) })
	switch {
	case slices.Contains(kinds, colour):
		r.Kind = colour
	case at >= 0:
		r.Kind = kinds[at]
	default:
		r.Kind, r.Accepted = kinds[0], false
	}
	if losesProvince(r.Text) {
		r.Accepted = false
	}
	return r
}

// seemsOf are the kinds that can seem to have a colour.
func seemsOf(colour Kind) []Kind {
	switch colour {
	case White:
		return []Kind{White, Green} // pale
	case Black:
		return []Kind{Black, Blue} // by night
	case UnknownKind:
		return []Kind{Blue, Green, Yellow, White, Black}
	}
	return []Kind{colour}
}

// beginsGreen reports whether a text is a green plate's without its last
// character.
func beginsGreen(text string) bool {
	n := len([]rune(text))
	return n > 0 && patternsOf(Green).after(text).complete(n+1)
}

// losesProvince reports whether a text is one of the armed police without a
// province.
func losesProvince(text string) bool {
	return strings.HasPrefix(text, "WJ") && len([]rune(text)) == 7
}
