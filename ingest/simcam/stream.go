package simcam

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/mp4/codecs"

	"tidewatch/ingest"
	"tidewatch/ingest/nal"
)

// Stream is what an encoder wrote, which a camera sends as it is: any parameter
// sets, any order of pictures, nothing encoded again.
type Stream struct {
	Codec    ingest.Codec
	Interval time.Duration // from one access unit to the next
	Units    []AccessUnit  // in the order of decoding
	Sets     Sets
}

// AccessUnit is one picture of a stream, or one field of a picture that comes
// in two.
type AccessUnit struct {
	NALUs [][]byte // without start codes
	Place int      // in the order of showing, from 0
	Shows bool     // a picture begins with it; a second field shows none of its own
}

// Sets says where a camera sends the parameter sets of its stream.
type Sets int

// The places of parameter sets. Those in band stand where the encoder wrote them.
const (
	SetsBoth      Sets = iota // in band, and in the description
	SetsInBand                // the description has none
	SetsDescribed             // in the description alone
)

// ReadStream reads a byte stream with start codes (Annex B of H.264 and H.265).
// FFmpeg's ffprobe tells where its access units begin and in which order their
// pictures are shown, so that neither is found by what is to be tested.
func ReadStream(ctx context.Context, path string, codec ingest.Codec, interval time.Duration) (*Stream, error) {
	s := &Stream{Codec: codec, Interval: interval}
	if _, known := demuxers[codec]; !known || interval <= 0 {
		return nil, fmt.Errorf("read stream %s: codec %q at %v a picture cannot be sent", path, codec, interval)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read stream: %w", err)
	}
	if err := s.read(ctx, path, data); err != nil {
		return nil, fmt.Errorf("read stream %s: %w", path, err)
	}
	return s, nil
}

// demuxers are FFmpeg's names of byte streams.
var demuxers = map[ingest.Codec]string{ingest.H264: "h264", ingest.H265: "hevc"}

// Demuxer is FFmpeg's name of the byte stream.
func (s *Stream) Demuxer() string { return demuxers[s.Codec] }

// read takes the stream apart.
func (s *Stream) read(ctx context.Context, path string, data []byte) error {
	begins, err := beginnings(ctx, path, s.Demuxer())
	if err != nil {
		return err
	}
	shown, err := shownOrder(ctx, path, s.Demuxer())
	if err != nil {
		return err
	}
	for i, begin := range begins {
		end := len(data)
		if i+1 < len(begins) {
			end = begins[i+1]
		}
		if begin < 0 || begin > end || end > len(data) {
			return fmt.Errorf("access unit %d lies outside the file", i)
		}
		s.Units = append(s.Units, AccessUnit{NALUs: split(data[begin:end]), Shows: slices.Contains(shown, i)})
	}
	if len(s.Units) == 0 {
		return errors.New("no access unit in it")
	}
	for place, unit := range s.places(shown) {
		s.Units[unit].Place = place
	}
	return nil
}

// beginnings are the offsets in a file at which access units begin.
func beginnings(ctx context.Context, path, demuxer string) ([]int, error) {
	probe := exec.CommandContext(ctx, "ffprobe", "-v", "error", "-f", demuxer, "-show_entries", "packet=pos", "-of", "csv=p=0", "file:"+path)
	out, err := probe.Output()
	if err != nil {
		return nil, fmt.Errorf("ffprobe: %w", err)
	}
	return numbers(out), nil
}

// shownOrder are the numbers of the access units whose pictures are shown, in that
// order: each is given its number as its time, with which its picture comes out
// of the decoder.
func shownOrder(ctx context.Context, path, demuxer string) ([]int, error) {
	number := exec.CommandContext(ctx, "ffmpeg", "-nostdin", "-v", "error", "-f", demuxer, "-i", "file:"+path,
		"-c", "copy", "-copyinkf", "-bsf:v", "setts=pts=N:dts=N:duration=1", "-f", "nut", "pipe:")
	probe := exec.CommandContext(ctx, "ffprobe", "-v", "error", "-show_entries", "frame=pts", "-of", "compact=p=0:nk=1", "pipe:")
	var err error
	if probe.Stdin, err = number.StdoutPipe(); err != nil {
		return nil, err
	}
	if err := number.Start(); err != nil {
		return nil, fmt.Errorf("ffmpeg: %w", err)
	}
	out, err := probe.Output()
	if err := errors.Join(err, number.Wait()); err != nil {
		return nil, fmt.Errorf("find the order of showing: %w", err)
	}
	return numbers(out), nil
}

