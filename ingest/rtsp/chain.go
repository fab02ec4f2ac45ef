package rtsp

import (
	"tidewatch/ingest"
	"tidewatch/ingest/nal"
)

// chain tells from the pictures' own numbers whether one follows the other. A
// camera that cannot send fast enough, and a relay that lost packets itself, leave
// pictures out without a gap in the packets, and a decoder shows what builds on
// them without a word.
type chain struct {
	whole bool
	last  nal.Count
	step  uint32 // between the numbers of H.265, which the camera chooses; 0 before it is known
}

// link takes the next picture and reports whether all of them have come since the
// last key unit.
func (c *chain) link(u *ingest.Unit) bool {
	count, known := u.Format.Count(u.NALUs)
	switch {
	case !u.Damaged && known && c.follows(u.Format.Codec, count):
	case !u.Damaged && u.Key:
		*c = chain{whole: true, last: count}
	default:
		*c = chain{}
	}
	return c.whole
}

// follows takes the number of the next picture.
func (c *chain) follows(codec ingest.Codec, next nal.Count) bool {
	if !c.whole || next.Modulus != c.last.Modulus {
		return false
	}
	step := (next.Number - c.last.Number) % next.Modulus // modulo 2^n, so that wrapping does no harm
	if codec == ingest.H264 {
		if step != 1 {
			return false
		}
		if next.Reference { // one that nothing refers to leaves its number to the next
			c.last = next
		}
		return true
	}
	if c.step == 0 {
		c.step = step
	}
	c.last = next
	return step != 0 && step == c.step
}
