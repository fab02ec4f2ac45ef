package ring

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"time"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/mp4/codecs"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/pmp4"

	"tidewatch/ingest"
	"tidewatch/ingest/nal"
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
	for i, nalus := range samples(c.Units) { // one by one, so the file is never in memory a second time
		picture, err := h264.AVCC(nalus).Marshal()
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
	codec, err := mp4Codec(announced(units))
	if err != nil {
		return nil, err
	}
	shown := shownTimes(units)
	decoded := append(decodeTimes(shown), end(shown))
	track := &pmp4.Track{ID: 1, TimeScale: timeScale, Codec: codec}
	for i, nalus := range samples(units) {
		track.Samples = append(track.Samples, &pmp4.Sample{
			Duration:        uint32(decoded[i+1] - decoded[i]),
			PTSOffset:       int32(shown[i] - decoded[i]),
			IsNonSyncSample: !units[i].Key,
			PayloadSize:     payloadSize(nalus),
			GetPayload:      func() ([]byte, error) { return nil, nil },
		})
	}
	// Playing starts when the first picture is shown, not when it is decoded.
	track.TimeOffset = -track.Samples[0].PTSOffset
	return track, nil
}

// announced are the parameter sets of a clip's head: of each number the first
// that is in force in it.
func announced(units []*ingest.Unit) *ingest.Format {
	head := units[0].Format
	for i, u := range units {
		if i > 0 && u.Format != units[i-1].Format {
			head = head.Join(u.Format)
		}
	}
	return head
}

// samples are the NALUs of each unit, before them those parameter sets that a
// decoder would not know as they are: others of the same number stand in the
// clip's head, or came before. Playing may begin at any key unit, knowing the
// head alone, or come from what was before. And players begin with no picture of
// H.264 that is not announced as one to begin with.
func samples(units []*ingest.Unit) iter.Seq2[int, [][]byte] {
	return func(yield func(int, [][]byte) bool) {
		head := announced(units)
		known := head
		for i, u := range units {
			nalus := u.NALUs
			if u.Key && u.Format.Codec == ingest.H264 && !u.Announced() {
				nalus = slices.Concat([][]byte{nal.Entry}, nalus)
			}
			if needed, ok := u.Format.Needed(nalus); ok && (u.Format != head || known != head) {
				fresh := slices.DeleteFunc(needed, func(set ingest.Set) bool {
					return known.Holds(set) && (!u.Key || head.Holds(set))
				})
				nalus = slices.Concat(bytesOf(fresh), nalus)
				known = known.Learn(nalus)
			}
			if !yield(i, nalus) {
				return
			}
		}
	}
}

func bytesOf(sets []ingest.Set) [][]byte {
	var all [][]byte
	for _, set := range sets {
		all = append(all, set.NALU)
	}
	return all
}

// shownTimes are the moments in ticks at which pictures are shown, by the
// session's own clock, and by arrivals where that stands still. No two are the
// same.
func shownTimes(units []*ingest.Unit) []int64 {
	shown := make([]int64, len(units))
	taken := map[int64]bool{}
	for i, u := range units {
		shown[i] = ticks(u.Shown())
		taken[shown[i]] = true
	}
	if still := 2*len(taken) <= len(units); still {
		for i, u := range units {
			shown[i] = ticks(u.Arrival.Sub(units[0].Arrival))
		}
	}
	clear(taken)
	for i := range shown {
		for taken[shown[i]] {
			shown[i]++
		}
		taken[shown[i]] = true
	}
	return shown
}

// decodeTimes are the moments in ticks at which pictures are decoded, given when
// they are shown in the order of decoding. That order is all there is to it:
// decoding takes the moments of showing in their order, as much earlier as it
// takes for no picture to be shown before it is decoded.
func decodeTimes(shown []int64) []int64 {
	decoded := slices.Sorted(slices.Values(shown))
	early := int64(0)
	for i := range shown {
		early = max(early, decoded[i]-shown[i])
	}
	for i := range decoded {
		decoded[i] -= early
	}
	return decoded
}

// end is when the picture shown last is over, in ticks: it stands as long as
// the others do on average, and a lone one for a twenty-fifth of a second.
func end(shown []int64) int64 {
	first, last := slices.Min(shown), slices.Max(shown)
	if len(shown) == 1 {
		return last + timeScale/25
	}
	return last + (last-first)/int64(len(shown)-1)
}

// mp4Codec is what a file says of its coding. It holds one set of each kind here;
// the others are added to it later.
func mp4Codec(f *ingest.Format) (codecs.Codec, error) {
	vps, sps, pps := f.Of(nal.VPS), f.Of(nal.SPS), f.Of(nal.PPS)
	switch {
	case len(sps) == 0 || len(pps) == 0 || f.Codec == ingest.H265 && len(vps) == 0:
		return nil, errors.New("parameter sets are missing")
	case f.Codec == ingest.H265:
		return &codecs.H265{VPS: vps[0], SPS: sps[0], PPS: pps[0]}, nil
	}
	return &codecs.H264{SPS: sps[0], PPS: pps[0]}, nil
}

// payloadSize is a sample's size with a length of four bytes before each NALU.
func payloadSize(nalus [][]byte) uint32 {
	n := 0
	for _, nalu := range nalus {
		n += 4 + len(nalu)
	}
	return uint32(n)
}

// ticks is the nearest tick to a time.
func ticks(d time.Duration) int64 {
	d += time.Second / timeScale / 2
	return int64(d/time.Second)*timeScale + int64(d%time.Second)*timeScale/int64(time.Second)
}
