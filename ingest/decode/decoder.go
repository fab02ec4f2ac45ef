package decode

import (
	"errors"
	"fmt"
	"sync"

	"github.com/asticode/go-astiav"

	"tidewatch/ingest"
)

// ErrCorrupt says that FFmpeg noticed bytes that are not a whole picture. It
// does so for H.264; a cut-off H.265 picture it completes and takes for whole,
// so there only ingest.Unit.Damaged tells.
var ErrCorrupt = errors.New("not a whole picture")

// largest bounds a picture's pixels (8192x4320), so that a damaged header
// cannot ask for all memory.
const largest = "35389440"

// padding is what FFmpeg may read beyond the end of a packet.
var padding = make([]byte, 64)

// quiet keeps FFmpeg from writing to stderr what its errors say as well.
var quiet = sync.OnceFunc(func() { astiav.SetLogLevel(astiav.LogLevelQuiet) })

// decoder decodes units of one codec, whatever camera they come from. It
// is not safe for concurrent use.
type decoder struct {
	context   *astiav.CodecContext
	packet    *astiav.Packet
	frame     *astiav.Frame
	converter converter
	bytes     []byte // of the unit, reused
	serial    int64  // of the last unit
}

func newDecoder(codec ingest.Codec) (*decoder, error) {
	quiet()
	id, ok := map[ingest.Codec]astiav.CodecID{ingest.H264: astiav.CodecIDH264, ingest.H265: astiav.CodecIDHevc}[codec]
	if !ok {
		return nil, fmt.Errorf("open decoder: unknown codec %q", codec)
	}
	context, err := openCodec(astiav.FindDecoder(id), func(c *astiav.CodecContext) error {
		c.SetThreadCount(1)
		c.SetFlags(astiav.NewCodecContextFlags(astiav.CodecContextFlagLowDelay))
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &decoder{context: context, packet: astiav.AllocPacket(), frame: astiav.AllocFrame()}, nil
}

func openCodec(codec *astiav.Codec, set func(*astiav.CodecContext) error) (*astiav.CodecContext, error) {
	if codec == nil {
		return nil, errors.New("open decoder: FFmpeg has none for this codec")
	}
	context := astiav.AllocCodecContext(codec)
	if context == nil {
		return nil, errors.New("open decoder: out of memory")
	}
	options := astiav.NewDictionary()
	defer options.Free()
	err := errors.Join(
		set(context),
		options.Set("max_pixels", largest, astiav.NewDictionaryFlags()),
	)
	if err == nil {
		err = context.Open(codec, options)
	}
	if err != nil {
		context.Free()
		return nil, fmt.Errorf("open decoder: %w", err)
	}
	return context, nil
}

// decode returns the picture of one key unit, in the size wanted. The decoder is not flushed
// between units, which would cost a fifth more: a key unit builds on nothing.
// Only a stream that announces reordering holds its picture back; then it is
// drained, so that what comes out is always the picture of what went in.
func (d *decoder) decode(u *ingest.Unit, size sizing) (*Picture, error) {
	if err := d.send(u, nil); err != nil {
		flush(d.context)
		return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	err := d.receive()
	if errors.Is(err, astiav.ErrEagain) {
		if err = d.context.SendPacket(nil); err == nil {
			err = d.receive()
		}
		flush(d.context)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	defer d.frame.Unref()
	if corrupt(d.frame) {
		return nil, ErrCorrupt
	}
	return d.converter.picture(d.frame, size)
}

// send gives the decoder a unit that follows another, or none, under a new serial
// number.
func (d *decoder) send(u, before *ingest.Unit) error {
	d.bytes = u.AppendFollowing(d.bytes[:0], before)
	size := len(d.bytes)
	d.bytes = append(d.bytes, padding...)
	if err := d.packet.FromData(d.bytes); err != nil {
		return err
	}
	defer d.packet.Unref()
	d.packet.SetSize(size)
	d.serial++
	d.packet.SetPts(d.serial)
	d.packet.SetDts(d.serial)
	return d.context.SendPacket(d.packet)
}

// receive waits for the frame of the unit sent last and drops those of others.
func (d *decoder) receive() error {
	for {
		if err := d.context.ReceiveFrame(d.frame); err != nil {
			return err
		}
		if d.frame.Pts() == d.serial {
			return nil
		}
		d.frame.Unref()
	}
}

func (d *decoder) close() {
	d.converter.close()
	d.frame.Free()
	d.packet.Free()
	d.context.Free()
}
