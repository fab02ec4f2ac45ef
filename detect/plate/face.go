package plate

import (
	"slices"
	"strings"
)

// Look is what three readers made of one picture of a plate, in the order of
// Settle.
type Look struct {
	Read
	Sights [3]Sight
	// Upper is the share of the picture's width that holds the upper one of two
	// rows, left of the lower one; 0 with one row.
	Upper float64
	// Inset is the share of the plate's width that is beside the picture, on each
	// side.
	Inset float64
}

// Face is what a plate shows beside its text.
type Face struct {
	Colour Kind
	// Left and Right are from where to where it shows its ground, 0..1 of its
	// width.
	Left, Right float64
}

const (
	// edgeInexact is by how much the ground may seem to end sooner than the
	// characters, in shares of the picture's width, as places and corners go.
	// Those of two rows are less exact.
	edgeInexact, rowsInexact = 0.012, 0.03
	// The first seven characters of a green plate fit its layout better than a
	// blue one's by more than greenLeast, the mean square in shares of the width:
	// by 0.00060 or more on 48 green plates with an end covered, by 0.00055 or less
	// on 60 blue ones, as the third reader sees places, who sees the gap behind the
	// second character larger than it is.
	greenLeast = 0.00057
	// oneAside is by how much a 1 at the end may stand left of its place, in
	// shares of the width: what is left of a character whose right half is covered
	// stands farther left.
	oneAside = 0.015
	// A province counts as seen where the third reader, which has learnt all of
	// them alike, sees it with provinceSeen in each look, or where both others are
	// as sure as provinceSure in all of them together: these know mostly the
	// provinces of their own streets, and name them where they see nothing.
	provinceSeen, provinceSure = 0.15, 0.9
)

// Bears reports whether a read can stand on a plate: in the looks that it was
// made from all provinces in it were seen, and its characters stand where its
// kind has them, on the plate's ground from end to end.
func (f Face) Bears(read Read, looks ...Look) bool {
	left, right, told := 0.0, 0.0, 0.0
	for _, look := range looks {
		if !look.endsWhole(read.Text) || !f.isBlueOrYellow() && beginsGreen(read.Text) && !look.isNotGreen(read.Text) {
			return false
		}
		inexact := edgeInexact
		if look.Upper > 0 {
			inexact = rowsInexact
		}
		if l, r, ok := look.reach(read.Text); ok {
			if look.Upper > 0 { // places of joined rows only ever tighten
				l, r = max(l, lowerRow.middles[0]-lowerRow.half), min(r, lowerRow.middles[4]+lowerRow.half)
			}
			left, right, told = left+l+inexact, right+r-inexact, told+1
		}
	}
	return told > 0 && seeProvinces(looks, read.Text) &&
		f.Left <= left/told && f.Right >= right/told
}

func (f Face) isBlueOrYellow() bool { return f.Colour == Blue || f.Colour == Yellow }

// seeProvinces reports whether the provinces in a text were seen, not guessed.
func seeProvinces(looks []Look, text string) bool {
	for i, r := range []rune(text) {
		if !strings.ContainsRune(provinces, r) {
			continue
		}
		seen, sure := 1.0, 0.0
		for _, look := range looks {
			seen = min(seen, look.Sights[2].of(i, r))
			sure += min(look.Sights[0].of(i, r), look.Sights[1].of(i, r)) / float64(len(looks))
		}
		if seen < provinceSeen && sure < provinceSure {
			return false
		}
	}
	return true
}

// of is how sure a reader is of a character at a place of its text, 0 where it
// sees another.
func (s Sight) of(place int, r rune) float64 {
	if text := []rune(s.Text); place < len(text) && text[place] == r {
		return s.Chars[place]
	}
	return 0
}

// reach is from where to where the characters of a text go on the plate, those
// of the lower row where there are two. It is told by the second reader, the
// only one that sees places as they are.
func (l Look) reach(text string) (left, right float64, ok bool) {
	layout, known := layoutOf(text)
	places := slices.Clone(l.Sights[1].Places)
	if !known || len(places) != len(layout.middles) {
		return 0, 0, false
	}
	if l.Upper > 0 {
		if len(places) != 2+len(lowerRow.middles) {
			return 0, 0, false
		}
		layout, places = lowerRow, places[2:]
		for i := range places {
			places[i] -= l.Upper
			places[i] /= 1 - l.Upper
		}
	}
	left, right, _ = fit(places, layout.middles)
	onPlate := func(share float64) float64 {
		return l.Inset + (1-2*l.Inset)*(left+(right-left)*share)
	}
	return onPlate(layout.middles[0] - layout.half), onPlate(layout.middles[len(places)-1] + layout.half), true
}

// isNotGreen reports whether seven characters are not a green plate's first
// ones, by the gap behind the second.
func (l Look) isNotGreen(text string) bool {
	places := l.Sights[2].Places
	if len(places) != len(afterTwo.middles) || len([]rune(text)) != len(places) {
		return false
	}
	_, _, asBlue := fit(places, afterTwo.middles)
	_, _, asGreen := fit(places, electric.middles[:len(places)])
	return asBlue-asGreen < greenLeast
}

// endsWhole reports whether a 1 at the end is one, rather than the left part of
// a character that is covered.
func (l Look) endsWhole(text string) bool {
	layout, known := layoutOf(text)
	places := l.Sights[2].Places
	last := len(places) - 1
	if l.Upper > 0 || !known || !strings.HasSuffix(text, "1") || last+1 != len(layout.middles) {
		return true
	}
	left, right, _ := fit(places[1:last], layout.middles[1:last])
	width := right - left
	return (places[last]-left)/width-layout.middles[last] >= -oneAside
}
