package decode

/*
#cgo pkg-config: libavformat libavutil
#include <libavformat/avformat.h>
#include <libavutil/dict.h>
#include <stdlib.h>

static int format_say(AVFormatContext *f, const char *key, const char *value) {
	return av_dict_set(&f->metadata, key, value, 0);
}
*/
import "C"

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"time"
	"unsafe"

	"github.com/asticode/go-astiav"
)

// Previewer makes previews: H.264 in MP4, which every browser plays, of video
// that some do not. A preview is for looking at and says so in its title; it
// has every picture of its source, at its time, no larger than previewSize.
type Previewer struct{}

const (
	previewTitle   = "Preview - not evidence"
	previewComment = "Converted to H.264 for viewing. The evidence is the camera's own file, of which this is not a copy."

	// previewSource bounds what is read, in bytes: ten times a clip of a camera
	// with 25 Mbit/s.
	previewSource = 256 << 20
)

// previewSize bounds the pictures of a preview, in pixels: a page shows no more.
var previewSize = image.Pt(1920, 1920)

// Preview reads a video file and writes a preview of it. It keeps both on disk
// while it works, in a folder that it removes, and ends soon after ctx.
func (Previewer) Preview(ctx context.Context, source io.Reader, w io.Writer) (err error) {
	quiet()
	folder, err := os.MkdirTemp("", "tidewatch-preview-")
	if err != nil {
		return fmt.Errorf("make preview: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	from, to := filepath.Join(folder, "source.mp4"), filepath.Join(folder, "preview.mp4")
	if err := save(from, source); err != nil {
		return fmt.Errorf("make preview: read source: %w", err)
	}
	if err := preview(ctx, from, to); err != nil {
		return fmt.Errorf("make preview: %w", err)
	}
	made, err := os.Open(to)
	if err != nil {
		return fmt.Errorf("make preview: %w", err)
	}
	defer made.Close()
	if _, err := io.Copy(w, made); err != nil {
		return fmt.Errorf("write preview: %w", err)
	}
	return nil
}

// save writes a file with what a reader gives.
func save(path string, source io.Reader) (err error) {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	n, err := io.Copy(file, io.LimitReader(source, previewSource+1))
	if err == nil && n > previewSource {
		err = fmt.Errorf("it is larger than %d bytes", previewSource)
	}
	return err
}

// preview makes one file of another.
func preview(ctx context.Context, from, to string) (err error) {
	f := &File{path: from}
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := f.open(); err != nil {
		return err
	}
	p := &previewFile{source: f}
	defer p.close()
	pictures := int64(0)
	if err := f.frames(func(time.Duration) (bool, error) {
		if ctx.Err() != nil {
			return false, ctx.Err()
		}
		if pictures++; pictures == 1 {
			if err := p.open(to); err != nil {
				return false, err
			}
		}
		return true, p.add(f.frame)
	}); err != nil {
		return err
	}
	if all := max(f.stream.NbFrames(), 1); pictures < all {
		return fmt.Errorf("%d of its %d pictures can be decoded: %w", pictures, all, ErrCorrupt)
	}
	return p.finish()
}

// previewFile is a preview that is being written.
type previewFile struct {
	source *File
	end    int64 // of the source, in its own ticks

	graph   *astiav.FilterGraph // from decoded pictures to those to encode
	in, out *astiav.FilterContext
	scaled  *astiav.Frame
	encoder *astiav.CodecContext
	packet  *astiav.Packet
	format  *astiav.FormatContext
	stream  *astiav.Stream
	file    *astiav.IOContext
}

// open prepares everything for pictures such as the one that the source has
// decoded just now.
func (p *previewFile) open(path string) error {
	p.end = p.source.stream.Duration()
	p.scaled, p.packet = astiav.AllocFrame(), astiav.AllocPacket()
	if p.scaled == nil || p.packet == nil {
		return errors.New("out of memory")
	}
	frame := p.source.frame
	size := within(image.Pt(frame.Width(), frame.Height()), previewSize)
	size = image.Pt(max(size.X&^1, 2), max(size.Y&^1, 2)) // 4:2:0 has no odd sizes
	if err := p.openGraph(frame, size); err != nil {
		return fmt.Errorf("open filter: %w", err)
	}
	if err := p.openEncoder(frame, size); err != nil {
		return fmt.Errorf("open encoder: %w", err)
	}
	if err := p.openFile(path); err != nil {
		return fmt.Errorf("open MP4: %w", err)
	}
	return nil
}

// openGraph prepares the way from pictures of any size, sampling and range to
// those that every browser shows: 8 bits, 4:2:0, limited range.
func (p *previewFile) openGraph(frame *astiav.Frame, size image.Point) (err error) {
	p.graph = astiav.AllocFilterGraph()
	source, sink := astiav.FindFilterByName("buffer"), astiav.FindFilterByName("buffersink")
	if p.graph == nil || source == nil || sink == nil {
		return errors.New("out of memory, or FFmpeg has no filters")
	}
	if p.in, err = p.graph.NewFilterContext(source, "in", astiav.FilterArgs{
		"pix_fmt":      strconv.Itoa(int(frame.PixelFormat())),
		"pixel_aspect": frame.SampleAspectRatio().String(),
		"time_base":    p.source.stream.TimeBase().String(),
		"video_size":   fmt.Sprintf("%dx%d", frame.Width(), frame.Height()),
	}); err != nil {
		return err
	}
	if p.out, err = p.graph.NewFilterContext(sink, "out", nil); err != nil {
		return err
	}
	inputs, outputs := astiav.AllocFilterInOut(), astiav.AllocFilterInOut()
	defer inputs.Free()
	defer outputs.Free()
	outputs.SetName("in")
	outputs.SetFilterContext(p.in)
	inputs.SetName("out")
	inputs.SetFilterContext(p.out)
	way := fmt.Sprintf("scale=%d:%d:flags=bilinear+accurate_rnd+full_chroma_int:out_range=tv,format=yuv420p", size.X, size.Y)
	if err := p.graph.Parse(way, inputs, outputs); err != nil {
		return err
	}
	return p.graph.Configure()
}

// openEncoder prepares an encoder that gives a packet for each picture in the
// order of time. Colours are said to be what the source says, or what players
// take it for where it says nothing.
func (p *previewFile) openEncoder(frame *astiav.Frame, size image.Point) error {
	codec := astiav.FindEncoderByName("libx264")
	if codec == nil {
		return errors.New("FFmpeg has no libx264")
	}
	if p.encoder = astiav.AllocCodecContext(codec); p.encoder == nil {
		return errors.New("out of memory")
	}
	said := p.source.stream.CodecParameters()
	space := said.ColorSpace()
	if space == astiav.ColorSpaceUnspecified {
		space = astiav.ColorSpaceSmpte170M
		if frame.Height() >= 720 {
			space = astiav.ColorSpaceBt709
		}
	}
	p.encoder.SetWidth(size.X)
	p.encoder.SetHeight(size.Y)
	p.encoder.SetSampleAspectRatio(frame.SampleAspectRatio())
	p.encoder.SetPixelFormat(astiav.PixelFormatYuv420P)
	p.encoder.SetTimeBase(p.source.stream.TimeBase())
	p.encoder.SetFramerate(p.source.format.GuessFrameRate(p.source.stream, nil))
	p.encoder.SetGopSize(25)                             // seeking is quick
	p.encoder.SetThreadCount(max(1, runtime.NumCPU()/2)) // the cameras are looked at meanwhile
	p.encoder.SetFlags(astiav.NewCodecContextFlags(astiav.CodecContextFlagGlobalHeader))
	options, err := dictionary(map[string]string{
		"preset": "veryfast", "crf": "23", "bf": "0", "color_range": "tv",
		"colorspace":      strconv.Itoa(int(space)),
		"color_primaries": strconv.Itoa(int(said.ColorPrimaries())),
		"color_trc":       strconv.Itoa(int(said.ColorTransferCharacteristic())),
	})
	defer options.Free()
	if err != nil {
		return err
	}
	return p.encoder.Open(codec, options)
}

func dictionary(pairs map[string]string) (*astiav.Dictionary, error) {
	d := astiav.NewDictionary()
	for key, value := range pairs {
		if err := d.Set(key, value, astiav.NewDictionaryFlags()); err != nil {
			return d, fmt.Errorf("set %s: %w", key, err)
		}
	}
	return d, nil
}

// openFile begins the MP4.
func (p *previewFile) openFile(path string) (err error) {
	if p.format, err = astiav.AllocOutputFormatContext(nil, "mp4", "file:"+path); err != nil {
		p.format = nil
		return err
	}
	if p.stream = p.format.NewStream(nil); p.stream == nil {
		return errors.New("out of memory")
	}
	if err := p.stream.CodecParameters().FromCodecContext(p.encoder); err != nil {
		return err
	}
	p.stream.SetTimeBase(p.encoder.TimeBase())
	if err := errors.Join(say(p.format, "title", previewTitle), say(p.format, "comment", previewComment)); err != nil {
		return err
	}
	file := astiav.NewIOContext()
	if err := file.Open("file:"+path, astiav.NewIOContextFlags(astiav.IOContextFlagWrite)); err != nil {
		return err
	}
	p.file = file
	p.format.SetPb(file)
	// The index goes to the front, so that playing begins while it loads.
	options, err := dictionary(map[string]string{"movflags": "+faststart"})
	defer options.Free()
	if err != nil {
		return err
	}
	return p.format.WriteHeader(options)
}

var _ = [1]struct{}{}[unsafe.Sizeof(astiav.FormatContext{})-unsafe.Sizeof(uintptr(0))] // see rawFrame

// say puts a text into a file's metadata.
func say(f *astiav.FormatContext, key, value string) error {
	k, v := C.CString(key), C.CString(value)
	defer C.free(unsafe.Pointer(k))
	defer C.free(unsafe.Pointer(v))
	if code := C.format_say(*(**C.AVFormatContext)(unsafe.Pointer(f)), k, v); code < 0 {
		return astiav.Error(code)
	}
	return nil
}

// add takes a decoded picture, or nil after the last one.
func (p *previewFile) add(frame *astiav.Frame) error {
	if frame != nil {
		frame.SetPts(frameTime(frame))
	}
	if err := p.in.BuffersrcAddFrame(frame, astiav.NewBuffersrcFlags(astiav.BuffersrcFlagKeepRef)); err != nil {
		return fmt.Errorf("scale picture: %w", err)
	}
	for {
		err := p.out.BuffersinkGetFrame(p.scaled, astiav.NewBuffersinkFlags())
		if done(err) {
			return nil
		}
		if err == nil {
			// The decoder's kinds of picture are not the encoder's.
			p.scaled.SetPictureType(astiav.PictureTypeNone)
			err = p.encode(p.scaled)
			p.scaled.Unref()
		}
		if err != nil {
			return fmt.Errorf("encode picture: %w", err)
		}
	}
}

// encode encodes a picture, or what is left for nil, and writes what comes of
// it.
func (p *previewFile) encode(frame *astiav.Frame) error {
	if err := p.encoder.SendFrame(frame); err != nil {
		return err
	}
	for {
		err := p.encoder.ReceivePacket(p.packet)
		if done(err) {
			return nil
		}
		if err != nil {
			return err
		}
		p.packet.SetStreamIndex(p.stream.Index())
		// A picture is shown until the next one, and the last to the end.
		p.packet.SetDuration(max(0, p.end-p.packet.Pts()))
		p.packet.RescaleTs(p.encoder.TimeBase(), p.stream.TimeBase())
		err = p.format.WriteInterleavedFrame(p.packet)
		p.packet.Unref()
		if err != nil {
			return err
		}
	}
}

// done reports whether FFmpeg has nothing more to give at this time.
func done(err error) bool { return errors.Is(err, astiav.ErrEagain) || errors.Is(err, astiav.ErrEof) }

// finish completes the file.
func (p *previewFile) finish() error {
	if err := p.add(nil); err != nil {
		return err
	}
	if err := p.encode(nil); err != nil {
		return fmt.Errorf("encode picture: %w", err)
	}
	if err := p.format.WriteTrailer(); err != nil {
		return fmt.Errorf("write MP4: %w", err)
	}
	file := p.file
	p.file = nil
	if err := file.Closep(); err != nil {
		return fmt.Errorf("write MP4: %w", err)
	}
	return nil
}

// close frees everything.
func (p *previewFile) close() {
	if p.file != nil {
		_ = p.file.Closep() // of a preview that nobody gets
	}
	if p.format != nil {
		p.format.Free()
	}
	if p.encoder != nil {
		p.encoder.Free()
	}
	if p.graph != nil {
		p.graph.Free()
	}
	if p.packet != nil {
		p.packet.Free()
	}
	if p.scaled != nil {
		p.scaled.Free()
	}
}
