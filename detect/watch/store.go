package watch

import (
	"bytes"
	"encoding/gob"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"tidewatch/detect"
	"tidewatch/durable"
	"tidewatch/ingest"
)

// store keeps a camera's open stops in a folder, so that a restarted worker
// knows them: a small file for each stop, and a file for each of their
// pictures, written once and shared.
type store struct {
	dir   string              // empty: nothing is kept
	units map[string][]string // the pictures of each stop that are on disk

	index  index
	number uint64 // of the file that was written last
	gone   error  // the whole folder was taken away
}

const (
	stopSuffix    = ".stop"
	unitSuffix    = ".unit"
	partialSuffix = ".partial"
	savedVersion  = 2
)

// saved is the file of one open stop.
type saved struct {
	Version int
	Place   detect.Place // without its observations
	Kept    []observation
	Reading reading
	Plate   string // file of Reading's picture; empty without one
}

// observation is a detect.Observation with the picture's file in place of the
// picture.
type observation struct {
	At   time.Time
	Box  detect.Box
	Unit string // empty without a picture
}

// openStore makes the folder.
func openStore(dir string) (*store, error) {
	s := &store{dir: dir, units: map[string][]string{}}
	if dir == "" {
		return s, nil
	}
	var err error
	if s.gone, err = openFolder(dir); err != nil {
		return nil, fmt.Errorf("open folder of stops: %w", err)
	}
	return s, nil
}

// Stops are the IDs of the stops that a folder keeps for a restart.
func Stops(dir string) (ids []string) {
	entries, _ := os.ReadDir(dir) // a folder that is not there keeps none
	for _, e := range entries {
		if id, isStop := strings.CutSuffix(e.Name(), stopSuffix); isStop {
			ids = append(ids, id)
		}
	}
	return ids
}

// load reads all stops back. Those that cannot be read, or are gone, are dropped
// and named in the error.
func (s *store) load() ([]detect.Place, map[string]*reading, error) {
	readings := map[string]*reading{}
	if s.dir == "" {
		return nil, readings, nil
	}
	broken := []error{s.gone, s.openIndex(), s.missing()}
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return nil, nil, fmt.Errorf("read folder of stops: %w", err)
	}
	var places []detect.Place
	for _, e := range entries {
		id, isStop := strings.CutSuffix(e.Name(), stopSuffix)
		if !isStop {
			continue
		}
		place, reading, err := s.read(id)
		if err != nil {
			broken = append(broken, err, s.discard(e.Name()))
			continue
		}
		places = append(places, place)
		readings[id] = &reading
	}
	return places, readings, errors.Join(append(broken, s.sweep())...)
}

func (s *store) read(id string) (detect.Place, reading, error) {
	var file saved
	if err := s.decode(id+stopSuffix, &file); err != nil {
		return detect.Place{}, reading{}, err
	}
	if file.Version == 1 {
		if err := s.earlier(id+stopSuffix, &file.Place); err != nil {
			return detect.Place{}, reading{}, err
		}
		file.Version = savedVersion
	}
	if file.Version != savedVersion || file.Place.Stop.ID != id || len(file.Place.Backing.Boxes) == 0 {
		return detect.Place{}, reading{}, fmt.Errorf("read stop %s: it is not one of this version", id)
	}
	place := file.Place
	var names []string
	for _, kept := range file.Kept {
		o := detect.Observation{At: kept.At, Box: kept.Box}
		if kept.Unit != "" {
			var err error
			if o.Unit, err = s.readUnit(kept.Unit); err != nil {
				return detect.Place{}, reading{}, err
			}
			names = append(names, kept.Unit)
		}
		place.Stop.Observations = append(place.Stop.Observations, o)
	}
	if file.Plate != "" {
		var err error
		if file.Reading.Shown.Unit, err = s.readUnit(file.Plate); err != nil {
			return detect.Place{}, reading{}, err
		}
		names = append(names, file.Plate)
	}
	s.units[id] = names
	return place, file.Reading, nil
}

// readUnit reads a picture. Files of earlier versions hold one parameter set of
// each kind.
func (s *store) readUnit(name string) (*ingest.Unit, error) {
	u := new(ingest.Unit)
	if err := s.decode(filepath.Base(name), u); err != nil {
		return nil, err
	}
	for _, lead := range u.Lead {
		if lead.Format == nil {
			lead.Format = u.Format
		}
	}
	if u.Format == nil || len(u.Format.Sets) > 0 {
		return u, nil
	}
	var old struct {
		Format struct{ VPS, SPS, PPS []byte }
	}
	if err := s.decode(filepath.Base(name), &old); err == nil { // other files have none of these
		u.Format = ingest.NewFormat(u.Format.Codec, old.Format.VPS, old.Format.SPS, old.Format.PPS)
	}
	return u, nil
}

