package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"tidewatch/ingest"
	"tidewatch/ingest/ring"
)

// judge compares what was kept with what was sent.
func (t *trial) judge(ctx context.Context) error {
	held, err := t.feed.Ring().Cut(time.Time{}, time.Now())
	if len(held.Units) == 0 {
		t.result.wrong("nothing was kept: %v", err)
		return nil
	}
	if held.Damaged > 0 {
		t.result.wrong("%d units came damaged", held.Damaged)
		return nil
	}
	keys := t.keys(held)
	t.result.keys = len(keys)
	t.result.stored = len(keys) > 0
	for _, key := range keys {
		if err := t.storedKey(ctx, held, key); err != nil {
			t.result.stored = false
			t.result.wrong("key unit %d: %v", t.place(held, key), err)
			break
		}
	}
	t.result.exact = true
	for _, from := range t.beginnings(keys) {
		t.result.clips++
		if err := t.clip(ctx, held, t.place(held, from)); err != nil {
			t.result.exact = false
			t.result.wrong("clip from picture %d: %v", t.place(held, from), err)
		}
	}
	return ctx.Err()
}

// place is that of a unit in the order of showing, counted through repetitions.
func (t *trial) place(held ring.Clip, u *ingest.Unit) int {
	since := u.Shown() - held.Units[0].Shown()
	return t.first + int((since+t.stream.Interval/2)/t.stream.Interval)
}

// at is the moment to judge by of a place.
func (t *trial) at(held ring.Clip, place int) time.Time {
	return held.From.Add(time.Duration(place-t.first) * t.stream.Interval)
}

// sent are the hashes of the pictures from one place to before another.
func (t *trial) sent(from, to int) []string {
	own := make([]string, len(t.stream.Units)) // by place; empty where nothing is shown
	for _, unit := range t.stream.Units {
		if unit.Shows {
			own[unit.Place] = "shown"
		}
	}
	next := 0
	for place := range own {
		if own[place] != "" {
			own[place] = t.hashes[next]
			next++
		}
	}
	var hashes []string
	for place := from; place < to; place++ {
		if hash := own[place%len(own)]; hash != "" {
			hashes = append(hashes, hash)
		}
	}
	return hashes
}

// end is the place after the last one that is looked at.
func (t *trial) end() int { return t.times() * len(t.stream.Units) }

// keys are the key units of the stream, once each.
func (t *trial) keys(held ring.Clip) []*ingest.Unit {
	var keys []*ingest.Unit
	for _, u := range held.Units {
		if u.Key && t.place(held, u) < len(t.stream.Units) {
			keys = append(keys, u)
		}
	}
	return keys
}

// beginnings are the key units with which clips are tried to begin: the first,
// which gives the whole stream, and a few of the others.
func (t *trial) beginnings(keys []*ingest.Unit) []*ingest.Unit {
	if n := len(keys); n > 4 {
		return []*ingest.Unit{keys[0], keys[1], keys[n/2], keys[n-1]}
	}
	return keys
}

// storedKey tries the bytes of a key unit as they are stored.
func (t *trial) storedKey(ctx context.Context, held ring.Clip, key *ingest.Unit) error {
	picture, err := alone.Decode(ctx, key)
	if err != nil {
		return err
	}
	if err := picture.Close(); err != nil {
		return err
	}
	place := t.place(held, key)
	path := filepath.Join(t.folder, fmt.Sprintf("key-%d.%s", place, t.codec))
	if err := os.WriteFile(path, key.AppendAnnexB(nil), 0o640); err != nil {
		return err
	}
	shown, err := pictures(ctx, path, "-f", t.stream.Demuxer()) // FFmpeg does not know a lone picture by its content
	if err != nil {
		return err
	}
	return same(shown, t.sent(place, place+1))
}

// clip cuts as evidence does, from a place to the end, and compares.
func (t *trial) clip(ctx context.Context, held ring.Clip, place int) error {
	from, until := t.at(held, place), t.at(held, t.end()-1).Add(t.stream.Interval/2)
	pin := t.feed.Ring().Pin(from, until)
	defer pin.Release()
	path := filepath.Join(t.folder, fmt.Sprintf("clip-%d.mp4", place))
	clip, err := pin.Cut()
	if err == nil {
		err = t.showable(ctx, clip, path)
	}
	if errors.Is(err, errUnshowable) {
		if clip, err = pin.CutAnnounced(); err == nil {
			err = t.showable(ctx, clip, path)
		}
	}
	if err != nil {
		return err
	}
	begins := t.place(held, clip.Units[0])
	if begins > place {
		return fmt.Errorf("it begins %d pictures late", begins-place)
	}
	shown, err := pictures(ctx, path)
	if err != nil {
		return err
	}
	return same(shown, t.sent(begins, t.end()))
}

// errUnshowable says that a clip is refused as evidence.
var errUnshowable = errors.New("refused as evidence")

// showable writes a clip and looks at it as evidence is looked at before it is
// kept.
func (t *trial) showable(ctx context.Context, clip ring.Clip, path string) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	err = clip.WriteMP4(file)
	if err := errors.Join(err, file.Close()); err != nil {
		return err
	}
	video, err := os.Open(path)
	if err != nil {
		return err
	}
	defer video.Close()
	switch shown, err := alone.Pictures(ctx, video); {
	case err != nil:
		return fmt.Errorf("%w: %w", errUnshowable, err)
	case shown != clip.Pictures():
		return fmt.Errorf("%w: it shows %d of its %d pictures", errUnshowable, shown, clip.Pictures())
	}
	return nil
}

// same compares pictures with those that were sent.
func same(shown, sent []string) error {
	switch {
	case slices.Equal(shown, sent):
		return nil
	case len(shown) != len(sent):
		return fmt.Errorf("it shows %d pictures, and %d were sent", len(shown), len(sent))
	}
	differ, first := 0, -1
	for i := range sent {
		if shown[i] != sent[i] {
			if differ++; first < 0 {
				first = i
			}
		}
	}
	return fmt.Errorf("%d of its %d pictures are not as they were sent, from number %d on", differ, len(sent), first+1)
}
