package rtsp

import (
	"encoding/binary"
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
			return each(ingest.H264, decoder.Decode), nil
		}}, nil
	}
	var hevc *format.H265
	if media := stream.FindFormat(&hevc); media != nil {
		return &track{media, hevc, ingest.H265, func() (depacketize, error) {
			decoder, err := hevc.CreateDecoder()
			if err != nil {
				return nil, err
			}
			return each(ingest.H265, decoder.Decode), nil
		}}, nil
	}
	return nil, ErrNoVideo
}

// each makes a library's decoder hand out NALUs as they become complete. It
// would rather collect them up to a marker, but then, once a marker is lost,
// each unit would come out late and with the next one's time. And it refuses
// more than fifty at once, which a packet of small slices may hold, so it gets
// those one by one. The packet is changed in place: a copy of each would be much
// garbage.
func each(codec ingest.Codec, decode depacketize) depacketize {
	one := func(pkt *rtp.Packet) ([][]byte, error) {
		nalus, err := decode(pkt)
		if errors.Is(err, rtph264.ErrMorePacketsNeeded) || errors.Is(err, rtph265.ErrMorePacketsNeeded) {
			return nil, nil
		}
		return nalus, err
	}
	return func(pkt *rtp.Packet) ([][]byte, error) {
		marker, payload := pkt.Marker, pkt.Payload
		defer func() { pkt.Marker, pkt.Payload = marker, payload }()
		pkt.Marker = true
		several := apart(codec, payload)
		if several == nil {
			return one(pkt)
		}
		var all [][]byte
		for _, pkt.Payload = range several {
			nalus, err := one(pkt)
			if err != nil {
				return nil, err
			}
			all = append(all, nalus...)
		}
		return all, nil
	}
}

// apart are the NALUs of a packet that holds several (STAP-A of RFC 6184, 5.7.1;
// AP of RFC 7798, 4.4.2); nil for any other, and for one that cannot be read.
func apart(codec ingest.Codec, payload []byte) [][]byte {
	head, several := 1, len(payload) > 1 && payload[0]&0x1F == 24
	if codec == ingest.H265 {
		head, several = 2, len(payload) > 2 && payload[0]>>1&0x3F == 48
	}
	if !several {
		return nil
	}
	var nalus [][]byte
	for rest := payload[head:]; len(rest) >= 2; {
		size := int(binary.BigEndian.Uint16(rest))
		if rest = rest[2:]; size == 0 || size > len(rest) {
			return nil
		}
		nalus, rest = append(nalus, rest[:size]), rest[size:]
	}
	return nalus
}
