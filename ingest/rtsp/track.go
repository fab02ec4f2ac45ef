package rtsp

import (
	"errors"

	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/bluenviron/gortsplib/v5/pkg/format/rtph264"
	"github.com/bluenviron/gortsplib/v5/pkg/format/rtph265"
	"github.com/pion/rtp"

	"tidewatch/ingest"
)

// depacketize returns the NALUs that are complete with a packet, none while
// one is in fragments.
type depacketize func(pkt *rtp.Packet) ([][]byte, error)

// track is the video of a stream that we can use.
type track struct {
	media *description.Media
	rtp   format.Format
	codec ingest.Codec
	// nalus makes what takes a sender's packets apart.
	nalus func() (depacketize, error)
}

// findTrack picks the stream's first H.264 or H.265 video.
func findTrack(stream *description.Session) (*track, error) {
	var avc *format.H264
	if media := stream.FindFormat(&avc); media != nil {
		return &track{media, avc, ingest.H264, func() (depacketize, error) {
			decoder, err := avc.CreateDecoder()
			if err != nil {
				return nil, err
			}
			return each(decoder.Decode), nil
		}}, nil
	}
	var hevc *format.H265
	if media := stream.FindFormat(&hevc); media != nil {
		return &track{media, hevc, ingest.H265, func() (depacketize, error) {
			decoder, err := hevc.CreateDecoder()
			if err != nil {
				return nil, err
			}
			return each(decoder.Decode), nil
		}}, nil
	}
	return nil, ErrNoVideo
}

// each makes a library's decoder hand out NALUs as they become complete. It
// would rather collect them up to a marker, but then, once a marker is lost,
// each unit would come out late and with the next one's time. The
// packet is marked in place: a copy of each would be much garbage.
func each(decode depacketize) depacketize {
	return func(pkt *rtp.Packet) ([][]byte, error) {
		marker := pkt.Marker
		pkt.Marker = true
		nalus, err := decode(pkt)
		pkt.Marker = marker
		if errors.Is(err, rtph264.ErrMorePacketsNeeded) || errors.Is(err, rtph265.ErrMorePacketsNeeded) {
			return nil, nil
		}
		return nalus, err
	}
}
