// Package evidence keeps what proves a violation: the key units of the stop as
// the camera sent them and pictures of them, copies for reading with the time and
// the place written below, a clip as the camera sent it, and a manifest that names
// every file by its SHA-256, is signed, and has a leaf in the log of evidence.
// Everything is stored, and synced by the store, before the case that refers to it
// is opened.
package evidence

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"image/jpeg"
	"io"
	"log/slog"
	"slices"
	"time"

	"tidewatch/detect"
	"tidewatch/detect/plate"
	"tidewatch/enforce"
	"tidewatch/enforce/evidence/overlay"
	"tidewatch/enforce/proof"
	"tidewatch/ingest"
)

// Pictures renders key units as JPEG.
type Pictures interface {
	// Scene is the whole picture at full size.
	Scene(ctx context.Context, u *ingest.Unit) ([]byte, error)
	// CloseUp is the part of it around a vehicle.
	CloseUp(ctx context.Context, u *ingest.Unit, box detect.Box) ([]byte, error)
	// Plate is the part of it around a number plate.
	Plate(ctx context.Context, u *ingest.Unit, corners plate.Corners) ([]byte, error)
}

// Copies writes on copies of JPEG pictures.
type Copies interface {
	// Mark returns a copy with words below the picture.
	Mark(picture []byte, words []string) ([]byte, error)
	// Composite returns several pictures in one, with words below it.
	Composite(cells []overlay.Cell, words []string) ([]byte, error)
}

// Clips holds on to the camera's own video.
type Clips interface {
	// Hold keeps the video from one moment to judge by to another, from now on,
	// however long it takes until it is asked for.
	Hold(from, until time.Time) Held
}

// Held is video that is kept until it is released.
type Held interface {
	// Clip writes the video. It waits, not for long, until its end has come. With
	// announced it begins where the camera itself says that decoding can begin.
	Clip(ctx context.Context, w io.Writer, announced bool) (Footage, error)
	Release()
}

// Viewer looks at stored video as anybody will who has nothing else.
type Viewer interface {
	// Pictures decodes a video and returns how many pictures it shows; an error
	// says which of them is not whole.
	Pictures(ctx context.Context, video io.Reader) (int, error)
}

// Footage says what was cut.
type Footage struct {
	First    *ingest.Unit
	Duration time.Duration
	Pictures int
	Short    bool   // it covers less than was asked for
	Note     string // why it does, and what else must be said of it; empty for a clip as it should be
	// MediaSpeed is how fast the camera's own timestamps ran, of true speed, where
	// they were wrong: the clip's times are then those at which it came. It is 1
	// where they are right.
	MediaSpeed float64
}

// Files stores a file under its SHA-256, durable when it returns.
type Files interface {
	Put(ctx context.Context, data io.Reader) (sha256 string, size int64, err error)
}

// Recorder writes the evidence of one camera's violations.
type Recorder struct {
	Pictures Pictures
	Copies   Copies
	Clips    Clips
	Viewer   Viewer
	Files    Files
	Clock    time.Duration // how far the camera's clock may be from ours and be believed
	Software string        // version written into manifests
	Models   []proof.Model // the networks, written into manifests
	Seal     Sealer
	Now      func() time.Time
	Span     Span
	Log      *slog.Logger
	Metrics  *Metrics
}

// Sealer stores a manifest so that an alteration of the evidence shows, and
// returns the evidence that refers to it.
type Sealer interface {
	Manifest(ctx context.Context, m proof.Manifest) (enforce.Evidence, error)
}

// Span is how much video a clip holds around the picture that shows the stop
// as the observation period ran out.
type Span struct{ Before, After time.Duration }

// Record stores the evidence of a violation. It waits for the end of the clip.
// A clip that cannot be cut (the connection is too young), a plate that cannot be
// shown and a copy that cannot be drawn are counted and left out; any other
// picture that cannot be shown is an error, and nothing refers to what was stored
// before it.
func (r *Recorder) Record(ctx context.Context, v enforce.Violation, shown Exhibits) (enforce.Evidence, error) {
	start := time.Now()
	// Rendering may take longer than the ring holds video.
	due := shown.Due.Unit.Time(r.Clock)
	video := r.Clips.Hold(due.Add(-r.Span.Before), due.Add(r.Span.After))
	defer video.Release()
	stills, err := r.stills(ctx, shown)
	if err != nil {
		return enforce.Evidence{}, fmt.Errorf("show violation %s: %w", v.ID, err)
	}
	copies, err := r.copies(ctx, v, stills)
	if err != nil {
		return enforce.Evidence{}, fmt.Errorf("mark pictures of violation %s: %w", v.ID, err)
	}
	files := append(picturesOf(stills), copies...)
	clip, note, err := r.clip(ctx, video)
	if err != nil {
		r.Log.Warn("evidence without a clip", "violation", v.ID, "error", err)
		r.Metrics.missingClips.Inc()
		note = err.Error()
	} else {
		files = append(files, clip)
	}
	files = append(files, unitsOf(stills)...)
	v.Evidence = enforce.Evidence{}
	sealed, err := r.Seal.Manifest(ctx, proof.Manifest{
		Events: proof.EventFormat,
		Format: proof.Format, Software: r.Software, Models: r.Models,
		RecordedAt: r.Now().UTC().Truncate(time.Microsecond), Violation: v, Files: files, ClipNote: note,
	})
	if err != nil {
		return enforce.Evidence{}, err
	}
	r.Metrics.seconds.Observe(time.Since(start).Seconds())
	return sealed, nil
}

