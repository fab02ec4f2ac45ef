package sim

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"

	"github.com/transparency-dev/tessera/api/layout"

	"tidewatch/enforce"
)

// Damage does something to one case of a store that a check must find, and
// find of that case alone.
type Damage struct {
	Name string
	Do   func(s *Store, c enforce.Case, random *rand.Rand) error
}

// Damages are all of them.
func Damages() []Damage {
	damages := []Damage{
		{"another signature", swapSignature},
		{"signature by another key", forgeSignature},
		{"another manifest", swapManifest},
		{"leaf altered", alterLeaf},
		{"hash of a leaf altered", alterHash},
	}
	for _, part := range parts() {
		damages = append(damages,
			Damage{part.name + " with a flipped bit", part.do(flip)},
			Damage{part.name + " cut short", part.do(shorten)},
			Damage{part.name + " made longer", part.do(lengthen)},
			Damage{part.name + " emptied", part.do(empty)},
			Damage{part.name + " removed", part.do(remove)})
	}
	return damages
}

// part is a file that every case has.
type part struct {
	name string
	sum  func(enforce.Evidence) string
}

func parts() []part {
	list := []part{
		{"manifest", func(e enforce.Evidence) string { return e.Manifest }},
		{"signature", func(e enforce.Evidence) string { return e.Signature }},
		{"timestamp", func(e enforce.Evidence) string { return e.Timestamp }},
	}
	for i, kind := range kinds {
		list = append(list, part{string(kind), func(e enforce.Evidence) string { return e.Files[i].SHA256 }})
	}
	return list
}

func (p part) do(what func(path string, random *rand.Rand) error) func(*Store, enforce.Case, *rand.Rand) error {
	return func(s *Store, c enforce.Case, random *rand.Rand) error {
		return what(s.Files.Path(p.sum(c.Violation.Evidence)), random)
	}
}

// alter changes a file in place.
func alter(path string, change func([]byte) []byte) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return os.WriteFile(path, change(data), 0o640)
}

func flip(path string, random *rand.Rand) error {
	return alter(path, func(data []byte) []byte {
		data[random.IntN(len(data))] ^= 1 << random.IntN(8)
		return data
	})
}

func shorten(path string, random *rand.Rand) error {
	return alter(path, func(data []byte) []byte { return data[:1+random.IntN(len(data)-1)] })
}

func lengthen(path string, random *rand.Rand) error {
	return alter(path, func(data []byte) []byte { return append(data, byte(random.Uint32())) })
}

func empty(path string, _ *rand.Rand) error {
	return alter(path, func([]byte) []byte { return nil })
}

func remove(path string, _ *rand.Rand) error { return os.Remove(path) }

// other is another case of the store.
func (s *Store) other(c enforce.Case, random *rand.Rand) enforce.Evidence {
	for {
		if o := s.Cases[random.IntN(len(s.Cases))]; o.ID != c.ID {
			return o.Violation.Evidence
		}
	}
}

// put copies, as it was made, what another case has under one name to another.
func (s *Store) put(to, from string) error {
	data, err := os.ReadFile(s.Files.Path(from))
	if errors.Is(err, os.ErrNotExist) { // it was damaged before
		data, err = []byte(from), nil
	}
	if err != nil {
		return err
	}
	return os.WriteFile(s.Files.Path(to), data, 0o640)
}

func swapSignature(s *Store, c enforce.Case, random *rand.Rand) error {
	return s.put(c.Violation.Evidence.Signature, s.other(c, random).Signature)
}

func swapManifest(s *Store, c enforce.Case, random *rand.Rand) error {
	return s.put(c.Violation.Evidence.Manifest, s.other(c, random).Manifest)
}

// forgeSignature signs anew with a key that nobody trusts, under the same name.
func forgeSignature(s *Store, c enforce.Case, _ *rand.Rand) error {
	forged, err := forge(s, c)
	if err != nil {
		return err
	}
	return os.WriteFile(s.Files.Path(c.Violation.Evidence.Signature), forged, 0o640)
}

// alterLeaf flips a bit of a case's leaf, in the entries.
func alterLeaf(s *Store, c enforce.Case, random *rand.Rand) error {
	at, bundle := c.Violation.Evidence.Leaf, c.Violation.Evidence.Leaf/layout.EntryBundleWidth
	path, err := s.newest(func(partial uint8) string { return layout.EntriesPath(bundle, partial) })
	if err != nil {
		return err
	}
	return alter(path, func(data []byte) []byte {
		offset := 0
		for range at % layout.EntryBundleWidth {
			offset += 2 + int(binary.BigEndian.Uint16(data[offset:]))
		}
		length := int(binary.BigEndian.Uint16(data[offset:]))
		data[offset+2+random.IntN(length)] ^= 1 << random.IntN(8)
		return data
	})
}

// alterHash flips a bit of the hash of a case's leaf, in the tiles.
func alterHash(s *Store, c enforce.Case, random *rand.Rand) error {
	at, tile := c.Violation.Evidence.Leaf, c.Violation.Evidence.Leaf/layout.TileWidth
	path, err := s.newest(func(partial uint8) string { return layout.TilePath(0, tile, partial) })
	if err != nil {
		return err
	}
	return alter(path, func(data []byte) []byte {
		data[int(at%layout.TileWidth)*32+random.IntN(32)] ^= 1 << random.IntN(8)
		return data
	})
}

// newest finds the fullest file of a bundle or tile.
func (s *Store) newest(path func(partial uint8) string) (string, error) {
	full := filepath.Join(s.LogDir(), path(0))
	if _, err := os.Stat(full); err == nil {
		return full, nil
	}
	for partial := layout.TileWidth - 1; partial > 0; partial-- {
		name := filepath.Join(s.LogDir(), path(uint8(partial)))
		if _, err := os.Stat(name); err == nil {
			return name, nil
		}
	}
	return "", fmt.Errorf("no file %s in any size", full)
}

// Some damages n cases at random, each in one way, and returns in which.
func (s *Store) Some(ctx context.Context, n int, random *rand.Rand) (map[string]string, error) {
	damages, damaged := Damages(), map[string]string{}
	for _, i := range random.Perm(len(s.Cases))[:n] {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		c, d := s.Cases[i], damages[random.IntN(len(damages))]
		if err := d.Do(s, c, random); err != nil {
			return nil, fmt.Errorf("damage case %s (%s): %w", c.ID, d.Name, err)
		}
		damaged[c.ID] = d.Name
	}
	return damaged, nil
}
