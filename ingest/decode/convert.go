package decode

/*
#cgo pkg-config: libavcodec libavutil libswscale
#include <errno.h>
#include <libavcodec/avcodec.h>
#include <libavutil/frame.h>
#include <libswscale/swscale.h>

typedef struct {
	struct SwsContext *sws;
	int width, height, format, range, space, to_width, to_height;
} converter;

static int converter_fit(converter *c, const AVFrame *f, int width, int height) {
	if (c->sws && c->width == f->width && c->height == f->height && c->format == f->format &&
	    c->range == f->color_range && c->space == f->colorspace &&
	    c->to_width == width && c->to_height == height)
		return 0;
	sws_freeContext(c->sws);
	// The quick way leaves the last columns of a width off the grid undone.
	int flags = SWS_BILINEAR | ((f->width | width) % 16 ? SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT : 0);
	c->sws = sws_getContext(f->width, f->height, f->format, width, height,
	                        AV_PIX_FMT_BGR24, flags, NULL, NULL, NULL);
	if (!c->sws)
		return AVERROR(EINVAL);
	c->width = f->width; c->height = f->height; c->format = f->format;
	c->range = f->color_range; c->space = f->colorspace;
	c->to_width = width; c->to_height = height;

	// What a camera leaves unsaid is taken as players take it, so that pictures
	// and clips of one case look alike.
	int space = f->colorspace != AVCOL_SPC_UNSPECIFIED ? f->colorspace :
	            f->height >= 720 ? AVCOL_SPC_BT709 : AVCOL_SPC_SMPTE170M;
	int *inverse, *table, from, to, brightness, contrast, saturation;
	if (sws_getColorspaceDetails(c->sws, &inverse, &from, &table, &to, &brightness, &contrast, &saturation) >= 0)
		sws_setColorspaceDetails(c->sws, sws_getCoefficients(space), from || f->color_range == AVCOL_RANGE_JPEG,
		                         table, to, brightness, contrast, saturation);
	return 0;
}

static int converter_bgr(converter *c, const AVFrame *f, int width, int height, uint8_t *bgr) {
	int err = converter_fit(c, f, width, height);
	if (err < 0)
		return err;
	uint8_t *planes[4] = {bgr};
	int strides[4] = {width * 3};
	int rows = sws_scale(c->sws, (const uint8_t *const *)f->data, f->linesize, 0, f->height, planes, strides);
	return rows == height ? 0 : AVERROR(EINVAL);
}

static void converter_free(converter *c) { sws_freeContext(c->sws); c->sws = NULL; }

static int frame_corrupt(const AVFrame *f) {
	return f->decode_error_flags || f->flags & AV_FRAME_FLAG_CORRUPT;
}

static int64_t frame_time(const AVFrame *f) { return f->best_effort_timestamp; }
*/
import "C"

import (
	"fmt"
	"image"
	"unsafe"

	"github.com/asticode/go-astiav"
	"gocv.io/x/gocv"
)

// The binding keeps FFmpeg's structures to itself, yet has neither swscale nor
// a flush. Both of its types are one pointer to the structure; these lines do
// not compile once that changes.
var (
	_ = [1]struct{}{}[unsafe.Sizeof(astiav.Frame{})-unsafe.Sizeof(uintptr(0))]
	_ = [1]struct{}{}[unsafe.Sizeof(astiav.CodecContext{})-unsafe.Sizeof(uintptr(0))]
)

func rawFrame(f *astiav.Frame) *C.AVFrame { return *(**C.AVFrame)(unsafe.Pointer(f)) }

func rawCodec(c *astiav.CodecContext) *C.AVCodecContext {
	return *(**C.AVCodecContext)(unsafe.Pointer(c))
}

// flush makes a drained decoder take packets again.
func flush(c *astiav.CodecContext) { C.avcodec_flush_buffers(rawCodec(c)) }

// corrupt reports whether parts of the picture were made up by the decoder.
func corrupt(f *astiav.Frame) bool { return C.frame_corrupt(rawFrame(f)) != 0 }

// frameTime is when a frame is shown, in its stream's time base; containers
// that tell only the order of decoding are understood too.
func frameTime(f *astiav.Frame) int64 { return int64(C.frame_time(rawFrame(f))) }

// converter turns decoded frames into BGR pictures. It keeps what it prepared
// for frames of one kind; it is not safe for concurrent use.
type converter struct{ c C.converter }

// sizing gives the size wanted of a frame's; nil wants it as it is.
type sizing func(image.Point) image.Point

// picture converts a frame straight into a Mat of its own.
func (c *converter) picture(f *astiav.Frame, wanted sizing) (*Picture, error) {
	size := image.Pt(f.Width(), f.Height())
	if size.X <= 0 || size.Y <= 0 {
		return nil, fmt.Errorf("convert picture: size %v", size)
	}
	if wanted != nil {
		size = wanted(size)
	}
	if size.X <= 0 || size.Y <= 0 || size.X > largestSide || size.Y > largestSide {
		return nil, fmt.Errorf("convert picture: to size %v", size)
	}
	mat := gocv.NewMatWithSize(size.Y, size.X, gocv.MatTypeCV8UC3)
	pixels, err := mat.DataPtrUint8()
	if err == nil {
		err = c.convert(f, size, pixels)
	}
	if err != nil {
		mat.Close()
		return nil, fmt.Errorf("convert picture: %w", err)
	}
	return &Picture{Mat: mat}, nil
}

// largestSide bounds the sides of a picture, in pixels.
const largestSide = 16384

// within shrinks a size, its shape kept, until it fits into a limit.
func within(size, limit image.Point) image.Point {
	if limit.X <= 0 || limit.Y <= 0 || size.X <= limit.X && size.Y <= limit.Y {
		return size
	}
	if size.X*limit.Y > size.Y*limit.X {
		return image.Pt(limit.X, max(1, (size.Y*limit.X+size.X/2)/size.X))
	}
	return image.Pt(max(1, (size.X*limit.Y+size.Y/2)/size.Y), limit.Y)
}

// convert writes a frame, scaled to a size, as rows of BGR without gaps.
func (c *converter) convert(f *astiav.Frame, size image.Point, bgr []byte) error {
	if len(bgr) < size.X*3*size.Y {
		return fmt.Errorf("room for %d bytes only", len(bgr))
	}
	code := C.converter_bgr(&c.c, rawFrame(f), C.int(size.X), C.int(size.Y), (*C.uint8_t)(&bgr[0]))
	if code < 0 {
		return astiav.Error(code)
	}
	return nil
}

func (c *converter) close() { C.converter_free(&c.c) }
