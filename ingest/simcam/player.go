package simcam

import (
	"context"
	"fmt"
	"time"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/bluenviron/gortsplib/v5/pkg/format/rtph264"
)

const clockRate = 90_000 // of RTP video, Hz

// player sends one video for ever, at the pace at which it was taken.
type player struct {
	video   *video
	media   *description.Media
	stream  *gortsplib.ServerStream
	encoder *rtph264.Encoder
}

func newPlayer(server *gortsplib.Server, v *video) (*player, error) {
	track := &format.H264{PayloadTyp: 96, PacketizationMode: 1, SPS: v.sps, PPS: v.pps}
	media := &description.Media{Type: description.MediaTypeVideo, Formats: []format.Format{track}}
	stream := &gortsplib.ServerStream{Server: server, Desc: &description.Session{Medias: []*description.Media{media}}}
	if err := stream.Initialize(); err != nil {
		return nil, fmt.Errorf("open stream: %w", err)
	}
	encoder, err := track.CreateEncoder()
	if err != nil {
		stream.Close()
		return nil, fmt.Errorf("open stream: %w", err)
	}
	return &player{video: v, media: media, stream: stream, encoder: encoder}, nil
}

// longestLag is how far the wall clock may be from what the video's own pace
// says. Up to it, frames that were held up are sent at once, late but with
// their true times; beyond it somebody set the clock or the machine slept.
const longestLag = 10 * time.Second

// play sends until ctx is done. A frame's RTP timestamp counts from the first
// frame ever sent, through all loops, and its wall-clock time is when it was
// due, so that sender reports join both without jitter.
func (p *player) play(ctx context.Context) error {
	start := time.Now()
	for loop := time.Duration(0); ; loop += p.video.duration {
		for _, f := range p.video.frames {
			due := loop + f.due
			if err := sleepUntil(ctx, start.Add(due)); err != nil {
				return err
			}
			if lag := wall(time.Now()).Sub(wall(start).Add(due)); lag.Abs() > longestLag {
				start = time.Now().Add(-due)
			}
			if err := p.send(f, due, wall(start).Add(due)); err != nil {
				return err
			}
		}
	}
}

// wall is a time by the wall clock, which may be set, and not by the machine's
// own, by which waiting is done and which stands still while it sleeps.
func wall(t time.Time) time.Time { return t.Round(0) }

func (p *player) send(f frame, due time.Duration, taken time.Time) error {
	packets, err := p.encoder.Encode(f.nalus)
	if err != nil {
		return fmt.Errorf("packetize: %w", err)
	}
	timestamp := uint32(ticks(due)) // wraps every 13 hours
	for _, pkt := range packets {
		pkt.Timestamp = timestamp
		if err := p.stream.WritePacketRTPWithNTP(p.media, pkt, taken); err != nil {
			return fmt.Errorf("send: %w", err)
		}
	}
	return nil
}

// ticks is the nearest time of the RTP clock.
func ticks(d time.Duration) int64 {
	const tick = time.Second / clockRate
	d += tick / 2
	return int64(d/time.Second)*clockRate + int64(d%time.Second)*clockRate/int64(time.Second)
}

func sleepUntil(ctx context.Context, t time.Time) error {
	timer := time.NewTimer(time.Until(t))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
