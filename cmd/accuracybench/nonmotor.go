package main

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"tidewatch/cmd/tidewatch/assets"
	"tidewatch/cmd/tidewatch/networks"
	"tidewatch/detect"
	"tidewatch/detect/model"
	"tidewatch/ingest/decode"
)

// nonMotorTruths are the bicycles and motorcycles that people saw in films, one
// file a film.
//
//go:embed nonmotor/*.json
var nonMotorTruths embed.FS

// nonMotorFilm is one such film, of which a picture each second was looked at.
type nonMotorFilm struct {
	Clip  string         `json:"clip"`
	Until int            `json:"until"` // seconds of it that were looked at
	Seen  []nonMotorSeen `json:"seen"`
}

// nonMotorSeen is one vehicle, rider included, in one second's picture.
type nonMotorSeen struct {
	At    int          `json:"at"`
	Class detect.Class `json:"class"`
	Box   [4]float64   `json:"box"` // x, y, width and height, 0..1
}

const (
	// nonMotorSame is the overlap of boxes from which a vehicle was found: these
	// are small, and by hand they are drawn less sharply.
	nonMotorSame = 0.3
	// nonMotorHeld and nonMotorSure are the scores by which stops are held and
	// opened.
	nonMotorHeld, nonMotorSure = 0.10, 0.40
)

// nonMotorTally is how well they were found.
type nonMotorTally struct{ labelled, held, sure, wrong int }

// measureNonMotor looks for bicycles and motorcycles in the films that are
// there, with the default network.
func measureNonMotor(ctx context.Context, opts options, out io.Writer, answer map[string]float64) (err error) {
	vehicles, err := networks.Vehicles(assets.Dir(opts.Assets))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, vehicles.Close()) }()
	films, err := nonMotorFilms()
	if err != nil {
		return err
	}
	var sum nonMotorTally
	for _, film := range films {
		tally, err := film.measure(ctx, vehicles, opts.Footage)
		if errors.Is(err, fs.ErrNotExist) {
			fmt.Fprintln(os.Stderr, "accuracybench: not measured:", err)
			continue
		}
		if err != nil {
			return fmt.Errorf("%s: %w", film.Clip, err)
		}
		sum = nonMotorTally{sum.labelled + tally.labelled, sum.held + tally.held, sum.sure + tally.sure, sum.wrong + tally.wrong}
	}
	fmt.Fprintf(out, "bicycles and motorcycles: %d seen by people, of which %d found at %.2f, %d at %.2f; %d found at %.2f that are none\n",
		sum.labelled, sum.held, nonMotorHeld, sum.sure, nonMotorSure, sum.wrong, nonMotorSure)
	answer["nonmotor_labelled"], answer["nonmotor_held"] = float64(sum.labelled), float64(sum.held)
	answer["nonmotor_sure"], answer["nonmotor_wrong"] = float64(sum.sure), float64(sum.wrong)
	return nil
}

// nonMotorFilms reads all truths.
func nonMotorFilms() ([]nonMotorFilm, error) {
	names, err := fs.Glob(nonMotorTruths, "nonmotor/*.json")
	if err != nil {
		return nil, err
	}
	var films []nonMotorFilm
	for _, name := range names {
		data, err := nonMotorTruths.ReadFile(name)
		if err != nil {
			return nil, err
		}
		var film nonMotorFilm
		if err := json.Unmarshal(data, &film); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		films = append(films, film)
	}
	return films, nil
}

// measure looks at the picture of each second that people looked at.
func (f nonMotorFilm) measure(ctx context.Context, vehicles *model.Vehicles, folder string) (sum nonMotorTally, err error) {
	path := filepath.Join(folder, f.Clip)
	if _, err := os.Stat(path); err != nil {
		return sum, err
	}
	file, err := decode.OpenFile(path)
	if err != nil {
		return sum, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	for look, err := range file.Looks(1) {
		if err != nil {
			return sum, err
		}
		second := int(look.At.Round(time.Second).Seconds())
		if second >= f.Until || ctx.Err() != nil {
			return sum, errors.Join(ctx.Err(), look.Picture.Close())
		}
		found, err := vehicles.Find(look.Picture)
		if err := errors.Join(err, look.Picture.Close()); err != nil {
			return sum, err
		}
		sum.add(f.Seen, second, found)
	}
	return sum, nil
}

// add scores what was found in one picture.
func (t *nonMotorTally) add(seen []nonMotorSeen, second int, found []detect.Detection) {
	found = slices.DeleteFunc(slices.Clone(found), func(d detect.Detection) bool { return d.Class.Motor() })
	for _, s := range seen {
		if s.At != second {
			continue
		}
		t.labelled++
		box := detect.Box{X: s.Box[0], Y: s.Box[1], W: s.Box[2], H: s.Box[3]}
		at := slices.IndexFunc(found, func(d detect.Detection) bool { return d.Class == s.Class && d.Box.IoU(box) >= nonMotorSame })
		if at < 0 {
			continue
		}
		t.held++
		if found[at].Score >= nonMotorSure {
			t.sure++
		}
		found = slices.Delete(found, at, at+1)
	}
	for _, d := range found {
		if d.Score >= nonMotorSure {
			t.wrong++
		}
	}
}
