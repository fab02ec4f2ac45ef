package app

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"tidewatch/detect"
	"tidewatch/detect/model"
	"tidewatch/detect/watch"
	"tidewatch/enforce/docket"
	"tidewatch/enforce/evidence"
	"tidewatch/ingest"
	"tidewatch/ingest/decode"
	"tidewatch/ingest/feed"
	"tidewatch/ingest/ring"
)

// camera is one camera on its way from the stream to the case log: its feed
// gives the newest key unit, which is decoded and looked at, and what stands is
// held against the rules.
type camera struct {
	ingest.Camera
	feed    *feed.Feed
	decoder *decode.Pool
	finder  *model.Camera
	watcher *watch.Watcher
	docket  *docket.Docket
	log     *slog.Logger

	limit     image.Point // of pictures to look at, in pixels
	undecoded int         // pictures in a row that could not be decoded
}

// lookLimit bounds the pictures that are looked at: detection and stillness
// gain nothing from more, and smaller ones cost less.
var lookLimit = image.Pt(1280, 1280)

// run works until ctx is done.
func (c *camera) run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return c.feed.Run(ctx) })
	group.Go(func() error { return c.look(ctx) })
	return group.Wait()
}

// look looks at the newest picture, again and again. What goes wrong with one
// picture does not end the watch; the same trouble is logged once.
func (c *camera) look(ctx context.Context) error {
	trouble := ""
	for {
		look, err := c.feed.Next(ctx)
		if err != nil {
			return err
		}
		err = c.lookAt(ctx, look)
		switch {
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
	defer picture.Close()
	stops, err := c.watcher.Look(ctx, look.Unit.Time(c.ClockTolerance), picture, c.shot(look.Shown))
	if err != nil {
		return err
	}
	c.feed.Pace(c.watcher.Pace())
	c.feed.Monitor().Set(c.watcher.Blind(), ingest.TroubleScene, ingest.Blind,
		"the picture is not that of the street any more: the camera was moved, is covered, or it is dark")
	c.reportSmall()
	if err := c.docket.Hold(ctx, stops); err != nil {
		return err
	}
	c.watcher.Settle()
	return nil
}

// reportSmall tells which zones are too far away.
func (c *camera) reportSmall() {
	small := c.finder.Small()
	c.feed.Monitor().Set(len(small) > 0, ingest.TroubleSmall, ingest.Degraded, tooSmall(small))
}

// tooSmall says in which zones vehicles are too small, by their heights.
func tooSmall(heights map[string]int) string {
	var zones []string
	for _, id := range slices.Sorted(maps.Keys(heights)) {
		zones = append(zones, fmt.Sprintf("zone %s (%d pixels high)", id, heights[id]))
	}
	return "vehicles are too small for the detector in " + strings.Join(zones, ", ") +
		"; zoom in, or leave out sub_url to look at the larger stream"
}

// undecodedForGood is how many pictures in a row may fail before the camera is
// taken to send nothing that can be seen.
const undecodedForGood = 3

// decode makes the picture to look at. While the smaller stream is away, the
// main one is brought to its size, so that the looks stay comparable.
func (c *camera) decode(ctx context.Context, u *ingest.Unit) (*decode.Picture, error) {
	picture, err := c.decoder.DecodeWithin(ctx, u, c.limit)
	if err != nil {
		if c.undecoded++; c.undecoded >= undecodedForGood && ctx.Err() == nil {
			c.feed.Monitor().Report(ingest.TroubleDecoding, ingest.Blind, "the pictures cannot be decoded; set the camera's stream to plain H.264")
		}
		return nil, err
	}
	c.undecoded = 0
	c.feed.Monitor().Clear(ingest.TroubleDecoding)
	if u.Stream == ingest.Sub {
		c.limit = picture.Size()
	}
	return picture, nil
}

// shot is the picture by which a look can be shown, none if u is nil.
func (c *camera) shot(u *ingest.Unit) detect.Shot {
	if u == nil {
		return detect.Shot{}
	}
	return detect.Shot{At: u.Time(c.ClockTolerance), Unit: u}
}

// clips cuts the evidence's clips from a ring. A clip's end has yet to come
// when it is asked for; patience is how long it is waited for.
type clips struct {
	ring     *ring.Ring
	patience time.Duration
}

// clipLag is how much later than its moment a unit may come and be waited for.
const clipLag = 2 * time.Second

// Clip implements evidence.Clips. A clip that is shorter than asked for is
// still the camera's own video.
func (c clips) Clip(ctx context.Context, w io.Writer, from, until time.Time) (evidence.Footage, error) {
	c.ring.Await(ctx, until, c.patience) // without its end a clip is short, and says so
	clip, err := c.ring.Cut(from, until)
	short := errors.Is(err, ring.ErrShort)
	if err != nil && !short {
		return evidence.Footage{}, err
	}
	return evidence.Footage{First: clip.Units[0], Duration: clip.Duration(), Short: short}, clip.WriteMP4(w)
}