// save writes a stop, its new pictures first.
func (s *store) save(place detect.Place, r *reading) error {
	if s.dir == "" {
		return nil
	}
	id := place.Stop.ID
	file := saved{Version: savedVersion, Place: place}
	file.Place.Stop.Observations = nil
	var names []string
	if r != nil {
		file.Reading = *r
		if u := r.Shown.Unit; u != nil {
			file.Reading.Shown.Unit, file.Plate = nil, unitName(u)
			names = append(names, file.Plate)
			if err := s.saveUnit(file.Plate, u); err != nil {
				return err
			}
		}
	}
	for _, o := range place.Stop.Observations {
		kept := observation{At: o.At, Box: o.Box}
		if o.Unit != nil {
			kept.Unit = unitName(o.Unit)
			names = append(names, kept.Unit)
			if err := s.saveUnit(kept.Unit, o.Unit); err != nil {
				return err
			}
		}
		file.Kept = append(file.Kept, kept)
	}
	if err := s.keep(id+stopSuffix, &file); err != nil {
		return err
	}
	s.units[id] = names
	return s.sweep()
}

// keep writes a file that must not go unnoticed.
func (s *store) keep(name string, value any) error {
	if err := s.encode(name, value); err != nil {
		return err
	}
	return s.enter(name, s.number)
}

// discard removes a file that the index tells of.
func (s *store) discard(name string) error {
	if err := s.enter(name, 0); err != nil {
		return err
	}
	if err := os.Remove(s.path(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func unitName(u *ingest.Unit) string {
	return fmt.Sprintf("%d-%d-%d%s", u.Arrival.UnixMicro(), u.Session, u.PTS, unitSuffix)
}

// saveUnit writes a picture unless it is there: pictures never change.
func (s *store) saveUnit(name string, u *ingest.Unit) error {
	if _, err := os.Stat(s.path(name)); err == nil {
		return nil
	}
	resolved := *u
	resolved.Stamp = u.Resolved()
	resolved.Lead = nil
	for _, lead := range u.Lead { // what shows the picture, and no more
		lean := &ingest.Unit{NALUs: lead.NALUs, Key: lead.Key}
		if lead.Format != u.Format {
			lean.Format = lead.Format
		}
		resolved.Lead = append(resolved.Lead, lean)
	}
	return s.encode(name, &resolved)
}

// remove forgets a stop.
func (s *store) remove(id string) error {
	if s.dir == "" {
		return nil
	}
	delete(s.units, id)
	if err := s.discard(id + stopSuffix); err != nil {
		return fmt.Errorf("remove stop: %w", err)
	}
	return s.sweep()
}

// sweep removes the pictures that no stop needs, and what a crash left half
// written.
func (s *store) sweep() error {
	needed := map[string]bool{}
	for _, names := range s.units {
		for _, name := range names {
			needed[name] = true
		}
	}
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return fmt.Errorf("sweep folder of stops: %w", err)
	}
	var errs []error
	for _, e := range entries {
		suffix := filepath.Ext(e.Name())
		if suffix == partialSuffix || suffix == unitSuffix && !needed[e.Name()] {
			errs = append(errs, os.Remove(s.path(e.Name())))
		}
	}
	return errors.Join(errs...)
}

func (s *store) path(name string) string { return filepath.Join(s.dir, name) }

// sealed is the name under which a file is sealed: another camera's has another.
func (s *store) sealed(name string) string { return filepath.Base(s.dir) + "/" + name }

// encode writes a file in one step: whole, or not at all.
func (s *store) encode(name string, value any) error {
	var text bytes.Buffer
	if err := gob.NewEncoder(&text).Encode(value); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	s.number++
	return s.place(name, seal(s.sealed(name), s.number, text.Bytes()))
}

func (s *store) place(name string, text []byte) error {
	partial := s.path(name + partialSuffix)
	err := durable.Write(partial, text, 0o600)
	if err == nil {
		err = os.Rename(partial, s.path(name))
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

func (s *store) decode(name string, value any) error {
	data, err := os.ReadFile(s.path(name))
	if err == nil {
		err = s.open(name, data, value)
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	return nil
}

// open reads what a file holds, if it is the one that was written last.
func (s *store) open(name string, data []byte, value any) error {
	number, content, err := unseal(s.sealed(name), data)
	if err != nil {
		return err
	}
	if !s.current(name, number) {
		return fmt.Errorf("it is an older copy: %w", errAltered)
	}
	s.number = max(s.number, number)
	return gob.NewDecoder(bytes.NewReader(content)).Decode(value)
}
