package main

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
)

// way is one of doing damage to a file. It returns the file's new content, nil
// to remove it, and how it is called.
type way func(r *rand.Rand, d *disk, name string, text []byte) (damaged []byte, how string, err error)

// ways are those that a disk, a power cut, a restored backup and a person have.
var ways = []way{flipBit, spoil, cut, empty, grow, remove, zeros, noise, another, older}

var errNothing = errors.New("nothing to damage in this way")

func flipBit(r *rand.Rand, _ *disk, _ string, text []byte) ([]byte, string, error) {
	if len(text) == 0 {
		return nil, "", errNothing
	}
	at, bit := r.IntN(len(text)), r.IntN(8)
	text[at] ^= 1 << bit
	return text, fmt.Sprintf("bit %d of byte %d of %d is flipped", bit, at, len(text)), nil
}

func spoil(r *rand.Rand, _ *disk, _ string, text []byte) ([]byte, string, error) {
	if len(text) < 8 {
		return nil, "", errNothing
	}
	at := r.IntN(len(text) - 7)
	long := min(8<<r.IntN(8), len(text)-at)
	before := slices.Clone(text)
	for i := range long {
		text[at+i] = byte(r.Uint32())
	}
	return text, fmt.Sprintf("%d bytes from byte %d of %d are spoilt", long, at, len(text)), same(before, text)
}

func cut(r *rand.Rand, _ *disk, _ string, text []byte) ([]byte, string, error) {
	if len(text) < 2 {
		return nil, "", errNothing
	}
	at := 1 + r.IntN(len(text)-1)
	return text[:at], fmt.Sprintf("cut after byte %d of %d", at, len(text)), nil
}

func empty(_ *rand.Rand, _ *disk, _ string, text []byte) ([]byte, string, error) {
	return []byte{}, "emptied", same(text, nil)
}

func grow(r *rand.Rand, _ *disk, _ string, text []byte) ([]byte, string, error) {
	long := 1 + r.IntN(4096)
	return append(text, random(r, long)...), fmt.Sprintf("%d bytes are added to %d", long, len(text)), nil
}

func remove(*rand.Rand, *disk, string, []byte) ([]byte, string, error) { return nil, "removed", nil }

func zeros(_ *rand.Rand, _ *disk, _ string, text []byte) ([]byte, string, error) {
	zeroed := make([]byte, len(text))
	return zeroed, "all zeros", same(text, zeroed)
}

func noise(r *rand.Rand, _ *disk, _ string, text []byte) ([]byte, string, error) {
	return random(r, len(text)), "random bytes", same(text, nil)
}

func another(r *rand.Rand, d *disk, name string, text []byte) ([]byte, string, error) {
	kind := d.kinds[kindOf(name)]
	other := kind[r.IntN(len(kind))]
	got, err := os.ReadFile(filepath.Join(d.dir, other))
	return got, "replaced by " + other, errors.Join(err, same(text, got))
}

func older(_ *rand.Rand, d *disk, name string, text []byte) ([]byte, string, error) {
	got, err := os.ReadFile(filepath.Join(d.older, name))
	if err != nil {
		err = errNothing
	}
	return got, "replaced by an older copy", errors.Join(err, same(text, got))
}

// same fails where damage would change nothing.
func same(before, after []byte) error {
	if bytes.Equal(before, after) {
		return errNothing
	}
	return nil
}

func random(r *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// damage does one damage to a copy of the disk, at random: an area, a kind of
// file in it, one of that kind, and a way. Now and then it takes a whole folder
// away.
func (d *disk) damage(r *rand.Rand, in string) (name, how string, err error) {
	areas := sorted(d.areas)
	for {
		kinds := d.areas[areas[r.IntN(len(areas))]]
		kind := d.kinds[kinds[r.IntN(len(kinds))]]
		name = kind[r.IntN(len(kind))]
		path := filepath.Join(in, name)
		if folder := filepath.Dir(name); r.IntN(20) == 0 && filepath.Dir(folder) != "." {
			return name, "its folder is removed", os.RemoveAll(filepath.Join(in, folder))
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return name, "", err
		}
		damaged, how, err := ways[r.IntN(len(ways))](r, d, name, text)
		switch {
		case errors.Is(err, errNothing):
			continue
		case err != nil:
			return name, how, err
		case damaged == nil:
			return name, how, os.Remove(path)
		}
		info, err := os.Stat(path)
		if err != nil {
			return name, how, err
		}
		return name, how, replace(path, damaged, info.Mode().Perm())
	}
}
