package detect

import "slices"

// Area is the box's area, as a share of the picture.
func (b Box) Area() float64 { return b.W * b.H }

// Intersect is the part that two boxes share; its area is zero when they share
// nothing.
func (b Box) Intersect(c Box) Box {
	x, y := max(b.X, c.X), max(b.Y, c.Y)
	w, h := min(b.X+b.W, c.X+c.W)-x, min(b.Y+b.H, c.Y+c.H)-y
	if w <= 0 || h <= 0 {
		return Box{}
	}
	return Box{X: x, Y: y, W: w, H: h}
}

// Union is the smallest box that holds two.
func (b Box) Union(c Box) Box {
	x, y := min(b.X, c.X), min(b.Y, c.Y)
	return Box{X: x, Y: y, W: max(b.X+b.W, c.X+c.W) - x, H: max(b.Y+b.H, c.Y+c.H) - y}
}

// IoU is the area that two boxes share over the area that they cover
// together: 0 apart, 1 equal.
func (b Box) IoU(c Box) float64 {
	shared := b.Intersect(c).Area()
	if shared <= 0 {
		return 0
	}
	return shared / (b.Area() + c.Area() - shared)
}

// Covered is the share of the box that lies under another one.
func (b Box) Covered(by Box) float64 {
	if b.Area() <= 0 {
		return 0
	}
	return b.Intersect(by).Area() / b.Area()
}

// holds reports whether a point lies in the box.
func (b Box) holds(x, y float64) bool { return x >= b.X && x <= b.X+b.W && y >= b.Y && y <= b.Y+b.H }

// Visible is the part of the box that lies in the picture.
func (b Box) Visible() Box { return b.Intersect(Box{W: 1, H: 1}) }

// medianBox is the component-wise median of boxes.
func medianBox(boxes []Box) Box {
	median := func(of func(Box) float64) float64 {
		values := make([]float64, len(boxes))
		for i, b := range boxes {
			values[i] = of(b)
		}
		slices.Sort(values)
		n := len(values)
		return (values[(n-1)/2] + values[n/2]) / 2
	}
	return Box{
		X: median(func(b Box) float64 { return b.X }),
		Y: median(func(b Box) float64 { return b.Y }),
		W: median(func(b Box) float64 { return b.W }),
		H: median(func(b Box) float64 { return b.H }),
	}
}
