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
	foreign  foreign
	err      error
}

// foreign is the session that is over: a whole stream of its own, some frames
// from the camera's.
type foreign struct {
	video    *video // nil while it is silent
	next     int
	sequence uint16
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
		timestamp := s.timestamp(f, due, m)
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
		if !m.Foreign {
			s.foreign.video = nil
			return
		}
		stray := s.foreign.frame(v)
		for i, bytes := range stray.payloads {
			s.packet = rtp.Packet{Header: rtp.Header{
				Version: 2, PayloadType: v.format.PayloadType(), SSRC: foreignSSRC, Marker: i == len(stray.payloads)-1,
				SequenceNumber: s.foreign.sequence, Timestamp: s.timestamp(stray, due, m) + 12_345_678,
			}, Payload: bytes}
			s.foreign.sequence++
			if !yield(&s.packet) {
				return
			}
		}
	}
}

// timestamp is when a frame is shown, by the media clock.
func (s *sender) timestamp(f frame, due time.Duration, m *misbehaviour) uint32 {
	return s.media.at(due, m.MediaGain) + uint32(int32(float64(ticks(f.shown-f.due))*(1+m.MediaGain)))
}

// frame is its next one. It begins with a key frame of the video
// that is shown then.
func (f *foreign) frame(shown *video) frame {
	if f.video == nil || f.video.codec != shown.codec {
		f.video, f.next = shown, 0
		f.sequence += 1000
	}
	next := f.video.frames[f.next]
	f.next = (f.next + 1) % len(f.video.frames)
	return next
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
