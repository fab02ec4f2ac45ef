package watch

import "image"

// tiles are squares of a picture, each half over the next, that have changed or
// have not.
type tiles struct {
	size          image.Point // of the picture
	columns, rows int
	changed       []bool
	begin         []int // those from which what has moved is followed
}

func newTiles(width, height int) *tiles {
	const step = movedTile / 2
	t := &tiles{size: image.Pt(width, height), columns: (width + step - 1) / step, rows: (height + step - 1) / step}
	t.changed = make([]bool, t.columns*t.rows)
	return t
}

// area is a tile's part of the picture.
func (t *tiles) area(i int) image.Rectangle {
	corner := image.Pt(i%t.columns, i/t.columns).Mul(movedTile / 2)
	return image.Rectangle{Min: corner, Max: corner.Add(image.Pt(movedTile, movedTile))}.Intersect(image.Rectangle{Max: t.size})
}

// reach is the part of the picture around all changed tiles that hang together
// with those in begin.
func (t *tiles) reach() image.Rectangle {
	var part image.Rectangle
	met := make([]bool, len(t.changed))
	next := t.begin
	for len(next) > 0 {
		i := next[0]
		next = next[1:]
		if met[i] {
			continue
		}
		met[i] = true
		part = part.Union(t.area(i))
		for _, neighbour := range t.around(i) {
			if t.changed[neighbour] {
				next = append(next, neighbour)
			}
		}
	}
	return part
}

// around are the tiles beside a tile, above it and below.
func (t *tiles) around(i int) []int {
	var beside []int
	x, y := i%t.columns, i/t.columns
	for _, p := range []image.Point{{x - 1, y}, {x + 1, y}, {x, y - 1}, {x, y + 1}} {
		if p.In(image.Rect(0, 0, t.columns, t.rows)) {
			beside = append(beside, p.Y*t.columns+p.X)
		}
	}
	return beside
}
