package simcam

import (
	"fmt"
	"time"

	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/pion/rtp"
)

// Tape is a camera without a network and without waiting: the packets that a
// Feed sends, frame by frame, with the same faults but for those in answers to
// requests. It is not safe for concurrent use.
type Tape struct {
	library library
	video   *video
	faults  *misbehaviour
	sender  sender
	next    int
	elapsed time.Duration // when the next frame is due
}

// Sent is one frame as a Tape sends it.
type Sent struct {
	Video   string // that it is of
	Frame   int    // which of it, from 0 on
	Due     time.Duration
	Packets []*rtp.Packet // an SSRC of 0 is the camera's own
	Time    uint32        // of the media clock, when the frame is due
}

// NewTape plays a prepared video.
func NewTape(video string) (*Tape, error) {
	t := &Tape{faults: newMisbehaviour(Faults{})}
	return t, t.Show(video)
}

// Misbehave is Feed.Misbehave.
func (t *Tape) Misbehave(faults Faults) { t.faults = newMisbehaviour(faults) }

// Show is Feed.Show.
func (t *Tape) Show(video string) error {
	v, err := t.library.load(video)
	if err != nil {
		return fmt.Errorf("load tape: %w", err)
	}
	t.video, t.next = v, 0
	return nil
}

// Describe is what is said of the stream shown now (SDP).
func (t *Tape) Describe() ([]byte, error) { return announce(t.video) }

// Next sends the next frame. One that the camera leaves out has no packets.
func (t *Tape) Next() (Sent, error) {
	v, f := t.video, t.video.frames[t.next]
	sent := Sent{Video: v.path, Frame: t.next, Due: t.elapsed, Time: t.sender.media.at(t.elapsed, t.faults.MediaGain)}
	if !t.faults.omits(f) {
		for packet := range t.sender.packets(v, f, t.elapsed, t.faults) {
			kept := *packet
			sent.Packets = append(sent.Packets, &kept)
		}
	}
	t.next++
	until := v.duration
	if t.next < len(v.frames) {
		until = v.frames[t.next].due
	}
	t.next %= len(v.frames)
	t.elapsed += until - f.due
	return sent, t.sender.err
}

// announce is what a camera says of the stream that it shows.
func announce(v *video) ([]byte, error) {
	session := description.Session{Medias: []*description.Media{{
		Type: description.MediaTypeVideo, Control: "trackID=0", Formats: []format.Format{v.format},
	}}}
	return session.Marshal()
}
