package evidence

import (
	"context"
	"fmt"
	"strings"

	"tidewatch/enforce"
	"tidewatch/ingest"
)

const jpegType = "image/jpeg"

// still is one picture, with the unit that it was made of.
type still struct {
	file enforce.File
	unit enforce.File
	jpeg []byte
}

// UnshowableError says that a unit cannot be shown by its stored bytes alone: it
// is no evidence, and another moment must be taken.
type UnshowableError struct {
	Unit *ingest.Unit
	Err  error
}

func (e *UnshowableError) Error() string { return e.Err.Error() }

func (e *UnshowableError) Unwrap() error { return e.Err }

func picturesOf(stills []still) []enforce.File {
	var files []enforce.File
	for _, s := range stills {
		files = append(files, s.file)
	}
	return files
}

// unitsOf are the units that the pictures were made of, each once.
func unitsOf(stills []still) []enforce.File {
	var files []enforce.File
	known := map[string]bool{}
	for _, s := range stills {
		if !known[s.unit.SHA256] {
			known[s.unit.SHA256] = true
			files = append(files, s.unit)
		}
	}
	return files
}

// stills stores the pictures, in the order in which officers look at them, and
// the units that they were made of.
func (r *Recorder) stills(ctx context.Context, shown Exhibits) ([]still, error) {
	var stills []still
	for _, want := range []struct {
		kind, unit enforce.FileKind
		of         *ingest.Unit
		render     func() ([]byte, error)
	}{
		{enforce.SceneBegin, enforce.UnitBegin, shown.Begin.Unit, func() ([]byte, error) { return r.Pictures.Scene(ctx, shown.Begin.Unit) }},
		{enforce.SceneMiddle, enforce.UnitMiddle, shown.Middle.Unit, func() ([]byte, error) { return r.Pictures.Scene(ctx, shown.Middle.Unit) }},
		{enforce.SceneDue, enforce.UnitDue, shown.Due.Unit, func() ([]byte, error) { return r.Pictures.Scene(ctx, shown.Due.Unit) }},
		{enforce.CloseUp, enforce.UnitDue, shown.Due.Unit, func() ([]byte, error) { return r.Pictures.CloseUp(ctx, shown.Due.Unit, shown.Due.Box) }},
	} {
		jpeg, err := want.render()
		if err != nil {
			return nil, fmt.Errorf("render %s: %w", want.kind, &UnshowableError{want.of, err})
		}
		s, err := r.still(ctx, want.kind, jpeg, want.unit, want.of)
		if err != nil {
			return nil, err
		}
		stills = append(stills, s)
	}
	if shown.Plate.Unit == nil {
		return stills, nil
	}
	jpeg, err := r.Pictures.Plate(ctx, shown.Plate.Unit, shown.Plate.Corners)
	if err != nil {
		r.Log.Warn("evidence without a picture of the plate", "error", err)
		r.Metrics.missingPlates.Inc()
		return stills, nil
	}
	s, err := r.still(ctx, enforce.Plate, jpeg, enforce.UnitPlate, shown.Plate.Unit)
	return append(stills, s), err
}

// still stores a picture and its unit.
func (r *Recorder) still(ctx context.Context, kind enforce.FileKind, jpeg []byte, unitKind enforce.FileKind, u *ingest.Unit) (s still, err error) {
	s.jpeg = jpeg
	if s.unit, err = r.put(ctx, unitKind, unitType(u), u.AppendAnnexB(nil), u); err != nil {
		return s, err
	}
	s.unit.Codec = string(u.Format.Codec)
	if s.file, err = r.put(ctx, kind, jpegType, jpeg, u); err != nil {
		return s, err
	}
	s.file.Of = []string{s.unit.SHA256}
	return s, nil
}

// unitType is a unit's media type: a stream of which the last picture is shown,
// usually its only one.
func unitType(u *ingest.Unit) string { return "video/" + strings.ToUpper(string(u.Format.Codec)) }
