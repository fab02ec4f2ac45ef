package simpolice

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"
)

// Vehicle is one vehicle as the platform keeps it: the first form that came
// under its ID, and how often it came.
type Vehicle struct {
	ID            string    `json:"id"`
	Plate         string    `json:"plate"`
	PlateClass    string    `json:"plate_class"`
	PlateColor    string    `json:"plate_color"`
	PassTime      string    `json:"pass_time"` // yyyyMMddHHmmss, as the other times
	AppearTime    string    `json:"appear_time"`
	DisappearTime string    `json:"disappear_time,omitempty"`
	Pictures      []Picture `json:"pictures"`
	Received      int       `json:"received"` // how often it came
	FirstReceived time.Time `json:"first_received"`
	LastReceived  time.Time `json:"last_received"`
}

// Picture is one picture of a vehicle.
type Picture struct {
	ID       string `json:"id"`
	Type     string `json:"type"`
	ShotTime string `json:"shot_time"`
	SHA256   string `json:"sha256"`

	data          []byte
	width, height int
}

// store keeps vehicles in memory, in the order of their first receipt, and, if
// it has a journal, on disk: one JSON object per line for each receipt.
type store struct {
	vehicles []*Vehicle
	byID     map[string]*Vehicle
	pictures map[string][]byte // by SHA-256
	journal  *os.File
}

// line is one receipt in the journal. Pictures are written when they are new.
type line struct {
	Vehicle  Vehicle           `json:"vehicle"`
	At       time.Time         `json:"at"`
	Pictures map[string][]byte `json:"pictures,omitempty"` // by SHA-256
}

func (s *store) open(path string) error {
	s.byID, s.pictures = map[string]*Vehicle{}, map[string][]byte{}
	if path == "" {
		return nil
	}
	journal, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	end, err := s.replay(journal)
	if err == nil {
		// What a crash left of a last line is cut off.
		err = errors.Join(journal.Truncate(end), seek(journal, end))
	}
	if err != nil {
		return errors.Join(err, journal.Close())
	}
	s.journal = journal
	return nil
}

// replay reads whole lines and returns where they end.
func (s *store) replay(journal io.Reader) (end int64, err error) {
	r := bufio.NewReader(journal)
	for n := 1; ; n++ {
		text, err := r.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return end, nil
		}
		if err != nil {
			return end, err
		}
		var l line
		if err := json.Unmarshal(text, &l); err != nil {
			return end, fmt.Errorf("line %d: %w", n, err)
		}
		s.remember(l)
		end += int64(len(text))
	}
}

func seek(f *os.File, to int64) error {
	_, err := f.Seek(to, io.SeekStart)
	return err
}

// add keeps a receipt and returns how often the vehicle has come.
func (s *store) add(v Vehicle, at time.Time) (int, error) {
	l := line{Vehicle: v, At: at, Pictures: map[string][]byte{}}
	for _, p := range v.Pictures {
		if _, known := s.pictures[p.SHA256]; !known {
			l.Pictures[p.SHA256] = p.data
		}
	}
	if s.journal != nil {
		text, err := json.Marshal(l)
		if err != nil {
			return 0, err
		}
		if _, err := s.journal.Write(append(text, '\n')); err != nil {
			return 0, err
		}
	}
	return s.remember(l), nil
}

func (s *store) remember(l line) int {
	for sum, data := range l.Pictures {
		s.pictures[sum] = data
	}
	kept := s.byID[l.Vehicle.ID]
	if kept == nil {
		kept = &l.Vehicle
		kept.FirstReceived = l.At
		for i := range kept.Pictures {
			kept.Pictures[i].data = nil
		}
		s.byID[kept.ID] = kept
		s.vehicles = append(s.vehicles, kept)
	}
	kept.Received++
	kept.LastReceived = l.At
	return kept.Received
}

// list is a copy of what is kept, newest first.
func (s *store) list() []Vehicle {
	list := []Vehicle{}
	for _, v := range slices.Backward(s.vehicles) {
		list = append(list, *v)
	}
	return list
}

func (s *store) close() error {
	if s.journal == nil {
		return nil
	}
	err := s.journal.Close()
	s.journal = nil
	return err
}

func hash(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
