package simcam

import (
	"iter"
	"time"

	"github.com/pion/rtp"
)

// foreignSSRC is that of the session that is over.
const foreignSSRC = 0xDEAD

// sender makes the packets of one camera, one frame after the other.
type sender struct {
	packet   rtp.Packet // used again for each: nobody keeps it
	sequence uint16
	media    mediaClock
	before   uint32 // timestamp of the frame before
	frames   int
	foreign  uint16 // sequence number of the session that is over
	err      error
}

// packets are those of a frame, without those that get lost. Each holds until
// the next. Those of the camera itself have no SSRC; it is filled in as they are
// sent. The first thing that goes wrong ends them and stays in err.
func (s *sender) packets(v *video, f frame, due time.Duration, m *misbehaviour) iter.Seq[*rtp.Packet] {
	return func(yield func(*rtp.Packet) bool) {
		payloads, err := v.pack(f, m.Packing)
		if err != nil {
			s.err = err
			return
		}
		timestamp := s.media.at(due, m.MediaGain) + uint32(int32(float64(ticks(f.late))*(1+m.MediaGain)))
		for _, p := range payloads {
			s.packet = rtp.Packet{Header: rtp.Header{
				Version: 2, PayloadType: v.format.PayloadType(), Marker: p.marked,
				SequenceNumber: s.sequence, Timestamp: timestamp,
			}, Payload: p.bytes}
			if p.before {
				s.packet.Timestamp = s.before
			}
			s.sequence++
			if !m.loses() && !yield(&s.packet) {
				return
			}
		}
		s.before = timestamp
		if s.frames++; m.Foreign && s.frames%3 == 0 {
			s.stray(v, timestamp, yield)
		}
	}
}

// stray makes packets of the session that is over.
func (s *sender) stray(v *video, timestamp uint32, yield func(*rtp.Packet) bool) {
	payloads := v.frames[(s.frames+7)%len(v.frames)].payloads
	for _, bytes := range payloads[:min(2, len(payloads))] {
		s.packet = rtp.Packet{Header: rtp.Header{
			Version: 2, PayloadType: v.format.PayloadType(), Marker: true, SSRC: foreignSSRC,
			SequenceNumber: s.foreign, Timestamp: timestamp + 12_345_678,
		}, Payload: bytes}
		s.foreign++
		if !yield(&s.packet) {
			return
		}
	}
}

// mediaClock is what a camera's timestamps are taken from. Where its pace
// changes it does not jump.
type mediaClock struct {
	since time.Duration // when the pace changed
	began uint32        // what it showed then
	gain  float64
}

// at is what the clock shows when a frame is due.
func (c *mediaClock) at(due time.Duration, gain float64) uint32 {
	if gain != c.gain {
		c.began, c.since, c.gain = c.at(due, c.gain), due, gain
	}
	passed := ticks(due) - ticks(c.since)
	if gain == 0 {
		return c.began + uint32(passed) // wraps every 13 hours
	}
	return c.began + uint32(int64(float64(passed)*(1+gain)))
}
