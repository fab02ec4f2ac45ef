package plate

import "slices"

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
	alone := whole && second.Confidence >= sure && first.Confidence < unsure
	switch {
	case second.Text != "" && second.Text == first.Text:
		read := Read{Text: second.Text, Chars: slices.Clone(second.Chars)}
		for i, c := range first.Chars {
			read.Chars[i] = max(read.Chars[i], c)
		}
		read.Confidence = slices.Min(read.Chars)
		glimpse := min(first.Confidence, second.Confidence)
		certain := alone || read.Confidence >= seen && glimpse >= glimpsed
		read.Accepted = certain && whole && first.ends()
		return read
	case first.Confidence > second.Confidence:
		return first.Read
	}
	read := second.Read
	read.Accepted = alone
	return read
}

// WithColour gives a read its kind: the colour of the plate where such a text
// can have it, else the likeliest for the text.
func (r Read) WithColour(colour Kind) Read {
	kinds := Parse(r.Text)
	switch {
	case len(kinds) == 0 || slices.Contains(kinds, colour):
		r.Kind = colour
	default:
		r.Kind = kinds[0]
	}
	return r
}
