package nal

import (
	"image"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h265"
)

// Size is the size in pixels of the pictures that a sequence parameter set
// announces; zero where it cannot be read.
func Size(codec Codec, sps []byte) image.Point {
	var set interface {
		Unmarshal(sps []byte) error
		Width() int
		Height() int
	} = new(h264.SPS)
	if codec == H265 {
		set = new(h265.SPS)
	}
	if KindOf(codec, sps) != SPS || set.Unmarshal(sps) != nil {
		return image.Point{}
	}
	if size := image.Pt(set.Width(), set.Height()); size.X > 0 && size.Y > 0 {
		return size
	}
	return image.Point{}
}
