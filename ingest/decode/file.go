package decode

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io/fs"
	"iter"
	"math"
	"os"
	"time"

	"github.com/asticode/go-astiav"
	"gocv.io/x/gocv"
)

// File is a video file open for reading once, in any container and codec that
// FFmpeg knows. It is not safe for concurrent use.
type File struct {
	path      string
	format    *astiav.FormatContext
	stream    *astiav.Stream
	context   *astiav.CodecContext
	packet    *astiav.Packet
	frame     *astiav.Frame
	converter converter
	turn      turn
}

// Look is one picture of a file and its time from the file's first picture.
// Whoever gets it closes the picture.
type Look struct {
	At      time.Duration
	Picture *Picture
}

// OpenFile opens a video file. The caller closes it.
func OpenFile(path string) (*File, error) {
	quiet()
	if err := readable(path); err != nil {
		return nil, fmt.Errorf("open video: %w", err)
	}
	f := &File{path: path}
	if err := f.open(); err != nil {
		return nil, errors.Join(fmt.Errorf("open video %s: %w", path, err), f.Close())
	}
	return f, nil
}

// readable gives the system's own words for what FFmpeg reports less well.
func readable(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err == nil && info.IsDir() {
		err = &fs.PathError{Op: "read", Path: path, Err: errors.New("is a folder")}
	}
	return err
}

func (f *File) open() error {
	format := astiav.AllocFormatContext()
	// The prefix keeps names such as "http:x" from being taken for addresses.
	if err := format.OpenInput("file:"+f.path, nil, nil); err != nil {
		return fmt.Errorf("not a video that FFmpeg knows: %w", err) // it has freed format
	}
	f.format = format
	if err := format.FindStreamInfo(nil); err != nil {
		return err
	}
	for _, stream := range format.Streams() {
		if f.stream == nil && stream.CodecParameters().MediaType() == astiav.MediaTypeVideo {
			f.stream = stream
		}
	}
	if f.stream == nil {
		return errors.New("it has no video stream")
	}
	f.turn = turnOf(f.stream)
	var err error
	f.context, err = openCodec(astiav.FindDecoder(f.stream.CodecParameters().CodecID()), func(c *astiav.CodecContext) error {
		c.SetThreadCount(0) // as many as cores: a replay should be quick
		return f.stream.CodecParameters().ToCodecContext(c)
	})
	f.packet, f.frame = astiav.AllocPacket(), astiav.AllocFrame()
	return err
}

// Size is the width and height of the pictures in pixels, upright.
func (f *File) Size() image.Point {
	p := f.stream.CodecParameters()
	return f.turn.size(image.Pt(p.Width(), p.Height()))
}

// Duration is when the video says it ends, counted from its own zero; 0 if it
// does not say.
func (f *File) Duration() time.Duration {
	return max(0, time.Duration(f.format.Duration())*time.Second/time.Duration(astiav.TimeBase))
}

// Looks yields fps pictures for each second of the video, as fast as they can
// be decoded: the first picture of each stretch of 1/fps seconds. Pictures
// that were filmed turned come upright. Places that cannot be decoded are
// passed over, unless nothing can; then, and when reading fails, the last pair
// has an error and no picture. It can be called once.
func (f *File) Looks(fps float64) iter.Seq2[Look, error] {
	return func(yield func(Look, error) bool) {
		stretch := -1.0
		seen := false
		err := f.frames(func(at time.Duration) (bool, error) {
			seen = true
			// Times are rounded; a hair early is still the next stretch.
			now := math.Floor(at.Seconds()*fps + 1e-3)
			if now <= stretch {
				return true, nil
			}
			stretch = now
			picture, err := f.picture()
			if err != nil {
				return false, err
			}
			return yield(Look{At: at, Picture: picture}, nil), nil
		})
		if err == nil && !seen {
			err = errors.New("no picture in it can be decoded")
		}
		if err != nil && !errors.Is(err, errEnough) {
			yield(Look{}, fmt.Errorf("read video %s: %w", f.path, err))
		}
	}
}

