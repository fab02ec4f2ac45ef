package picture

import (
	"fmt"
	"hash/maphash"
	"image"
	"slices"
	"time"

	"gocv.io/x/gocv"

	"tidewatch/ingest/decode"
)

// A picture that hangs is seldom the same to the pixel: the camera draws its
// clock over it and encodes it anew, each time a little differently. Noise
// changes each block of a street that lives; of one that hangs, many blocks
// come again just as they were in one of the pictures before.
const (
	// repeatBlock is the side of the blocks that are compared, in pixels: that of
	// an encoder's. Of each square of two by two the one with the most texture is
	// taken, if it has at least repeatTexture: what is flat repeats itself in any
	// picture. Below repeatLeast of the squares nothing is told but by the pixel.
	repeatBlock   = 16
	repeatTexture = 1.0
	repeatLeast   = 0.2

	// repeating is the share of blocks that come again from which a picture
	// repeats itself, living the share below which it does not. Between them
	// nothing is said: so are pictures of a hung sensor while an encoder goes to
	// another quality.
	repeating = 0.4
	living    = 0.15

	// repeats is how many such looks speak of a frozen picture, and lives how many
	// looks in a row end it. One ends it that was the same to the pixel each time.
	repeats = 5
	lives   = 3

	// repeatLooks bounds the looks that may come again, repeatSpan the time of all
	// but the newest few: a longer film that is played again and again is not
	// noticed.
	repeatLooks = 25
	repeatFew   = 3
	repeatSpan  = 20 * time.Second
)

// repetition sees over many looks whether a camera sends the same picture, or
// the same few, again and again.
type repetition struct {
	seed   maphash.Seed
	at     time.Time // newest look
	alike  bool      // the newest look may repeat one before
	frozen bool
	exact  bool      // the repeated looks were the same to the pixel
	run    int       // looks that speak against frozen being as it is
	fresh  time.Time // newest look that showed something new

	size   image.Point // of what follows
	began  time.Time   // first of the looks that may come again
	blocks []block     // that are compared
	looks  []trace     // oldest first
	life   life
}

// trace is what is kept of a look to know it again.
type trace struct {
	at     time.Time
	whole  uint64   // hash of all pixels
	blocks []uint32 // hashes of those that are compared
	means  plane    // of all blocks
}

// look takes the next look; a look that it has taken is not counted twice.
func (r *repetition) look(at time.Time, p plane) {
	if at.Equal(r.at) {
		return
	}
	r.at = at
	if size := image.Pt(p.width, p.height); size != r.size || at.Before(r.began) {
		r.begin(at, p)
	}
	for len(r.looks) >= repeatLooks || len(r.looks) > repeatFew && at.Sub(r.looks[0].at) > repeatSpan {
		r.looks = slices.Delete(r.looks, 0, 1)
	}
	now := r.trace(at, p)
	share := r.again(now)
	if share < living && !r.frozen && at.Sub(r.began) >= repeatSpan {
		r.begin(at, p)
		now = r.trace(at, p)
	}
	moves := r.life.look(now.means, r.looks)
	r.looks = append(r.looks, now)
	if moves {
		share = 0
		if r.frozen {
			r.run = lives
		}
	}
	r.alike = share >= living
	r.count(at, share)
}

// begin forgets what may come again, and chooses anew what is compared.
func (r *repetition) begin(at time.Time, p plane) {
	r.size, r.began, r.looks, r.life = image.Pt(p.width, p.height), at, nil, life{}
	r.blocks = nil
	const square = 2 * repeatBlock
	for y := 0; y+square <= p.height; y += square {
		for x := 0; x+square <= p.width; x += square {
			if b, texture := p.telling(x, y); texture >= repeatTexture {
				r.blocks = append(r.blocks, b)
			}
		}
	}
	if squares := (p.width / square) * (p.height / square); float64(len(r.blocks)) < repeatLeast*float64(squares) {
		r.blocks = nil
	}
}

// telling is the block with the most texture of a square.
func (p plane) telling(x, y int) (best block, texture float64) {
	for _, b := range []block{{x, y}, {x + repeatBlock, y}, {x, y + repeatBlock}, {x + repeatBlock, y + repeatBlock}} {
		if t := p.texture(b); t >= texture {
			best, texture = b, t
		}
	}
	return best, texture
}

func (r *repetition) trace(at time.Time, p plane) trace {
	t := trace{
		at, maphash.Bytes(r.seed, p.grey), make([]uint32, len(r.blocks)),
		p.resized(image.Pt(max(1, p.width/repeatBlock), max(1, p.height/repeatBlock))),
	}
	var pixels [repeatBlock * repeatBlock]byte
	for i, b := range r.blocks {
		for y := range repeatBlock {
			copy(pixels[y*repeatBlock:], p.grey[(b.y+y)*p.width+b.x:][:repeatBlock])
		}
		t.blocks[i] = uint32(maphash.Bytes(r.seed, pixels[:]))
	}
	return t
}

// again is the share of the blocks of a look that have been there before.
func (r *repetition) again(now trace) float64 {
	if slices.ContainsFunc(r.looks, func(t trace) bool { return t.whole == now.whole }) {
		return 1
	}
	n := 0
	for i, b := range now.blocks {
		if slices.ContainsFunc(r.looks, func(t trace) bool { return t.blocks[i] == b }) {
			n++
		}
	}
	return float64(n) / float64(max(1, len(now.blocks)))
}

// count goes on from look to look; where nothing is said of one, what was
// counted is slowly forgotten.
func (r *repetition) count(at time.Time, share float64) {
	switch {
	case r.frozen && share >= living:
		r.run, r.exact = 0, r.exact && share == 1
	case r.frozen:
		if r.run++; r.run >= lives || r.exact {
			r.frozen, r.run, r.fresh = false, 0, at
		}
	case share >= repeating:
		r.exact = share == 1 && (r.exact || r.run == 0)
		if r.run++; r.run >= repeats {
			r.frozen, r.run = true, 0
		}
	case share >= living:
		r.run = max(0, r.run-1)
	default:
		r.run, r.fresh = 0, at
	}
}

// forgive says nothing of what has been: a covered lens shows the same, too.
func (r *repetition) forgive(at time.Time) { r.frozen, r.run, r.fresh = false, 0, at }

// Glance reports whether a picture may repeat one of those before, but for small
// places: then it is worth a look, and more pictures are. It costs little.
func (c *Checks) Glance(at time.Time, pic *decode.Picture) (alike bool, err error) {
	if err := check(pic); err != nil {
		return false, fmt.Errorf("glance at picture: %w", err)
	}
	grey := gocv.NewMat()
	defer grey.Close()
	gocv.CvtColor(pic.Mat, &grey, gocv.ColorBGRToGray)
	size := fit(pic.Size(), viewSide)
	gocv.Resize(grey, &grey, size, 0, 0, gocv.InterpolationArea)
	c.repetition.look(at, planeOf(grey, size))
	return c.repetition.alike, nil
}
