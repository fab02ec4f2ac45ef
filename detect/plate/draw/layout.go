package draw

import "image"

// box is a place on a plate, in millimetres.
type box struct{ x, y, w, h float64 }

// layout says where things stand on a plate, in millimetres.
type layout struct {
	size image.Point
	// characters are the boxes that the characters fill, in reading order.
	characters []box
	// dot is where the dot's middle is; zero where there is none.
	dot box
	// marked is how many of the first characters stand out.
	marked int
}

// rows counts the rows of characters.
func (l layout) rows() int {
	n := 1
	for i := 1; i < len(l.characters); i++ {
		if l.characters[i].y != l.characters[i-1].y {
			n++
		}
	}
	return n
}

var (
	oneRow     = row(440, 45, 12, 34, 2, 7, true)
	electric   = greenRow()
	afterThree = row(440, 45, 12, 34, 3, 7, true)
	afterFour  = row(440, 45, 12, 34, 4, 7, true)
	eight      = row(440, 42, 9, 13, 3, 8, true)
	twoRows    = twoRowsOf()
)

// row is one row of characters 90 high with a wider gap, and mostly a dot in
// it, behind the first ones.
func row(width int, w, gap, wide float64, first, n int, dot bool) layout {
	l := layout{size: image.Pt(width, 140), marked: first}
	x := (float64(width) - float64(n)*w - float64(n-2)*gap - wide) / 2
	for i := range n {
		l.characters = append(l.characters, box{x, 25, w, 90})
		x += w + gap
		if i == first-1 {
			if x += wide - gap; dot {
				l.dot = box{x - wide/2, 70, min(10, wide/2), min(10, wide/2)}
			}
		}
	}
	return l
}

// greenRow has eight characters, the first one wider, and an emblem instead of
// the dot, which is drawn as one.
func greenRow() layout {
	l := layout{size: image.Pt(480, 140), dot: box{136.5, 70, 34, 34}}
	x := 15.5
	for i := range 8 {
		w, gap := 43.0, 9.0
		switch i {
		case 0:
			w = 45
		case 1:
			gap = 49
		}
		l.characters = append(l.characters, box{x, 25, w, 90})
		x += w + gap
	}
	return l
}

// twoRowsOf is the rear plate of large vehicles: two characters over five.
func twoRowsOf() layout {
	l := layout{
		size:       image.Pt(440, 220),
		characters: []box{{110, 15, 80, 60}, {250, 15, 80, 60}},
		dot:        box{220, 45, 10, 10},
	}
	for i := range 5 {
		l.characters = append(l.characters, box{27.5 + 80*float64(i), 90, 65, 110})
	}
	return l
}
