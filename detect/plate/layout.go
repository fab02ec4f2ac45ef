package plate

// layout is where the characters of a plate stand, in shares of its width (GA
// 36-2018).
type layout struct {
	middles []float64
	half    float64 // of a character's width
}

// The layouts of plates with one row of characters.
var (
	afterTwo   = row(440, 45, 12, 34, 2, 7)
	afterThree = row(440, 45, 12, 34, 3, 7)
	afterFour  = row(440, 45, 12, 34, 4, 7)
	ofEight    = row(440, 42, 9, 13, 3, 8)
	electric   = row(480, 43, 9, 49, 2, 8)
)

// row is one row of n characters with a wider gap behind the first ones, all in
// millimetres.
func row(width, character, gap, wide float64, first, n int) layout {
	l := layout{half: character / 2 / width}
	x := (width - float64(n)*character - float64(n-2)*gap - wide + character) / 2
	for i := range n {
		if i == first {
			x += wide - gap
		}
		l.middles = append(l.middles, x/width)
		x += character + gap
	}
	return l
}

// lowerRow is the lower one of two rows, without the gap that a dot would need.
var lowerRow = row(440, 65, 15, 15, 1, 5)

// layoutOf is that of the plates that a text can be on.
func layoutOf(text string) (layout, bool) {
	n := len([]rune(text))
	for i, fits := 0, allPatterns.after(text); i < len(patterns); i++ {
		if fits.holds(i) && len(compiled[i]) == n {
			return patterns[i].layout, true
		}
	}
	return layout{}, false
}

// fit lays characters onto a layout: the plate's edges as their places have
// them, and the mean square of what they are off, in shares of the plate's
// width.
func fit(places, middles []float64) (left, right, misfit float64) {
	n := float64(len(places))
	var x, m, mm, mx float64
	for i, p := range places {
		x, m = x+p/n, m+middles[i]/n
	}
	for i, p := range places {
		mm += (middles[i] - m) * (middles[i] - m)
		mx += (middles[i] - m) * (p - x)
	}
	width := mx / mm
	left = x - m*width
	for i, p := range places {
		off := (p - left - middles[i]*width) / width
		misfit += off * off / n
	}
	return left, left + width, misfit
}
