package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	imagedraw "image/draw"
	_ "image/jpeg" // scenes are
	"image/png"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"tidewatch/detect/picture"
	"tidewatch/detect/plate"
	"tidewatch/detect/plate/draw"
)

// covers are what lies over the ends of real plates: mud, green paint, and
// something dark.
var covers = []color.RGBA{{0x6b, 0x6a, 0x66, 0xff}, {0x20, 0xa0, 0x50, 0xff}, {0x11, 0x11, 0x11, 0xff}}

// leastCovered and mostCovered are from what percentage of a plate's width to
// what an end is covered.
const leastCovered, mostCovered = 5, 16

// measureCovered measures what becomes of plates of which an end is covered:
// accepted as they are, as others, or not.
func measureCovered(ctx context.Context, opts options, out io.Writer, answer map[string]float64) error {
	return measureWith(opts, out, answer, func(p plateBench) error {
		if _, err := os.Stat(opts.Plates); err == nil {
			if err := p.coveredScenes(ctx, opts.Plates); err != nil {
				return err
			}
		} else if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return errors.Join(p.coveredDrawn(ctx), p.provinces(ctx))
	})
}

// coveredScenes covers the last character of each green plate among the scenes,
// in small steps.
func (p plateBench) coveredScenes(ctx context.Context, dir string) error {
	samples, err := readList(filepath.Join(dir, "scenes.tsv"))
	if err != nil {
		return err
	}
	var t tally
	for _, s := range samples {
		if len([]rune(s.text)) != 8 {
			continue
		}
		for percent := leastCovered; percent <= mostCovered; percent++ {
			for _, cover := range covers {
				texts, err := p.coveredScene(filepath.Join(dir, s.file), s.box, percent, cover)
				if err := errors.Join(err, ctx.Err()); err != nil {
					return err
				}
				t.note(s.text, texts...)
			}
		}
	}
	p.row("real green scenes, last one covered", "covered_scenes", t)
	return nil
}

func (p plateBench) coveredScene(path, box string, percent int, cover color.RGBA) ([]string, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	scene, _, err := image.Decode(file)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	var at [4]int
	for i, side := range strings.SplitN(box, ",", len(at)) {
		if at[i], err = strconv.Atoi(side); err != nil {
			return nil, fmt.Errorf("box of the plate in %s: %w", path, err)
		}
	}
	cut := (at[2] - at[0]) * percent / 100
	covered := image.NewRGBA(scene.Bounds())
	imagedraw.Draw(covered, covered.Bounds(), scene, scene.Bounds().Min, imagedraw.Src)
	imagedraw.Draw(covered, image.Rect(at[2]-cut, at[1]-2, at[2]+6, at[3]+2), image.NewUniform(cover), image.Point{}, imagedraw.Src)
	var encoded bytes.Buffer
	if err := png.Encode(&encoded, covered); err != nil {
		return nil, fmt.Errorf("cover %s: %w", path, err)
	}
	pic, err := picture.Decode(encoded.Bytes())
	if err != nil {
		return nil, err
	}
	defer pic.Close()
	return p.read(pic)
}

// coveredOfStyle is how many plates of each style are drawn with an end
// covered, and provincesOfKind how many of each province at each kind of look.
const coveredOfStyle, provincesOfKind = 12, 2

// coveredDrawn covers an end of drawn plates of every style.
func (p plateBench) coveredDrawn(ctx context.Context) error {
	d, err := p.drawer(1)
	if err != nil {
		return err
	}
	ends := map[draw.End]*tally{draw.First: {}, draw.Last: {}}
	for _, style := range draw.Styles {
		for i := range coveredOfStyle {
			end := draw.End(i%3 > 0)
			drawn, look := style.Random(d.random), draw.Street(d.random)
			look.Covers = []draw.Cover{drawn.CoverEnd(d.random, end, coveredShare(d.random))}
			read, err := d.read(drawn, look)
			if err := errors.Join(err, ctx.Err()); err != nil {
				return err
			}
			ends[end].note(drawn.Text, accepted(read)...)
		}
	}
	p.row("drawn, the first one covered", "covered_first", *ends[draw.First])
	p.row("drawn, the last one covered", "covered_last", *ends[draw.Last])
	return nil
}

func coveredShare(random *rand.Rand) float64 {
	return (leastCovered + random.Float64()*(mostCovered-leastCovered)) / 100
}

// provinces draws plates of each province: as cameras see them, small, blurred,
// and with a part of the province covered, once and in five looks at the same.
func (p plateBench) provinces(ctx context.Context) error {
	for i, kind := range []struct {
		name, key string
		looks     int
		change    func(*rand.Rand, draw.Plate, *draw.Look)
	}{
		{"drawn, each province, fair", "provinces", 1, func(*rand.Rand, draw.Plate, *draw.Look) {}},
		{"the same, small", "provinces_small", 1, func(random *rand.Rand, _ draw.Plate, look *draw.Look) {
			look.Width = 50 + random.IntN(25)
		}},
		{"the same, blurred", "provinces_blurred", 1, func(random *rand.Rand, _ draw.Plate, look *draw.Look) {
			look.Blur = float64(look.Width) / 440 * (3 + 3*random.Float64())
		}},
		{"the same, province partly covered", "provinces_covered", 1, coverProvince},
		{"the same, vote of 5 looks at one view", "provinces_vote", looksOfStop, coverProvince},
	} {
		d, err := p.drawer(2 + uint64(i))
		if err != nil {
			return err
		}
		var t tally
		for n := range len(plate.Provinces()) * provincesOfKind {
			drawn := d.ofProvince(n)
			look := draw.Street(d.random)
			kind.change(d.random, drawn, &look)
			var reads []plate.Read
			for range kind.looks {
				read, err := d.read(drawn, look.Again(d.random))
				if err := errors.Join(err, ctx.Err()); err != nil {
					return err
				}
				reads = append(reads, read)
			}
			t.note(drawn.Text, accepted(plate.Vote(reads))...)
		}
		p.row(kind.name, kind.key, t)
	}
	return nil
}

func coverProvince(random *rand.Rand, drawn draw.Plate, look *draw.Look) {
	look.Covers = []draw.Cover{drawn.CoverEnd(random, draw.First, 0.05+0.06*random.Float64())}
}

// ofProvince is a plate of the nth province, blue, green or yellow.
func (d drawer) ofProvince(n int) draw.Plate {
	provinces := plate.Provinces()
	drawn := draw.Styles[[]int{0, 1, 3}[n%3]].Random(d.random)
	text := []rune(drawn.Text)
	text[0] = provinces[n%len(provinces)]
	drawn.Text = string(text)
	return drawn
}
