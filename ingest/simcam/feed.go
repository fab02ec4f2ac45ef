package simcam

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/bluenviron/gortsplib/v5/pkg/ntp"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
)

// Feed is one camera of a running server. It plays its video for ever, at the
// pace at which it was taken, and can be made to misbehave; all its methods
// are safe for concurrent use.
type Feed struct {
	from    int           // frame with which the video begins each time
	phase   time.Duration // before the first frame; below zero that was before the start
	clock   *clock
	library *library
	stream  *gortsplib.ServerStream
	media   *description.Media // of both codings: the video may change
	ssrcs   map[uint8]uint32   // by payload type

	video  atomic.Pointer[video]
	faults atomic.Pointer[misbehaviour]

	mu       sync.Mutex
	sessions map[*gortsplib.ServerSession]bool // all that were set up; true once one plays
	newcomer []*gortsplib.ServerSession        // that had no sender report yet

	// These are the player's alone.
	sender   sender
	sent     rtcp.SenderReport // the counts of the next one
	reported time.Duration     // due time of the frame that the last one was about
	because  *misbehaviour     // that was at work then
}

func newFeed(server *gortsplib.Server, clock *clock, library *library, camera Camera, v *video) (*Feed, error) {
	media := &description.Media{Type: description.MediaTypeVideo, Formats: []format.Format{
		&format.H264{PayloadTyp: payloadH264, PacketizationMode: 1}, &format.H265{PayloadTyp: payloadH265},
	}}
	f := &Feed{
		from: camera.From, phase: camera.Phase, clock: clock, library: library, media: media,
		stream:   &gortsplib.ServerStream{Server: server, Desc: &description.Session{Medias: []*description.Media{media}}},
		ssrcs:    make(map[uint8]uint32),
		sessions: make(map[*gortsplib.ServerSession]bool),
	}
	f.video.Store(v)
	f.because = newMisbehaviour(Faults{})
	f.faults.Store(f.because)
	if err := f.stream.Initialize(); err != nil {
		return nil, fmt.Errorf("open stream: %w", err)
	}
	for of, stats := range f.stream.Stats().Medias[media].Formats {
		f.ssrcs[of.PayloadType()] = stats.LocalSSRC
	}
	return f, nil
}

// Misbehave makes the camera have these faults, and no others, from now on.
func (f *Feed) Misbehave(faults Faults) { f.faults.Store(newMisbehaviour(faults)) }

// Show switches to another prepared video, in the sessions that there are as
// in those to come: its first key frame comes at once, with its parameter sets,
// and in the same media time. A video of the other codec comes with a payload
// type that running sessions were not told of. Cameras that end their sessions
// when they are configured do so with HangUp after Show.
func (f *Feed) Show(video string) error {
	v, err := f.library.load(video)
	if err != nil {
		return fmt.Errorf("switch simulated camera: %w", err)
	}
	f.video.Store(v)
	return nil
}

// describe is the description of what is shown now.
func (f *Feed) describe() ([]byte, error) { return announce(f.video.Load()) }

// play sends until ctx is done. A frame's RTP timestamp counts from the
// server's start, through all loops, and its wall-clock time is when it was
// due, so that sender reports join both without jitter.
func (f *Feed) play(ctx context.Context) error {
	for begin := f.phase; ; {
		lasted, err := f.playOnce(ctx, f.video.Load(), begin)
		if err != nil {
			return err
		}
		begin += lasted
	}
}

// playOnce plays a video to its end, or until another takes its place, and
// returns for how long.
func (f *Feed) playOnce(ctx context.Context, v *video, begin time.Duration) (time.Duration, error) {
	from := min(f.from, len(v.frames)-1)
	skipped := v.frames[from].due - v.frames[0].due
	begin -= skipped
	for _, frame := range v.frames[from:] {
		if begin+frame.due < 0 {
			continue
		}
		if err := f.clock.wait(ctx, begin+frame.due); err != nil {
			return 0, err
		}
		if f.video.Load() != v {
			return frame.due - skipped, nil
		}
		if err := f.send(v, frame, begin+frame.due); err != nil {
			return 0, fmt.Errorf("send: %w", err)
		}
	}
	return v.duration - skipped, nil
}

func (f *Feed) send(v *video, frame frame, due time.Duration) error {
	faults := f.faults.Load()
	if faults.omits(frame) {
		return nil
	}
	taken := faults.told(f.clock.taken(due))
	if err := f.report(v, faults, due, taken); err != nil {
		return err
	}
	for packet := range f.sender.packets(v, frame, due, faults) {
		if packet.SSRC == foreignSSRC {
			if err := f.stray(packet); err != nil {
				return err
			}
			continue
		}
		f.sent.OctetCount += uint32(len(packet.Payload))
		f.sent.PacketCount++
		if err := f.stream.WritePacketRTPWithNTP(f.media, packet, taken); err != nil {
			return err
		}
	}
	return f.sender.err
}

// stray writes a packet of the session that is over to all who watch over TCP.
// The server would write its own SSRC into it.
func (f *Feed) stray(packet *rtp.Packet) error {
	bytes, err := packet.Marshal()
	if err != nil {
		return err
	}
	for _, conn := range f.watching() {
		// An error says that the client has gone.
		_, _ = conn.NetConn().Write(append([]byte{'$', 0, byte(len(bytes) >> 8), byte(len(bytes))}, bytes...))
	}
	return nil
}

// reportPeriod is how often a camera tells its clock.
const reportPeriod = 5 * time.Second

// report tells the camera's clock, by the frame that comes next, when it is
// time: to all now and then and when its faults have changed, and to those who
// have begun to watch and got packets, since before them it would mean nothing.
func (f *Feed) report(v *video, faults *misbehaviour, due time.Duration, taken time.Time) error {
	if faults.NoReports {
		return nil
	}
	report := f.sent
	report.SSRC = f.ssrcs[v.format.PayloadType()]
	report.RTPTime, report.NTPTime = f.sender.media.at(due, faults.MediaGain), ntp.Encode(taken)
	if due-f.reported >= reportPeriod || faults != f.because {
		f.reported, f.because = due, faults
		return f.stream.WritePacketRTCP(f.media, &report)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.newcomer = slices.DeleteFunc(f.newcomer, func(session *gortsplib.ServerSession) bool {
		if session.Stats().OutboundBytes == 0 {
			return false
		}
		// It may have left meanwhile; then there is nobody to tell.
		_ = session.WritePacketRTCP(f.media, &report)
		return true
	})
	return nil
}

// joins notes a session that was set up, and again when it plays.
func (f *Feed) joins(session *gortsplib.ServerSession, plays bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if plays && !f.sessions[session] {
		f.newcomer = append(f.newcomer, session)
	}
	f.sessions[session] = f.sessions[session] || plays
}

func (f *Feed) leaves(session *gortsplib.ServerSession) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.sessions, session)
	f.newcomer = slices.DeleteFunc(f.newcomer, func(s *gortsplib.ServerSession) bool { return s == session })
}