// errEnough says that the reader wants no more.
var errEnough = errors.New("enough")

// frames decodes the whole file and calls visit with the time of each frame
// while it is in f.frame.
func (f *File) frames(visit func(at time.Duration) (more bool, err error)) error {
	clock := fileClock{base: f.stream.TimeBase(), rate: f.format.GuessFrameRate(f.stream, nil)}
	for {
		err := f.feed()
		end := errors.Is(err, astiav.ErrEof)
		if err != nil && !end {
			return err
		}
		for f.context.ReceiveFrame(f.frame) == nil {
			more, err := visit(clock.at(frameTime(f.frame)))
			f.frame.Unref()
			if err != nil {
				return err
			}
			if !more {
				return errEnough
			}
		}
		if end {
			return nil
		}
	}
}

// feed gives the decoder the next packet, or the news that there is none.
func (f *File) feed() error {
	err := f.format.ReadFrame(f.packet)
	if errors.Is(err, astiav.ErrEof) {
		_ = f.context.SendPacket(nil) // fails only if it knows already
	}
	if err != nil {
		return err
	}
	defer f.packet.Unref()
	if f.packet.StreamIndex() == f.stream.Index() {
		_ = f.context.SendPacket(f.packet) // what cannot be decoded is passed over
	}
	return nil
}

// whole counts the frames of the file, and fails at the first that is not whole
// and at the first packet that the decoder refuses.
func (f *File) whole(ctx context.Context, shown *int) error {
	for {
		err := f.format.ReadFrame(f.packet)
		end := errors.Is(err, astiav.ErrEof)
		switch {
		case end:
			err = f.context.SendPacket(nil)
		case err == nil && f.packet.StreamIndex() == f.stream.Index():
			err = f.context.SendPacket(f.packet)
		}
		f.packet.Unref()
		if err != nil {
			return fmt.Errorf("%w: after %d pictures: %w", ErrCorrupt, *shown, err)
		}
		for f.context.ReceiveFrame(f.frame) == nil {
			damaged := corrupt(f.frame)
			f.frame.Unref()
			if damaged {
				return fmt.Errorf("%w: picture %d", ErrCorrupt, *shown+1)
			}
			*shown++
		}
		if end || ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

// picture is the current frame, upright.
func (f *File) picture() (*Picture, error) {
	picture, err := f.converter.picture(f.frame, nil)
	if err != nil || f.turn == upright {
		return picture, err
	}
	turned := gocv.NewMat()
	gocv.Rotate(picture.Mat, &turned, f.turn.flag())
	return &Picture{Mat: turned}, picture.Close()
}

// Close frees everything.
func (f *File) Close() error {
	f.converter.close()
	if f.frame != nil {
		f.frame.Free()
		f.packet.Free()
	}
	if f.context != nil {
		f.context.Free()
	}
	if f.format != nil {
		f.format.CloseInput()
	}
	*f = File{}
	return nil
}

// fileClock turns a stream's own times into times from its first picture.
type fileClock struct {
	base, rate astiav.Rational // seconds in a tick, pictures in a second
	started    bool
	first      int64 // ticks
	last       time.Duration
}

func (c *fileClock) at(timestamp int64) time.Duration {
	switch {
	case timestamp == astiav.NoPtsValue && c.started:
		c.last += c.step()
	case timestamp == astiav.NoPtsValue: // and so will the others be
	case !c.started:
		c.first = timestamp
	default:
		ticks := float64(timestamp - c.first)
		c.last = time.Duration(math.Round(ticks * float64(c.base.Num()) / float64(c.base.Den()) * 1e9))
	}
	c.started = true
	return c.last
}

// step is the time between pictures that carry none: bare streams do not say.
func (c *fileClock) step() time.Duration {
	if c.rate.Num() <= 0 || c.rate.Den() <= 0 {
		return time.Second / 25
	}
	return time.Second * time.Duration(c.rate.Den()) / time.Duration(c.rate.Num())
}
