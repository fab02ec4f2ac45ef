package simcam

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
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

	"tidewatch/ingest"
)

// The payload types by which a camera tells its codings apart.
const (
	payloadH264 = 96
	payloadH265 = 97
)

// video is a prepared file in memory, cut into what RTP packets carry. All
// feeds that show it share it.
type video struct {
	path     string
	codec    ingest.Codec
	format   format.Format // what a stream's description says of it
	encoder  func(most int) (packetize, error)
	frames   []frame
	duration time.Duration
}

// frame is one access unit and when it is due, from the start of the video.
type frame struct {
	due      time.Duration
	shown    time.Duration // from the start of the video
	key      bool
	sets     int      // parameter sets at the head of its NALUs
	nalus    [][]byte // as they are sent
	payloads [][]byte // of its packets, where they are made as usual
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
	v.path = path
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
		c := newCoding(track.Codec)
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
	codec  ingest.Codec
	format format.Format
	sets   [][]byte // parameter sets
	key    func(nalus [][]byte) bool
	// encoder makes what packs NALUs into payloads of so many bytes at most; 0 is
	// as many as the network takes.
	encoder func(most int) (packetize, error)
}

type packetize func(nalus [][]byte) ([]*rtp.Packet, error)

// newCoding returns nil for a codec that cameras do not speak.
func newCoding(codec codecs.Codec) *coding {
	switch codec := codec.(type) {
	case *codecs.H264:
		return &coding{
			codec:  ingest.H264,
			format: &format.H264{PayloadTyp: payloadH264, PacketizationMode: 1, SPS: codec.SPS, PPS: codec.PPS},
			sets:   [][]byte{codec.SPS, codec.PPS}, key: h264.IsRandomAccess,
			encoder: func(most int) (packetize, error) {
				e := &rtph264.Encoder{PacketizationMode: 1, PayloadMaxSize: most}
				return e.Encode, e.Init()
			},
		}
	case *codecs.H265:
		return &coding{
			codec:  ingest.H265,
			format: &format.H265{PayloadTyp: payloadH265, VPS: codec.VPS, SPS: codec.SPS, PPS: codec.PPS},
			sets:   [][]byte{codec.VPS, codec.SPS, codec.PPS}, key: h265.IsRandomAccess,
			encoder: func(most int) (packetize, error) {
				e := &rtph265.Encoder{PayloadMaxSize: most}
				return e.Encode, e.Init()
			},
		}
	}
	return nil
}

func newVideo(c *coding, track *pmp4.Track) (*video, error) {
	v := &video{codec: c.codec, format: c.format, encoder: c.encoder}
	usual, err := c.encoder(0)
	if err != nil {
		return nil, err
	}
	var elapsed uint64 // in the track's own unit, so that nothing is rounded twice
	for _, sample := range track.Samples {
		f, err := c.frame(sample)
		if err != nil {
			return nil, err
		}
		f.due = seconds(elapsed, track.TimeScale)
		f.shown = f.due + signedSeconds(int64(sample.PTSOffset), track.TimeScale)
		if err := v.add(f, usual); err != nil {
			return nil, err
		}
		elapsed += uint64(sample.Duration)
	}
	v.duration = seconds(elapsed, track.TimeScale)
	if v.duration == 0 || !v.frames[0].key {
		return nil, errors.New("it is empty or does not begin with a key frame")
	}
	return v, nil
}

// add adds a frame, with the packets that are usual.
func (v *video) add(f frame, usual packetize) error {
	packets, err := usual(f.nalus)
	if err != nil {
		return fmt.Errorf("packetize: %w", err)
	}
	for _, packet := range packets {
		f.payloads = append(f.payloads, packet.Payload)
	}
	v.frames = append(v.frames, f)
	return nil
}

// frame reads a sample; a key frame brings its parameter sets, as cameras send
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
	f := frame{key: c.key(nalus), nalus: nalus}
	if f.key {
		f.sets = len(c.sets)
		f.nalus = slices.Concat(c.sets, nalus)
	}
	return f, nil
}

func seconds(units uint64, timeScale uint32) time.Duration {
	whole, rest := units/uint64(timeScale), units%uint64(timeScale)
	return time.Duration(whole)*time.Second + time.Duration(rest)*time.Second/time.Duration(timeScale)
}

func signedSeconds(units int64, timeScale uint32) time.Duration {
	if units < 0 {
		return -seconds(uint64(-units), timeScale)
	}
	return seconds(uint64(units), timeScale)
}
