package ring

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h265"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/mp4/codecs"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/pmp4"

	"tidewatch/ingest"
)

// timeScale is the ticks of a second in a clip, those of RTP video.
const timeScale = 90_000

// WriteMP4 writes the clip as an MP4 file that plays while it loads and tells
// the moment of its first picture (see stamped). The pictures stay byte for
// byte what the camera sent, and the same clip gives the same file.
func (c Clip) WriteMP4(w io.Writer) error {
	track, err := newTrack(c.Units)
	if err != nil {
		return fmt.Errorf("write clip: %w", err)
	}
	// The samples yield nothing yet, so this is the file up to its pictures.
	var head bytes.Buffer
	if err := (pmp4.Presentation{Tracks: []*pmp4.Track{track}}).Marshal(&head); err != nil {
		return fmt.Errorf("write clip: %w", err)
	}
	whole, err := c.stamped(head.Bytes())
	if err != nil {
		return fmt.Errorf("write clip: store its time: %w", err)
	}
	if _, err := w.Write(whole); err != nil {
		return fmt.Errorf("write clip: %w", err)
	}
	for i, u := range c.Units { // one by one, so the file is never in memory a second time
		picture, err := h264.AVCC(u.NALUs).Marshal()
		if err == nil {
			_, err = w.Write(picture)
		}
		if err != nil {
			return fmt.Errorf("write clip: unit %d: %w", i, err)
		}
	}
	return nil
}

func newTrack(units []*ingest.Unit) (*pmp4.Track, error) {
	if len(units) == 0 || playable(units) != len(units) {
		return nil, errors.New("units are not one whole clip that begins with a key unit")
	}
	decoded, err := decodeTimes(units)
	if err != nil {
		return nil, err
	}
	decoded = append(decoded, end(units))
	track := &pmp4.Track{ID: 1, TimeScale: timeScale, Codec: mp4Codec(units[0].Format)}
	for i, u := range units {
		track.Samples = append(track.Samples, &pmp4.Sample{
			Duration:        uint32(decoded[i+1] - decoded[i]),
			PTSOffset:       int32(ticks(u.PTS) - decoded[i]),
			IsNonSyncSample: !u.Key,
			PayloadSize:     payloadSize(u),
			GetPayload:      func() ([]byte, error) { return nil, nil },
		})
	}
	// Playing starts when the first picture is shown, not when it is decoded.
	track.TimeOffset = -track.Samples[0].PTSOffset
	return track, nil
}

// end is when the picture shown last is over, in ticks: it stands as long as
// the others do on average, and a lone one for a twenty-fifth of a second.
func end(units []*ingest.Unit) int64 {
	first, last := units[0].PTS, units[0].PTS
	for _, u := range units {
		first, last = min(first, u.PTS), max(last, u.PTS)
	}
	if len(units) == 1 {
		return ticks(last) + timeScale/25
	}
	return ticks(last) + ticks(last-first)/int64(len(units)-1)
}

func mp4Codec(f *ingest.Format) codecs.Codec {
	if f.Codec == ingest.H265 {
		return &codecs.H265{VPS: f.VPS, SPS: f.SPS, PPS: f.PPS}
	}
	return &codecs.H264{SPS: f.SPS, PPS: f.PPS}
}

// decodeTimes are the moments in ticks at which units are decoded. They differ
// from those at which they are shown only where a camera reorders pictures.
func decodeTimes(units []*ingest.Unit) ([]int64, error) {
	extract := newExtractor(units[0].Format.Codec)
	times := make([]int64, len(units))
	for i, u := range units {
		nalus := u.NALUs
		if u.Key {
			nalus = u.Format.Prepend(nalus)
		}
		var err error
		if times[i], err = extract(nalus, ticks(u.PTS)); err != nil {
			return nil, fmt.Errorf("unit %d: find decoding time: %w", i, err)
		}
	}
	return times, nil
}

func newExtractor(codec ingest.Codec) func([][]byte, int64) (int64, error) {
	if codec == ingest.H265 {
		e := &h265.DTSExtractor{}
		e.Initialize()
		return e.Extract
	}
	e := &h264.DTSExtractor{}
	e.Initialize()
	return e.Extract
}

// payloadSize is the unit's size with a length of four bytes before each NALU.
func payloadSize(u *ingest.Unit) uint32 { return uint32(u.Size() + 4*len(u.NALUs)) }

// ticks is the nearest tick to a time.
func ticks(d time.Duration) int64 {
	d += time.Second / timeScale / 2
	return int64(d/time.Second)*timeScale + int64(d%time.Second)*timeScale/int64(time.Second)
}