// numbers are those with which lines begin. FFmpeg's programs write other things
// behind them, and between.
func numbers(text []byte) []int {
	var all []int
	for line := range strings.Lines(string(text)) {
		digits, _, _ := strings.Cut(strings.TrimSpace(line), "|")
		if n, err := strconv.Atoi(digits); err == nil {
			all = append(all, n)
		}
	}
	return all
}

// places are the access units in the order of showing. What is not shown as a
// picture of its own, such as a second field, comes after what it was sent with.
func (s *Stream) places(shown []int) []int {
	followers := map[int][]int{} // by the unit that they come after; -1 is the beginning
	last := -1
	for i, unit := range s.Units {
		if unit.Shows {
			last = i
		} else {
			followers[last] = append(followers[last], i)
		}
	}
	order := followers[-1]
	for _, i := range shown {
		order = append(append(order, i), followers[i]...)
	}
	return order
}

// split takes a byte stream apart at its start codes.
func split(data []byte) [][]byte {
	var nalus [][]byte
	for _, part := range bytes.Split(data, []byte{0, 0, 1}) {
		// What is before a start code, and behind a unit, is zeros.
		if nalu := bytes.TrimRight(part, "\x00"); len(nalu) > 0 {
			nalus = append(nalus, nalu)
		}
	}
	return nalus
}

// video is the stream, cut into packets.
func (s *Stream) video() (*video, error) {
	var all [][]byte
	for _, unit := range s.Units {
		all = append(all, unit.NALUs...)
	}
	sets := ingest.NewFormat(s.Codec, all...)
	c := newCoding(map[ingest.Codec]codecs.Codec{ingest.H264: &codecs.H264{}, ingest.H265: &codecs.H265{}}[s.Codec])
	if c == nil {
		return nil, fmt.Errorf("codec %q cannot be sent", s.Codec)
	}
	v := &video{
		codec: c.codec, format: s.described(sets, c.format), encoder: c.encoder,
		duration: time.Duration(len(s.Units)) * s.Interval,
	}
	usual, err := c.encoder(0)
	if err != nil {
		return nil, err
	}
	delay := 0 // that no picture is sent before it is taken
	for i, unit := range s.Units {
		delay = max(delay, unit.Place-i)
	}
	for i, unit := range s.Units {
		nalus := unit.NALUs
		if s.Sets == SetsDescribed {
			nalus = slices.DeleteFunc(slices.Clone(nalus), func(nalu []byte) bool { return nal.KindOf(s.Codec, nalu).IsSet() })
		}
		if err := v.add(frame{
			due: time.Duration(i+delay) * s.Interval, shown: time.Duration(unit.Place) * s.Interval,
			key: c.key(nalus), nalus: nalus,
		}, usual); err != nil {
			return nil, fmt.Errorf("access unit %d: %w", i, err)
		}
	}
	return v, nil
}

// Mean is how many bytes an access unit has on average.
func (s *Stream) Mean() int {
	n := 0
	for _, unit := range s.Units {
		for _, nalu := range unit.NALUs {
			n += len(nalu)
		}
	}
	return n / max(len(s.Units), 1)
}

// described is what the description says of the stream.
func (s *Stream) described(sets *ingest.Format, plain format.Format) format.Format {
	fmtp := map[string]string{}
	for name, kinds := range map[ingest.Codec]map[string][]nal.Kind{
		ingest.H264: {"sprop-parameter-sets": {nal.SPS, nal.PPS}},
		ingest.H265: {"sprop-vps": {nal.VPS}, "sprop-sps": {nal.SPS}, "sprop-pps": {nal.PPS}},
	}[s.Codec] {
		var texts []string
		for _, kind := range kinds {
			for _, set := range sets.Of(kind) {
				texts = append(texts, base64.StdEncoding.EncodeToString(set))
			}
		}
		if s.Sets != SetsInBand {
			fmtp[name] = strings.Join(texts, ",")
		}
	}
	if s.Codec == ingest.H264 {
		fmtp["packetization-mode"] = "1"
	}
	return &format.Generic{PayloadTyp: plain.PayloadType(), RTPMa: plain.RTPMap(), FMT: fmtp}
}
