package simcam

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/bluenviron/gortsplib/v5/pkg/format/rtph264"
	"github.com/bluenviron/gortsplib/v5/pkg/format/rtph265"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h265"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/mp4/codecs"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/pmp4"
	"github.com/pion/rtp"
)

// The payload types by which a camera tells its codings apart.
const (
	payloadH264 = 96
	payloadH265 = 97
)

// video is a prepared file in memory, cut into what RTP packets carry. All
// feeds that show it share it.
type video struct {
	format   format.Format // what a stream's description says of it
	frames   []frame
	duration time.Duration
}

// frame is one access unit and when it is due, from the start of the video.
type frame struct {
	due      time.Duration
	shown    time.Duration // from the start of the video
	key      bool
	payloads [][]byte // of its packets
}

// library keeps the videos that have been loaded, so that a hundred cameras
// can show the same one.
type library struct {
	mu     sync.Mutex
	videos map[string]*video // by cleaned path
}

func (l *library) load(path string) (*video, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	path = filepath.Clean(path)
	if v := l.videos[path]; v != nil {
		return v, nil
	}
	v, err := load(path)
	if err != nil {
		return nil, err
	}
	if l.videos == nil {
		l.videos = make(map[string]*video)
	}
	l.videos[path] = v
	return v, nil
}

// load reads a file made by Prepare.
func load(path string) (*video, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("load video: %w", err)
	}
	defer file.Close()
	var content pmp4.Presentation
	if err := content.Unmarshal(file); err != nil {
		return nil, fmt.Errorf("load video %s: not an MP4 file that can be played: %w", path, err)
	}
	for _, track := range content.Tracks {
		c, err := newCoding(track.Codec)
		if err != nil {
			return nil, fmt.Errorf("load video %s: %w", path, err)
		}
		if c == nil {
			continue
		}
		v, err := newVideo(c, track)
		if err != nil {
			return nil, fmt.Errorf("load video %s: %w", path, err)
		}
		return v, nil
	}
	return nil, fmt.Errorf("load video %s: no H.264 or H.265 track", path)
}

// coding is what differs between the codecs.
type coding struct {
	format format.Format
	sets   [][]byte // parameter sets
	key    func(nalus [][]byte) bool
	encode func(nalus [][]byte) ([]*rtp.Packet, error)
}

// newCoding returns nil for a codec that cameras do not speak.
func newCoding(codec codecs.Codec) (*coding, error) {
	switch codec := codec.(type) {
	case *codecs.H264:
		encoder := &rtph264.Encoder{PacketizationMode: 1}
		return &coding{
			format: &format.H264{PayloadTyp: payloadH264, PacketizationMode: 1, SPS: codec.SPS, PPS: codec.PPS},
			sets:   [][]byte{codec.SPS, codec.PPS}, key: h264.IsRandomAccess, encode: encoder.Encode,
		}, encoder.Init()
	case *codecs.H265:
		encoder := &rtph265.Encoder{}
		return &coding{
			format: &format.H265{PayloadTyp: payloadH265, VPS: codec.VPS, SPS: codec.SPS, PPS: codec.PPS},
			sets:   [][]byte{codec.VPS, codec.SPS, codec.PPS}, key: h265.IsRandomAccess, encode: encoder.Encode,
		}, encoder.Init()
	}
	return nil, nil
}

func newVideo(c *coding, track *pmp4.Track) (*video, error) {
	v := &video{format: c.format}
	var elapsed uint64 // in the track's own unit, so that nothing is rounded twice
	for _, sample := range track.Samples {
		if sample.PTSOffset != 0 {
			return nil, errors.New("pictures are not in the order in which they are shown: prepare it first")
		}
		f, err := c.frame(sample)
		if err != nil {
			return nil, err
		}
		f.due = seconds(elapsed, track.TimeScale)
		f.shown = f.due
		v.frames = append(v.frames, f)
		elapsed += uint64(sample.Duration)
	}
	v.duration = seconds(elapsed, track.TimeScale)
	if v.duration == 0 || !v.frames[0].key {
		return nil, errors.New("it is empty or does not begin with a key frame")
	}
	return v, nil
}

// frame packs a sample; a key frame brings its parameter sets, as cameras send
// them.
func (c *coding) frame(sample *pmp4.Sample) (frame, error) {
	payload, err := sample.GetPayload()
	if err != nil {
		return frame{}, err
	}
	var nalus h264.AVCC // the same for both codings
	if err := nalus.Unmarshal(payload); err != nil {
		return frame{}, err
	}
	f := frame{key: c.key(nalus)}
	if f.key {
		nalus = append(append([][]byte{}, c.sets...), nalus...)
	}
	f.payloads, err = c.pack(nalus)
	return f, err
}

// pack puts NALUs into what packets carry.
func (c *coding) pack(nalus [][]byte) ([][]byte, error) {
	packets, err := c.encode(nalus)
	if err != nil {
		return nil, fmt.Errorf("packetize: %w", err)
	}
	var payloads [][]byte
	for _, packet := range packets {
		payloads = append(payloads, packet.Payload)
	}
	return payloads, nil
}

func seconds(units uint64, timeScale uint32) time.Duration {
	whole, rest := units/uint64(timeScale), units%uint64(timeScale)
	return time.Duration(whole)*time.Second + time.Duration(rest)*time.Second/time.Duration(timeScale)
}
