package app

import (
	"context"
	"image"
	"time"

	"tidewatch/detect/picture"
	"tidewatch/ingest"
	"tidewatch/ingest/decode"
	"tidewatch/ingest/feed"
)

const (
	// agreeEvery is how long a smaller stream is believed to show what the main
	// one does, unless either begins anew.
	agreeEvery = 5 * time.Minute
	// differsFor is how many checks in a row must fail to say that it does not: a
	// bus may have come between the two pictures.
	differsFor = 3
)

// agreement is whether a camera's smaller stream shows what its main one does.
// Until that is known the main one is looked at: zones are drawn in its
// picture, and a case in one where nothing stands is worse than the work.
type agreement struct {
	of     pair      // that was checked last
	at     time.Time // when
	agree  bool      // that is known of them
	failed int       // checks in a row that did not find so
}

// pair is what two pictures of a camera came in.
type pair struct {
	main, sub         uint64 // sessions
	mainSize, subSize image.Point
}

// due reports whether a look should be checked.
func (a *agreement) due(now pair, at time.Time) bool {
	since := at.Sub(a.at)
	return !a.agree || a.failed > 0 || now != a.of || since < 0 || since >= agreeEvery
}

// take takes a check. Where it could not tell, what was known still holds, but
// not for pictures of another size: somebody has set the camera.
func (a *agreement) take(found picture.Agreement, now pair, at time.Time) {
	resized := now.mainSize != a.of.mainSize || now.subSize != a.of.subSize
	a.of, a.at = now, at
	switch {
	case found == picture.Agree:
		a.agree, a.failed = true, 0
	case found == picture.Unsure && a.agree && !resized && a.failed == 0:
	default:
		a.failed++
		a.agree = a.agree && !resized
	}
}

// trusted reports whether the smaller stream may be looked at.
func (a *agreement) trusted() bool { return a.agree && a.failed == 0 }

// agreed is the picture to look at, of the smaller stream only if that shows
// what the main one does. It takes over the look's picture. The picture is nil
// where there is none of the main stream to hold it against.
func (c *camera) agreed(ctx context.Context, look feed.Look, sub *decode.Picture) (feed.Look, *decode.Picture, error) {
	if look.Unit.Stream == ingest.Main {
		return look, sub, nil
	}
	if look.Shown == nil {
		if c.agreement.trusted() {
			return look, sub, nil
		}
		return look, nil, sub.Close()
	}
	now, at := pairOf(look), look.Unit.Arrival
	if !c.agreement.due(now, at) {
		return look, sub, nil
	}
	main, err := c.decode(ctx, look.Shown) // to the size of the smaller one
	if err != nil {
		sub.Close()
		return look, nil, err
	}
	found, err := picture.Compare(main, sub)
	if err != nil {
		sub.Close()
		main.Close()
		return look, nil, err
	}
	c.agreement.take(found, now, at)
	if c.agreement.trusted() {
		c.feed.Monitor().Clear(ingest.TroubleSubStream)
		return look, sub, main.Close()
	}
	c.disagree(found)
	return feed.Look{Unit: look.Shown, Shown: look.Shown}, main, sub.Close()
}

// disagree leaves a smaller stream alone for a while that does not seem to show
// what the main one does, or of which that cannot be told.
func (c *camera) disagree(found picture.Agreement) {
	if c.agreement.failed < differsFor {
		return
	}
	c.agreement.agree = false
	c.feed.PassOver(passOver)
	if found == picture.Differs {
		c.feed.Monitor().Report(ingest.TroubleSubStream, ingest.Degraded, ingest.Because(ingest.SubDiffers))
	}
}

func pairOf(look feed.Look) pair {
	return pair{
		main: look.Shown.Session, sub: look.Unit.Session,
		mainSize: look.Shown.Format.SizeOf(look.Shown.NALUs), subSize: look.Unit.Format.SizeOf(look.Unit.NALUs),
	}
}
