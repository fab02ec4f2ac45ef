package model

import (
	"slices"

	"tidewatch/detect"
	"tidewatch/detect/picture"
	"tidewatch/ingest/decode"
)

const (
	// neighbours is for how many more vehicles there is room about a zone and what
	// reaches into it, on each side: a queue shows by three of them.
	neighbours = 2

	// wideEvery is how many looks lie between two at the whole picture: what fills
	// all that is looked at may not be known as a vehicle.
	wideEvery = 16

	// muchLess is the share of the whole picture's cost below which parts of it
	// are looked at instead.
	muchLess = 0.8

	// atEdge is how near to the edge of a part a box may come, as a share of it,
	// before it is taken for cut off.
	atEdge = 0.005

	// leastShown is the share of a vehicle outside of all zones that must show in
	// what is looked at. The whole picture knows by less what vehicle it is, a part
	// of it does not: it would seem to come and go.
	leastShown = 0.3
)

// street finds the vehicles about the zones.
func (c *Camera) street(pic *decode.Picture) ([]detect.Detection, error) {
	whole := c.vehicles.letterbox(pic.Size())
	parts := c.parts(whole)
	if len(parts) > 0 && c.looks%wideEvery != 0 && c.looks >= c.resume {
		found, complete, err := c.narrow(pic, parts)
		if err != nil {
			return nil, err
		}
		c.spend(parts, whole, complete)
		if complete {
			return found, nil
		}
	}
	found, err := c.vehicles.find(pic, whole)
	if len(parts) > 0 {
		found = c.inView(found, parts)
	}
	return found, err
}

// costMemory is the share of what looks at parts cost of late that the newest
// one does not change.
const costMemory = 7. / 8

// spend notes what a look at parts cost, as a share of one at the whole, that one
// included if it had to follow. Where traffic makes that the dearer way, the next
// looks are at the whole.
func (c *Camera) spend(parts []picture.Letterbox, whole picture.Letterbox, complete bool) {
	cost := 0.0
	for _, part := range parts {
		cost += float64(pixels(part)) / float64(pixels(whole))
	}
	if !complete {
		cost++
	}
	c.cost = min(costMemory*c.cost+(1-costMemory)*cost, 1)
	if c.cost == 1 {
		c.resume = c.looks + wideEvery
	}
}

// narrow finds the vehicles in parts of a picture. It is false if one that
// reaches into a zone is cut off, and shows whole in no other part.
func (c *Camera) narrow(pic *decode.Picture, parts []picture.Letterbox) (found []detect.Detection, complete bool, err error) {
	type piece struct{ box, view detect.Box }
	var pieces []piece
	for _, part := range parts {
		inside, err := c.vehicles.find(pic, part)
		if err != nil {
			return nil, false, err
		}
		view := part.View()
		for _, d := range inside {
			if c.inZone(d.Box) && cutOff(d.Box, view) {
				pieces = append(pieces, piece{d.Box, view})
			} else {
				found = append(found, d)
			}
		}
	}
	for _, p := range pieces {
		elsewhere := slices.ContainsFunc(found, func(d detect.Detection) bool {
			return p.box.Covered(d.Box) >= pieceOf && cutOff(d.Box, p.view)
		})
		if !elsewhere {
			return nil, false, nil
		}
	}
	return distinct(c.inView(found, parts)), true, nil
}

// pieceOf is the share of a box that lies in another one from which it shows a
// piece of what that one shows.
const pieceOf = 0.8

// inView leaves of vehicles what parts of the picture show, so that all looks
// show the same of what reaches out of them; those in a zone stay whole.
func (c *Camera) inView(found []detect.Detection, parts []picture.Letterbox) []detect.Detection {
	var shown []detect.Detection
	for _, d := range found {
		var most detect.Box
		for _, part := range parts {
			if in := d.Box.Intersect(part.View()); in.Area() > most.Area() {
				most = in
			}
		}
		switch {
		case c.inZone(d.Box):
			shown = append(shown, d)
		case most.Area() > 0 && most.Area() >= leastShown*d.Box.Area():
			d.Box = most
			shown = append(shown, d)
		}
	}
	return shown
}

// inZone reports whether a box reaches into a zone.
func (c *Camera) inZone(b detect.Box) bool {
	return slices.ContainsFunc(c.zones, func(z *zone) bool { return b.Covered(z.Box) > 0 })
}

// parts are the inputs in which the street about the zones shows. There are
// none where the whole picture costs hardly more, or it is not known how large
// the vehicles of a zone are.
func (c *Camera) parts(whole picture.Letterbox) []picture.Letterbox {
	var areas []detect.Box
	for _, z := range c.zones {
		area, known := z.street(float64(whole.Inner.Y) / float64(whole.Inner.X))
		if !known {
			return nil
		}
		areas = append(areas, area)
	}
	var parts []picture.Letterbox
	cost := 0
	for _, area := range joined(areas, whole) {
		part := whole.Part(area, inputGrid)
		if pixels(part) == 0 {
			return nil // the zone lies outside the picture
		}
		cost += pixels(part)
		parts = append(parts, part)
	}
	if float64(cost) > muchLess*float64(pixels(whole)) {
		return nil
	}
	return parts
}

// street is the part of a picture, of an aspect of height to width, that matters
// to the zone.
func (z *zone) street(aspect float64) (area detect.Box, known bool) {
	height, known := z.height()
	width, measured := usual(z.widths)
	if !measured {
		width = 2 * height * aspect // a car from the side
	}
	x, y, b := max(neighbours*width, surrounding*height*aspect), neighbours*height, z.reach
	return detect.Box{X: b.X - x, Y: b.Y - y, W: b.W + 2*x, H: b.H + 2*y}.Visible(), known
}

// reached is the box around the zone, the vehicles that reach into it, and those
// that may be the next in a queue with one of them: at most its own length away.
// Only with room beyond those does the third show that makes them one.
func (z *zone) reached(found []detect.Detection) detect.Box {
	reach := z.Box
	for _, d := range found {
		if d.Box.Covered(z.Box) <= 0 {
			continue
		}
		b := d.Box
		reach = reach.Union(b)
		about := detect.Box{X: b.X - b.W, Y: b.Y - b.H, W: 3 * b.W, H: 3 * b.H}
		for _, next := range found {
			if next.Box.Covered(about) > 0 {
				reach = reach.Union(next.Box)
			}
		}
	}
	return reach
}

// joined joins the areas that together cost no more as one.
func joined(areas []detect.Box, whole picture.Letterbox) []detect.Box {
	cost := func(area detect.Box) int { return pixels(whole.Part(area, inputGrid)) }
	for i, a := range areas {
		for j, b := range areas[:i] {
			if both := a.Union(b); cost(both) <= cost(a)+cost(b) {
				rest := slices.Delete(slices.Clone(areas), i, i+1)
				rest[j] = both
				return joined(rest, whole)
			}
		}
	}
	return areas
}

func pixels(l picture.Letterbox) int { return l.Size.X * l.Size.Y }

// cutOff reports whether a box in a part of the picture may go on outside of it.
func cutOff(b, part detect.Box) bool {
	dx, dy := atEdge*part.W, atEdge*part.H
	return part.X > 0 && b.X < part.X+dx || part.X+part.W < 1 && b.X+b.W > part.X+part.W-dx ||
		part.Y > 0 && b.Y < part.Y+dy || part.Y+part.H < 1 && b.Y+b.H > part.Y+part.H-dy
}
