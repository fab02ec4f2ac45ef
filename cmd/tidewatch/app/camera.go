package app

import (
	"context"
	"errors"
	"image"
	"io"
	"log/slog"
	"strings"
	"time"

	"tidewatch/detect"
	"tidewatch/detect/model"
	"tidewatch/detect/watch"
	"tidewatch/enforce/docket"
	"tidewatch/enforce/evidence"
	"tidewatch/ingest"
	"tidewatch/ingest/decode"
	"tidewatch/ingest/feed"
	"tidewatch/ingest/ring"
	"tidewatch/rescue"
)

// camera is the work on one camera, on its way from the stream to the case log:
// its feed gives the newest picture, which is decoded and looked at, and what
// stands is held against the rules. It runs once; a post makes the next one.
type camera struct {
	ingest.Camera
	feed    *feed.Feed
	decoder looks
	finder  *model.Camera
	watcher *watch.Watcher
	docket  *docket.Docket
	log     *slog.Logger
	// patience is how long a case may wait for the end of its clip.
	patience time.Duration

	size      image.Point           // of pictures of the smaller stream; zero before any
	undecoded map[ingest.Stream]int // pictures in a row that could not be decoded
	agreement agreement             // of the smaller stream with the main one
}

// looks decodes what is looked at.
type looks interface {
	decoder
	watch.Decoder
	Close()
}

// lookLimit bounds the pictures that are looked at: detection and stillness
// gain nothing from more, and smaller ones cost less.
var lookLimit = image.Pt(1280, 1280)

// run works until ctx is done, or until a panic, which it returns. The stream
// is pulled until the last case is open: the end of its clip may have yet to
// come.
func (c *camera) run(ctx context.Context) error {
	defer c.decoder.Close()
	pulling, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	group, ctx := rescue.WithContext(ctx)
	group.Go(func() error { return c.feed.Run(pulling) })
	group.Go(func() error {
		defer end()
		defer c.drain(ctx)
		return c.look(ctx)
	})
	return group.Wait()
}

// drain lets the cases that are being opened come to their end.
func (c *camera) drain(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.patience+storeGrace)
	defer cancel()
	if err := rescue.Do(func() error { return c.docket.Drain(ctx) }); err != nil {
		c.log.Warn("case not opened before the end: the next start tries again", "error", err)
	}
}

// look looks at the newest picture, again and again. What goes wrong with one
// picture does not end the watch, unless it panics; the same trouble is logged
// once.
func (c *camera) look(ctx context.Context) error {
	trouble := ""
	for {
		look, err := c.feed.Next(ctx)
		if err != nil {
			return err
		}
		err = c.lookAt(ctx, look)
		switch {
		case rescue.From(err) != nil:
			return err
		case ctx.Err() != nil:
			return ctx.Err()
		case err == nil:
			trouble = ""
		case err.Error() != trouble:
			trouble = err.Error()
			c.log.Warn("look failed", "error", err)
		}
	}
}

func (c *camera) lookAt(ctx context.Context, look feed.Look) error {
	picture, err := c.decode(ctx, look.Unit)
	if err != nil {
		return err
	}
	if look, picture, err = c.agreed(ctx, look, picture); err != nil || picture == nil {
		return err
	}
	defer picture.Close()
	stops, err := c.watcher.Look(ctx, look.Unit.Moment(), picture, c.shot(look.Shown))
	if err != nil {
		return err
	}
	c.feed.Pace(c.watcher.Pace())
	c.feed.Monitor().Set(c.watcher.Blind(), ingest.TroubleScene, ingest.Blind, c.watcher.WhyBlind())
	c.reportSmall()
	if err := c.docket.Hold(ctx, stops); err != nil {
		return err
	}
	if c.docket.Settled() {
		c.watcher.Settle()
	}
	return nil
}

// reportSmall tells which zones are too far away.
func (c *camera) reportSmall() {
	small := c.finder.Small()
	c.feed.Monitor().Set(len(small) > 0, ingest.TroubleSmall, ingest.Degraded, ingest.Because(ingest.TooSmall, "heights", small))
}

const (
	// undecodedForGood is how many pictures in a row may fail before a stream is
	// taken to send nothing that can be seen.
	undecodedForGood = 3
	// passOver is how long such a smaller stream is left alone.
	passOver = time.Minute
)

