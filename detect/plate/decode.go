package plate

import (
	"cmp"
	"slices"
)

// Scores are what a text network saw: for each step from left to right, the
// probability of each character (by Index) and, at 0, of none.
type Scores [][Classes]float32

const (
	beamWidth = 16
	// leastProbability is below which a character at a step is not followed.
	leastProbability = 1e-4
)

// hypothesis is a text that the steps so far may have spelled.
type hypothesis struct {
	text  string     // indices, one byte each
	fits  patternSet // the patterns that begin so
	none  float64    // probability of the paths that end in none
	char  float64    // and of those that end in the text's last character
	total float64
}

// Decode finds the most probable text that some plate of that colour can have
// (a beam search over the prefixes of CTC paths, each of which must begin such
// a text). Only blue, green and yellow rule texts out: a night picture makes
// every plate white or black. The read has no kind yet and is not accepted; it
// is empty when no text is possible. Places are counted in steps.
func Decode(scores Scores, colour Kind) Sight {
	beam := []hypothesis{{fits: patternsOf(colour), none: 1, total: 1}}
	for i := range scores {
		beam = advance(beam, &scores[i])
	}
	for _, h := range beam {
		if h.fits.complete(len(h.text)) {
			chars, places := align(scores, h.text)
			return spell(h.text, chars, places)
		}
	}
	return Sight{}
}

// advance reads one step and keeps the best hypotheses, the best first.
func advance(beam []hypothesis, step *[Classes]float32) []hypothesis {
	next := make(map[string]*hypothesis, 2*len(beam))
	at := func(text string, fits patternSet) *hypothesis {
		h, ok := next[text]
		if !ok {
			h = &hypothesis{text: text, fits: fits}
			next[text] = h
		}
		return h
	}
	for _, h := range beam {
		last := 0
		stay := at(h.text, h.fits)
		stay.none += h.total * float64(step[0])
		if n := len(h.text); n > 0 {
			last = int(h.text[n-1])
			stay.char += h.char * float64(step[last])
		}
		for index := 1; index < Classes; index++ {
			p := float64(step[index])
			if p < leastProbability {
				continue
			}
			fits := h.fits.step(len(h.text), index)
			if fits == 0 {
				continue
			}
			before := h.total
			if index == last {
				before = h.none // a character doubles only across none
			}
			at(h.text+string([]byte{byte(index)}), fits).char += before * p
		}
	}
	return best(next)
}

func best(all map[string]*hypothesis) []hypothesis {
	beam := make([]hypothesis, 0, len(all))
	for _, h := range all {
		h.total = h.none + h.char
		if h.total > 0 {
			beam = append(beam, *h)
		}
	}
	slices.SortFunc(beam, func(a, b hypothesis) int {
		return cmp.Or(cmp.Compare(b.total, a.total), cmp.Compare(a.text, b.text))
	})
	return beam[:min(len(beam), beamWidth)]
}

func spell(text string, chars, places []float64) Sight {
	sight := Sight{Read: Read{Chars: chars, Confidence: slices.Min(chars)}, Places: places}
	for _, index := range []byte(text) {
		sight.Text += string(runes[index])
	}
	return sight
}

// align lays a text over the steps along its most probable path and returns,
// for each character, the highest probability it had on the way, and where.
func align(scores Scores, text string) (chars, places []float64) {
	// State 2k is none before character k, state 2k+1 is the character.
	states := 2*len(text) + 1
	index := func(state int) int {
		if state%2 == 0 {
			return 0
		}
		return int(text[state/2])
	}
	path := make([]float64, states)
	from := make([][]int, len(scores))
	for t := range scores {
		next := make([]float64, states)
		from[t] = make([]int, states)
		for s := range states {
			p, came := arrival(path, s, t == 0, s > 1 && index(s) != 0 && index(s) != index(s-2))
			next[s], from[t][s] = p*float64(scores[t][index(s)]), came
		}
		path = scale(next)
	}
	s := states - 1
	if path[s-1] > path[s] {
		s--
	}
	chars, places = make([]float64, len(text)), make([]float64, len(text))
	for t := len(scores) - 1; t >= 0; t-- {
		if p := float64(scores[t][index(s)]); s%2 == 1 && p > chars[s/2] {
			chars[s/2], places[s/2] = p, middle(scores, t, index(s))
		}
		s = from[t][s]
	}
	return chars, places
}

// middle is where a character stands that is likeliest at step t: between the
// steps if those beside it saw it, too.
func middle(scores Scores, t, index int) float64 {
	var sum, moment float64
	for i := max(t-1, 0); i <= min(t+1, len(scores)-1); i++ {
		p := float64(scores[i][index])
		sum, moment = sum+p, moment+p*(float64(i)+0.5)
	}
	return moment / sum
}

// arrival is the best way into a state: staying, from the one before, or over
// the none between two different characters.
func arrival(path []float64, s int, first, skip bool) (p float64, from int) {
	if first {
		if s < 2 {
			return 1, s
		}
		return 0, s
	}
	p, from = path[s], s
	if s > 0 && path[s-1] > p {
		p, from = path[s-1], s-1
	}
	if skip && path[s-2] > p {
		p, from = path[s-2], s-2
	}
	return p, from
}

// scale keeps long paths of small probabilities from vanishing.
func scale(path []float64) []float64 {
	if top := slices.Max(path); top > 0 {
		for i := range path {
			path[i] /= top
		}
	}
	return path
}
