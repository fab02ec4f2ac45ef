package simcam

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/mp4/codecs"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/pmp4"
)

// video is a prepared file in memory.
type video struct {
	sps, pps []byte
	frames   []frame
	duration time.Duration
}

// frame is one access unit and when it is due, from the start of the video.
type frame struct {
	due   time.Duration
	nalus [][]byte
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
		if codec, ok := track.Codec.(*codecs.H264); ok {
			v, err := newVideo(codec, track)
			if err != nil {
				return nil, fmt.Errorf("load video %s: %w", path, err)
			}
			return v, nil
		}
	}
	return nil, fmt.Errorf("load video %s: no H.264 track", path)
}

func newVideo(codec *codecs.H264, track *pmp4.Track) (*video, error) {
	v := &video{sps: codec.SPS, pps: codec.PPS}
	var elapsed uint64 // in the track's own unit, so that nothing is rounded twice
	for _, sample := range track.Samples {
		if sample.PTSOffset != 0 {
			return nil, errors.New("pictures are not in the order in which they are shown: prepare it first")
		}
		nalus, err := v.unit(sample)
		if err != nil {
			return nil, err
		}
		v.frames = append(v.frames, frame{due: seconds(elapsed, track.TimeScale), nalus: nalus})
		elapsed += uint64(sample.Duration)
	}
	v.duration = seconds(elapsed, track.TimeScale)
	if v.duration == 0 || !h264.IsRandomAccess(v.frames[0].nalus) {
		return nil, errors.New("it is empty or does not begin with a key frame")
	}
	return v, nil
}

// unit is a sample's NALUs; a key frame brings its parameter sets, as cameras
// send them.
func (v *video) unit(sample *pmp4.Sample) ([][]byte, error) {
	payload, err := sample.GetPayload()
	if err != nil {
		return nil, err
	}
	var nalus h264.AVCC
	if err := nalus.Unmarshal(payload); err != nil {
		return nil, err
	}
	if h264.IsRandomAccess(nalus) {
		return append([][]byte{v.sps, v.pps}, nalus...), nil
	}
	return nalus, nil
}

func seconds(units uint64, timeScale uint32) time.Duration {
	whole, rest := units/uint64(timeScale), units%uint64(timeScale)
	return time.Duration(whole)*time.Second + time.Duration(rest)*time.Second/time.Duration(timeScale)
}