// decode makes the picture to look at. While the smaller stream is away, the
// main one is brought to its very size, so that the looks stay comparable.
func (c *camera) decode(ctx context.Context, u *ingest.Unit) (*decode.Picture, error) {
	picture, err := c.decodeSized(ctx, u)
	if err != nil {
		if errors.Is(err, decode.ErrHeld) { // key units show what they do
			return nil, err
		}
		if c.undecoded[u.Stream]++; c.undecoded[u.Stream] >= undecodedForGood && ctx.Err() == nil {
			c.undecodable(u.Stream)
		}
		return nil, err
	}
	c.undecoded[u.Stream] = 0
	if u.Stream == ingest.Sub {
		c.size = picture.Size()
	}
	if c.undecoded[ingest.Main]+c.undecoded[ingest.Sub] == 0 {
		c.feed.Monitor().Clear(ingest.TroubleDecoding)
	}
	return picture, nil
}

func (c *camera) decodeSized(ctx context.Context, u *ingest.Unit) (*decode.Picture, error) {
	if u.Stream == ingest.Main && c.size != (image.Point{}) {
		return c.decoder.DecodeTo(ctx, u, c.size)
	}
	return c.decoder.DecodeWithin(ctx, u, lookLimit)
}

// undecodable says that nothing of a stream can be seen. The main stream then
// takes the smaller one's place.
func (c *camera) undecodable(stream ingest.Stream) {
	if stream == ingest.Main {
		c.feed.Monitor().Report(ingest.TroubleDecoding, ingest.Blind, ingest.Because(ingest.Undecodable))
		return
	}
	c.feed.PassOver(passOver)
	c.feed.Monitor().Report(ingest.TroubleDecoding, ingest.Degraded, ingest.Because(ingest.SubUndecodable))
}

// shot is the picture by which a look can be shown, none if u is nil.
func (c *camera) shot(u *ingest.Unit) detect.Shot {
	if u == nil {
		return detect.Shot{}
	}
	return detect.Shot{At: u.Moment(), Unit: u}
}

// past is what a camera's ring holds that was not looked at.
type past struct{ ring *ring.Ring }

// Before implements watch.Past.
func (p past) Before(at time.Time) []detect.Shot {
	var shots []detect.Shot
	for _, u := range p.ring.KeyUnitsBefore(at) {
		shots = append(shots, detect.Shot{At: u.Moment(), Unit: u})
	}
	return shots
}

// clips cuts the evidence's clips from a ring. A clip's end has yet to come
// when it is asked for; patience is how long it is waited for.
type clips struct {
	ring     *ring.Ring
	patience time.Duration
}

// Hold implements evidence.Clips.
func (c clips) Hold(from, until time.Time) evidence.Held {
	return held{c.ring.Pin(from, until), c.patience}
}

// held is a stretch of a ring that is kept.
type held struct {
	*ring.Pin
	patience time.Duration
}

// storeGrace is how much longer than for its clip a case is waited for in the
// end: for the disk and the log.
const storeGrace = 5 * time.Second

// clipLag is how much later than its moment a unit may come and be waited for.
const clipLag = 2 * time.Second

// noteOf is what must be said of a clip, and short where it is.
func noteOf(clip ring.Clip, short error) string {
	var notes []string
	if short != nil {
		notes = append(notes, short.Error())
	}
	if clip.Doubtful() {
		notes = append(notes, "the camera does not announce its first picture as one with which decoding can begin: later ones may build on pictures before it")
	}
	return strings.Join(notes, "; ")
}

// Clip implements evidence.Held. A clip that is shorter than asked for is still
// the camera's own video.
func (h held) Clip(ctx context.Context, w io.Writer, announced bool) (evidence.Footage, error) {
	h.Await(ctx, h.patience) // without its end a clip is short, and says so
	cut := h.Cut
	if announced {
		cut = h.CutAnnounced
	}
	clip, err := cut()
	footage := evidence.Footage{Short: errors.Is(err, ring.ErrShort)}
	if err != nil && !footage.Short {
		return footage, err
	}
	footage.Note = noteOf(clip, err)
	footage.First, footage.Duration, footage.Pictures = clip.Units[0], clip.Duration(), clip.Pictures()
	footage.MediaSpeed, _ = clip.Units[0].MediaSpeed()
	return footage, clip.WriteMP4(w)
}
