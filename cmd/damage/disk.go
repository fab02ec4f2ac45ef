package main

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// disk is a data folder as it was, with an older copy of it.
type disk struct {
	dir, older string
	kinds      map[string][]string // files, under the folder, by what they are
	areas      map[string][]string // kinds, by the folder that they are in
}

func newDisk(dir, older, only string) (*disk, error) {
	d := &disk{dir: dir, older: older, kinds: map[string][]string{}, areas: map[string][]string{}}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if kind := kindOf(name); err == nil && strings.Contains(kind, only) {
			d.kinds[kind] = append(d.kinds[kind], name)
		}
		return err
	})
	if len(d.kinds) == 0 {
		err = errors.Join(err, errors.New("there is nothing to damage"))
	}
	for _, kind := range sorted(d.kinds) {
		area, _, _ := strings.Cut(kind, "/")
		d.areas[area] = append(d.areas[area], kind)
	}
	return d, err
}

// numbers are the parts of names that tell files of a kind apart.
var numbers = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{16,}|[0-9]+(_[0-9]+)*|/[0-9a-f]{2,3}/|/x?[0-9]{3}/|street[0-9]+`)

// kindOf is what a file is, by its name.
func kindOf(name string) string {
	dir, file := filepath.Split(name)
	if strings.HasPrefix(name, "files/") {
		return "files/#"
	}
	dir = numbers.ReplaceAllString(strings.TrimSuffix(dir, "/"), "#")
	file = numbers.ReplaceAllString(file, "#")
	if strings.HasPrefix(file, "#.stop") || strings.Contains(file, ".stop") && strings.HasPrefix(dir, "stops") && file != "stops.index" {
		file = "#.stop"
	}
	return regexp.MustCompile(`#[#/_-]*`).ReplaceAllString(filepath.Join(dir, file), "#")
}

func (d *disk) String() string {
	var lines []string
	files := 0
	for _, kind := range slices.Sorted(maps.Keys(d.kinds)) {
		lines = append(lines, fmt.Sprintf("%6d %s", len(d.kinds[kind]), kind))
		files += len(d.kinds[kind])
	}
	return fmt.Sprintf("its data folder has %d files of %d kinds:\n%s", files, len(d.kinds), strings.Join(lines, "\n"))
}

// copy makes a copy to be damaged. Evidence is never written to, so that it is
// linked.
func (d *disk) copy(to string) error {
	return filepath.WalkDir(d.dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(d.dir, path)
		if err != nil {
			return err
		}
		info, err := entry.Info()
		switch {
		case err != nil:
			return err
		case entry.IsDir():
			return os.MkdirAll(filepath.Join(to, name), info.Mode().Perm())
		case entry.Type()&fs.ModeSymlink != 0:
			target, err := os.Readlink(path)
			if err != nil {
				return err
			}
			return os.Symlink(target, filepath.Join(to, name))
		case !entry.Type().IsRegular():
			return nil
		case strings.HasPrefix(name, "files/"):
			return os.Link(path, filepath.Join(to, name))
		}
		return rewrite(path, filepath.Join(to, name), info.Mode().Perm())
	})
}

func rewrite(from, to string, mode fs.FileMode) error {
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return replace(to, text, mode)
}

// replace puts a new file in the place of another, which may be a link.
func replace(path string, text []byte, mode fs.FileMode) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.WriteFile(path, text, mode)
}
