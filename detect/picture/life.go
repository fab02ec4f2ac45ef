package picture

import "slices"

// What a camera draws over its picture changes in small fixed places. What
// drives or walks goes where nothing has changed before, and a picture with
// that is none that hangs, however well its encoder repeats the rest.
const (
	lifeChange = 8    // grey levels from which the mean of a block has changed
	lifeNear   = 3    // blocks around a place that are taken for a part of it
	lifeNew    = 3    // blocks that change elsewhere for something to have moved
	lifeLooks  = 3    // looks in a row with such blocks, after the first one with any
	lifeMost   = 0.08 // of the picture that may be drawn over
)

// life knows the places of a repeating picture that have changed.
type life struct {
	places []bool // that have changed, with what is near them
	area   int    // blocks that have changed
	wander int    // looks in a row in which something changed elsewhere
}

// look takes the means of a look's blocks and reports whether something has
// moved through the picture.
func (l *life) look(now plane, before []trace) bool {
	if l.places == nil {
		l.places = make([]bool, len(now.grey))
	}
	elsewhere, first := 0, l.area == 0
	changed := changedBlocks(now, before)
	for _, i := range changed {
		if !l.places[i] {
			elsewhere++
		}
	}
	for _, i := range changed {
		l.mark(now, i%now.width, i/now.width)
	}
	l.area += elsewhere
	if l.wander++; elsewhere < lifeNew || first {
		l.wander = 0
	}
	if l.wander < lifeLooks && float64(l.area) <= lifeMost*float64(len(now.grey)) {
		return false
	}
	l.places, l.area, l.wander = nil, 0, 0
	return true
}

// changedBlocks are those that were as bright in no look before.
func changedBlocks(now plane, before []trace) (blocks []int) {
	for i, g := range now.grey {
		if len(before) > 0 && !slices.ContainsFunc(before, func(t trace) bool { return abs(int(g)-int(t.means.grey[i])) < lifeChange }) {
			blocks = append(blocks, i)
		}
	}
	return blocks
}

// mark takes a block and what is near it for a place that changes.
func (l *life) mark(p plane, x, y int) {
	for v := max(0, y-lifeNear); v <= min(p.height-1, y+lifeNear); v++ {
		for u := max(0, x-lifeNear); u <= min(p.width-1, x+lifeNear); u++ {
			l.places[v*p.width+u] = true
		}
	}
}
