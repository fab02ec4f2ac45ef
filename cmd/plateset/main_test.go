package main

import (
	"fmt"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidewatch/detect/plate"
	"tidewatch/detect/plate/draw"
)

func TestPlatesAndTheirTexts(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "plates")
	if err := (options{Dir: dir, Count: 20, Seed: 3}).run(); err != nil {
		t.Fatal(err)
	}
	list, err := os.ReadFile(filepath.Join(dir, "truth.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(list)), "\n")
	if len(lines) != 21 || lines[0] != "file\tplate\tstyle" {
		t.Fatalf("%d lines, the first %q", len(lines), lines[0])
	}
	for _, line := range lines[1:] {
		columns := strings.Split(line, "\t")
		if len(columns) != 3 || !plate.Valid(columns[1]) {
			t.Errorf("line %q has no plate's text", line)
			continue
		}
		file, err := os.Open(filepath.Join(dir, columns[0]))
		if err != nil {
			t.Fatal(err)
		}
		pic, err := png.DecodeConfig(file)
		file.Close()
		if err != nil || pic.Width < 40 || pic.Height < 15 {
			t.Errorf("%s is %dx%d, %v", columns[0], pic.Width, pic.Height, err)
		}
	}
}

func TestPlatesCutOff(t *testing.T) {
	dir := t.TempDir()
	if err := (options{Dir: dir, Count: 3, Seed: 3, Cut: 1}).run(); err != nil {
		t.Fatal(err)
	}
	list, err := os.ReadFile(filepath.Join(dir, "truth.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	first := strings.Split(strings.Split(string(list), "\n")[1], "\t")
	if n := len([]rune(first[1])); n < 4 || n > 6 {
		t.Errorf("%q is no blue plate without an end", first[1])
	}
}

func TestFontMissing(t *testing.T) {
	err := (options{Dir: t.TempDir(), Count: 1, Latin: []string{"/nowhere/face.ttf"}}).run()
	if err == nil || !strings.Contains(err.Error(), "/nowhere/face.ttf") {
		t.Errorf("got %v, want an error naming the font", err)
	}
}

func TestStencilsAndTheirTexts(t *testing.T) {
	read := func(seed uint64) map[string][]byte {
		o := options{
			Dir: filepath.Join(t.TempDir(), "plates"), Count: 60, Seed: seed, Stencils: true,
			Latin: draw.Measured.Latin, Han: draw.Measured.Han,
		}
		if err := o.run(); err != nil {
			t.Fatal(err)
		}
		files := map[string][]byte{}
		for _, name := range []string{"rows1.rgb", "rows1.tsv", "rows2.rgb", "rows2.tsv"} {
			data, err := os.ReadFile(filepath.Join(o.Dir, name))
			if err != nil {
				t.Fatal(err)
			}
			files[name] = data
		}
		return files
	}
	files, all := read(3), 0
	for rows, size := range stencilSizes {
		name := fmt.Sprintf("rows%d", rows)
		lines := strings.Split(strings.TrimSpace(string(files[name+".tsv"])), "\n")
		if got, want := len(files[name+".rgb"]), len(lines)*3*size.X*size.Y; got != want {
			t.Errorf("%s: %d bytes for %d plates, want %d", name, got, len(lines), want)
		}
		for _, line := range lines {
			columns := strings.Split(line, "\t")
			if len(columns) != 3 || !plate.Valid(columns[0]) ||
				strings.Count(columns[2], ",") != len([]rune(columns[0]))-1 {
				t.Errorf("%s: line %q has no plate's text, style and places", name, line)
			}
		}
		all += len(lines)
	}
	if all != 60 {
		t.Errorf("%d plates, want 60", all)
	}
	if !cmp.Equal(files, read(3)) {
		t.Error("one seed gave two sets of stencils")
	}
	if cmp.Equal(files, read(4)) {
		t.Error("two seeds gave one set of stencils")
	}
}
