package plate

import (
	"cmp"
	"slices"
)

const (
	// hintWeight is what a read that was not accepted weighs against one that
	// was.
	hintWeight = 0.25
	// clearLead is how many times its strongest rival a text must weigh. One
	// good look cannot settle it against another, three against one can.
	clearLead = 2.5
)

// Vote joins the reads of one stop, each by how clear the plate showed. A text
// wins that was accepted at least once and clearly outweighs every other;
// without one, the read is not accepted and its text is the heaviest hint,
// however often it was read: pictures of a vehicle that stands repeat their
// mistakes. It is zero without any text.
func Vote(reads []Read) Read {
	ballots := count(reads)
	if len(ballots) == 0 {
		return Read{}
	}
	winner := ballots[0]
	read := winner.best
	if len(ballots) > 1 && winner.weight < clearLead*ballots[1].weight {
		read.Accepted = false
	}
	return read
}

// ballot is all that was read of one text.
type ballot struct {
	weight float64
	best   Read // accepted rather than not, then the most confident
}

func count(reads []Read) []*ballot {
	var ballots []*ballot
	byText := map[string]*ballot{}
	for _, read := range reads {
		if read.Text == "" {
			continue
		}
		b, ok := byText[read.Text]
		if !ok {
			b = &ballot{best: read}
			byText[read.Text] = b
			ballots = append(ballots, b)
		}
		b.weight += read.Weight()
		if read.Weight() > b.best.Weight() {
			b.best = read
		}
	}
	slices.SortStableFunc(ballots, func(a, b *ballot) int { return cmp.Compare(b.weight, a.weight) })
	return ballots
}

// Weight is what a read counts in a vote: from a half of the usual, for a plate
// that hardly showed, to one and a half for a large and sharp one.
func (r Read) Weight() float64 {
	clear := 1.0
	if r.Clarity > 0 {
		clear = 0.5 + min(r.Clarity, 1)
	}
	if r.Accepted {
		return clear * (1 + r.Confidence)
	}
	return clear * hintWeight * r.Confidence
}
