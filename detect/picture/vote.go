package picture

import "math"

const (
	voteSide   = 640 // longer side of the level at which motion is judged
	voteCell   = 32  // the most textured block of each cell has a vote
	voteBlock  = 16
	minTexture = 2.5  // mean step between neighbours from which a block votes
	anyTexture = 0.5  // the same, for a vote on a motion that was found
	clearly    = 64   // least difference of differences that decides such a vote
	minVoters  = 0.25 // of the cells, else nothing can be said
	majority   = 0.6
)

// block is a textured square of a view.
type block struct{ x, y int }

// landmarks are the blocks by which a shift can be told, the energy of each, and
// whether they are enough to tell it of the whole picture.
type landmarks struct {
	voters []block
	energy []int
	enough bool
}

// voters are the blocks of at least some texture, one of each cell, so that no
// vehicle can outvote the street. Cells is how many there could be.
func (p plane) voters(texture float64) (blocks []block, cells int) {
	for y := voteCell / 4; y+voteCell <= p.height; y += voteCell {
		for x := voteCell / 4; x+voteCell <= p.width; x += voteCell {
			cells++
			best, most := block{}, 0.0
			for _, b := range []block{{x, y}, {x + voteBlock, y}, {x, y + voteBlock}, {x + voteBlock, y + voteBlock}} {
				if t := p.texture(b); t > most {
					best, most = b, t
				}
			}
			if most >= texture {
				blocks = append(blocks, best)
			}
		}
	}
	return blocks, cells
}

// texture is the weaker of the mean steps between neighbours of a block, along
// and across: a block with one long edge tells nothing along it.
func (p plane) texture(b block) float64 {
	var dx, dy int
	for y := b.y; y < b.y+voteBlock-1; y++ {
		row, below := p.grey[y*p.width+b.x:][:voteBlock], p.grey[(y+1)*p.width+b.x:][:voteBlock]
		for x := range voteBlock - 1 {
			dx += abs(int(row[x]) - int(row[x+1]))
			dy += abs(int(row[x]) - int(below[x]))
		}
	}
	return float64(min(dx, dy)) / ((voteBlock - 1) * (voteBlock - 1))
}

// difference is the sum of absolute differences between a block and the pixels
// of another view that lie (dx, dy) from it, each without its mean. It is false
// when they lie outside.
func (p plane) difference(other plane, b block, dx, dy int) (int, bool) {
	x0, y0 := b.x+dx, b.y+dy
	if x0 < 0 || y0 < 0 || x0+voteBlock > other.width || y0+voteBlock > other.height {
		return 0, false
	}
	var deltas [voteBlock * voteBlock]int
	sum := 0
	for y := range voteBlock {
		here, there := p.grey[(b.y+y)*p.width+b.x:][:voteBlock], other.grey[(y0+y)*other.width+x0:][:voteBlock]
		row := deltas[y*voteBlock:][:voteBlock]
		for x := range row {
			row[x] = int(here[x]) - int(there[x])
			sum += row[x]
		}
	}
	mean, total := sum/len(deltas), 0
	for _, d := range deltas {
		total += abs(d - mean)
	}
	return total, true
}

func abs(v int) int { return max(v, -v) }

// energy is the sum of absolute differences of a block from its mean.
func (p plane) energy(b block) int {
	sum, total := 0, 0
	for y := range voteBlock {
		for _, v := range p.grey[(b.y+y)*p.width+b.x:][:voteBlock] {
			sum += int(v)
		}
	}
	mean := sum / (voteBlock * voteBlock)
	for y := range voteBlock {
		for _, v := range p.grey[(b.y+y)*p.width+b.x:][:voteBlock] {
			total += abs(int(v) - mean)
		}
	}
	return total
}

// marks finds the landmarks of a view once: an anchor is compared with look
// after look.
func (v *view) marks() *landmarks {
	if v.landmarks == nil {
		p := v.level(voteSide)
		voters, cells := p.voters(minTexture)
		v.landmarks = &landmarks{voters: voters, enough: float64(len(voters)) >= minVoters*float64(cells)}
		for _, b := range voters {
			v.landmarks.energy = append(v.landmarks.energy, p.energy(b))
		}
	}
	return v.landmarks
}

// textured reports whether enough shows in a picture to know it again.
func (v *view) textured() bool { return v.marks().enough }

// still reports whether the camera looks where it did: for most of the street
// no shift by a pixel fits better than none. Blocks whose content has changed,
// where something drives, abstain. A camera of which nothing can be said is
// taken for a fixed one.
func still(before, now *view) bool {
	a, b := before.level(voteSide), now.level(voteSide)
	known := before.marks()
	if !known.enough {
		return true
	}
	unshifted, shifted := 0, 0
	for i, v := range known.voters {
		here, _ := a.difference(b, v, 0, 0)
		least := here
		for _, shift := range []block{{1, 0}, {-1, 0}, {0, 1}, {0, -1}} {
			if there, inside := a.difference(b, v, shift.x, shift.y); inside {
				least = min(least, there)
			}
		}
		switch {
		case 2*least > known.energy[i]:
		case least < here:
			shifted++
		default:
			unshifted++
		}
	}
	voted := unshifted + shifted
	return float64(unshifted) >= majority*float64(voted) && float64(voted) >= minVoters*float64(len(known.voters))
}

// explains reports whether a motion fits most of the picture better than no
// motion, faint texture included. What follows a large vehicle through an empty
// lot does not.
func (s similarity) explains(before, now *view) bool {
	a, b := before.level(voteSide), now.level(voteSide)
	scale := float64(a.width) / float64(before.size().X)
	better, worse := 0, 0
	voters, _ := a.voters(anyTexture)
	for _, v := range voters {
		x, y := float64(v.x+voteBlock/2), float64(v.y+voteBlock/2)
		toX, toY := s.apply(x/scale, y/scale)
		dx, dy := int(math.Round(toX*scale-x)), int(math.Round(toY*scale-y))
		moved, inside := a.difference(b, v, dx, dy)
		here, _ := a.difference(b, v, 0, 0)
		switch {
		case !inside || abs(moved-here) < clearly:
		case moved < here:
			better++
		default:
			worse++
		}
	}
	return float64(better) >= majority*float64(better+worse)
}