// put stores a file that shows what a unit does.
func (r *Recorder) put(ctx context.Context, kind enforce.FileKind, mediaType string, data []byte, u *ingest.Unit) (enforce.File, error) {
	file := enforce.File{Kind: kind, MediaType: mediaType, At: u.Moment().UTC(), ArrivalTime: u.Arrival.UTC()}
	stamp := u.Resolved()
	if clockError, known := stamp.ClockError(); known {
		file.CameraTime, file.ClockError = stamp.Camera.UTC(), clockError
	}
	return r.store(ctx, file, data)
}

// store puts a file's content away and adds what is known of it by that.
func (r *Recorder) store(ctx context.Context, file enforce.File, data []byte) (enforce.File, error) {
	if file.MediaType == jpegType {
		header, err := jpeg.DecodeConfig(bytes.NewReader(data))
		if err != nil {
			return enforce.File{}, fmt.Errorf("store %s: not a JPEG picture: %w", file.Kind, err)
		}
		file.Width, file.Height = header.Width, header.Height
	}
	var err error
	if file.SHA256, file.Size, err = r.Files.Put(ctx, bytes.NewReader(data)); err != nil {
		return enforce.File{}, fmt.Errorf("store %s: %w", file.Kind, err)
	}
	r.Metrics.bytes.WithLabelValues(string(file.Kind)).Add(float64(file.Size))
	return file, nil
}

// clip stores the video that is held. With it comes what is to be said of it.
func (r *Recorder) clip(ctx context.Context, held Held) (file enforce.File, note string, err error) {
	cut, video, err := r.showable(ctx, held, false)
	if errors.Is(err, errUnshowable) {
		refused := err
		if cut, video, err = r.showable(ctx, held, true); err != nil {
			err = fmt.Errorf("%w; begun elsewhere: %w", refused, err)
		}
	}
	if err != nil {
		return enforce.File{}, "", err
	}
	if cut.Short {
		r.Metrics.shortClips.Inc()
	}
	file, err = r.put(ctx, enforce.Clip, "video/mp4", video, cut.First)
	file.Codec, file.Duration, file.Short = string(cut.First.Format.Codec), cut.Duration, cut.Short
	if cut.MediaSpeed != 1 {
		file.MediaSpeed = &cut.MediaSpeed
	}
	return file, cut.Note, err
}

// errUnshowable says that a clip cannot be decoded alone.
var errUnshowable = errors.New("cannot be decoded alone")

// showable is a clip of which every picture has been decoded from the bytes that
// will be stored.
func (r *Recorder) showable(ctx context.Context, held Held, announced bool) (Footage, []byte, error) {
	var video bytes.Buffer
	cut, err := held.Clip(ctx, &video, announced)
	if err != nil {
		return cut, nil, err
	}
	switch shown, err := r.Viewer.Pictures(ctx, bytes.NewReader(video.Bytes())); {
	case err != nil:
		return cut, nil, fmt.Errorf("clip %w: %w", errUnshowable, err)
	case shown != cut.Pictures:
		return cut, nil, fmt.Errorf("clip %w: it shows %d of its %d pictures", errUnshowable, shown, cut.Pictures)
	}
	return cut, video.Bytes(), nil
}

// ErrTooFewPictures says that the stop has not yet been seen at three
// different moments of the stretch, the first and the last of them as far apart
// as the observation period is long. The next look may mend it.
var ErrTooFewPictures = errors.New("fewer than three undamaged pictures of the stop over the observation period")

// Exhibits are the moments of a stop that the pictures show.
type Exhibits struct {
	Begin  detect.Observation // as the offending stretch began
	Middle detect.Observation // nearest to midway
	Due    detect.Observation // as the observation period ran out; until then the newest

	Plate detect.PlateView // in which the plate was read; zero where it was not
}

// Select picks the exhibits of a stretch out of observations: the first, the
// first that is the whole period later, and the one nearest to midway between.
// Only undamaged ones inside the stretch count. With an error come the best
// there are by now.
func Select(observations []detect.Observation, since, due time.Time) (Exhibits, error) {
	usable := slices.DeleteFunc(slices.Clone(observations), func(o detect.Observation) bool {
		return o.Unit == nil || o.Unit.Damaged || o.At.Before(since)
	})
	slices.SortStableFunc(usable, func(a, b detect.Observation) int { return a.At.Compare(b.At) })
	usable = slices.CompactFunc(usable, func(a, b detect.Observation) bool { return a.At.Equal(b.At) })
	if len(usable) == 0 {
		return Exhibits{}, ErrTooFewPictures
	}
	chosen := Exhibits{Begin: usable[0], Due: usable[len(usable)-1]}
	if len(usable) < 3 {
		return chosen, ErrTooFewPictures
	}
	// The first picture may come a little after the stretch began: the pictures
	// prove what lies between them. The last leaves room for one between.
	due = chosen.Begin.At.Add(due.Sub(since))
	end := slices.IndexFunc(usable, func(o detect.Observation) bool { return !o.At.Before(due) })
	if end < 0 {
		end = len(usable) - 1
	}
	end = max(end, 2)
	chosen.Due = usable[end]
	midway := chosen.Begin.At.Add(due.Sub(chosen.Begin.At) / 2)
	chosen.Middle = slices.MinFunc(usable[1:end], func(a, b detect.Observation) int {
		return cmp.Compare(a.At.Sub(midway).Abs(), b.At.Sub(midway).Abs())
	})
	if chosen.Due.At.Before(due) {
		return chosen, ErrTooFewPictures
	}
	return chosen, nil
}
