package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"image/png"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"

	"tidewatch/cmd/tidewatch/assets"
	"tidewatch/cmd/tidewatch/networks"
	"tidewatch/detect"
	"tidewatch/detect/model"
	"tidewatch/detect/picture"
	"tidewatch/detect/plate"
	"tidewatch/detect/plate/draw"
	"tidewatch/ingest/decode"
)

// tally counts what became of plates. A read that was not accepted is unread,
// whatever its hint says.
type tally struct{ exact, wrong, unread int }

func (t *tally) add(others tally) {
	t.exact += others.exact
	t.wrong += others.wrong
	t.unread += others.unread
}

func (t tally) all() float64 { return float64(max(1, t.exact+t.wrong+t.unread)) }

// note counts one picture by the texts that were accepted in it. A wrong one
// outweighs a right one beside it.
func (t *tally) note(truth string, accepted ...string) {
	found := tally{unread: 1}
	for _, text := range accepted {
		if text != truth {
			found = tally{wrong: 1}
			break
		}
		found = tally{exact: 1}
	}
	t.add(found)
}

// measureReal measures how often plates in pictures are read, where the folder
// exists.
func measureReal(ctx context.Context, opts options, out io.Writer, answer map[string]float64) error {
	if _, err := os.Stat(opts.Plates); errors.Is(err, fs.ErrNotExist) {
		fmt.Fprintf(os.Stderr, "no real plates are measured: there is no folder %s\n", opts.Plates)
		return nil
	} else if err != nil {
		return err
	}
	return measureWith(opts, out, answer, func(p plateBench) error { return p.real(ctx, opts.Plates) })
}

// measureDrawn measures how often drawn plates of every kind are read.
func measureDrawn(ctx context.Context, opts options, out io.Writer, answer map[string]float64) error {
	return measureWith(opts, out, answer, func(p plateBench) error { return p.drawn(ctx) })
}

func measureWith(opts options, out io.Writer, answer map[string]float64, rows func(plateBench) error) error {
	reader, err := networks.Plates(assets.Dir(opts.Assets))
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%-38s %5s %8s %8s %8s\n", "plates", "of", "exact", "wrong", "unread")
	return errors.Join(rows(plateBench{reader: reader, answer: answer, out: out}), reader.Close())
}

type plateBench struct {
	reader *model.PlateReader
	out    io.Writer
	answer map[string]float64
}

// row prints what was counted, wrong being what was accepted and is not so, and
// adds it to the answer under a key.
func (p plateBench) row(name, key string, t tally) {
	fmt.Fprintf(p.out, "%-38s %5.0f %6.1f %% %6.1f %% %6.1f %%\n", name, t.all(),
		100*float64(t.exact)/t.all(), 100*float64(t.wrong)/t.all(), 100*float64(t.unread)/t.all())
	if key != "" {
		p.answer[key+"_exact"] = float64(t.exact) / t.all()
		p.answer[key+"_wrong_valid"] = float64(t.wrong) / t.all()
	}
}

// real measures the folder's crops and scenes.
func (p plateBench) real(ctx context.Context, dir string) error {
	for _, set := range []struct {
		name, list, key string
		read            func(path string) ([]string, error)
	}{
		{"real crops", "truth.tsv", "crops", p.crop(detect.Box{W: 1, H: 1})},
		{"real crops, first character cut off", "truth.tsv", "", p.crop(detect.Box{X: endShare, W: 1 - endShare, H: 1})},
		{"real crops, last character cut off", "truth.tsv", "", p.crop(detect.Box{W: 1 - endShare, H: 1})},
		{"real scenes", "scenes.tsv", "scenes", p.scene},
	} {
		samples, err := readList(filepath.Join(dir, set.list))
		if err != nil {
			return err
		}
		var t tally
		for _, s := range samples {
			if err := ctx.Err(); err != nil {
				return err
			}
			texts, err := set.read(filepath.Join(dir, s.file))
			if err != nil {
				return err
			}
			truth := s.text
			if set.key == "" {
				truth = "" // whatever is read of the rest is made up
			}
			t.note(truth, texts...)
		}
		p.row(set.name, set.key, t)
	}
	return nil
}

// sample is a picture and the text of its plate, and where it is, if told: its
// left, upper, right and lower edge in pixels.
type sample struct{ file, text, box string }

// readList reads the first two columns and the fourth one, if there is one, of a
// table with a line of headings.
func readList(path string) ([]sample, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read list of plates: %w", err)
	}
	var samples []sample
	lines := bufio.NewScanner(bytes.NewReader(data))
	for n := 0; lines.Scan(); n++ {
		columns := strings.Split(lines.Text(), "\t")
		if len(columns) < 2 {
			return nil, fmt.Errorf("read list of plates %s: line %d has no second column", path, n+1)
		}
		if n == 0 {
			continue
		}
		s := sample{file: columns[0], text: columns[1]}
		if len(columns) > 3 {
			s.box = columns[3]
		}
		samples = append(samples, s)
	}
	return samples, lines.Err()
}

// endShare of a crop's width holds its first or last character.
const endShare = 0.15

// crop reads a part of a picture that is only a plate.
func (p plateBench) crop(part detect.Box) func(path string) ([]string, error) {
	return func(path string) ([]string, error) {
		whole, err := picture.DecodeFile(path)
		if err != nil {
			return nil, err
		}
		defer whole.Close()
		pic, err := picture.Crop(whole, part, 0)
		if err != nil {
			return nil, err
		}
		defer pic.Close()
		read, err := p.reader.ReadCrop(pic)
		return accepted(read), err
	}
}

func (p plateBench) scene(path string) ([]string, error) {
	pic, err := picture.DecodeFile(path)
	if err != nil {
		return nil, err
	}
	defer pic.Close()
	return p.read(pic)
}

// read are the texts that are accepted in a picture.
func (p plateBench) read(pic *decode.Picture) ([]string, error) {
	found, err := p.reader.Find(pic)
	if err != nil {
		return nil, err
	}
	var texts []string
	for _, f := range found {
		texts = append(texts, accepted(f.Read)...)
	}
	return texts, nil
}

const (
	// drawnOfStyle is how many plates of each style are drawn, stopsOfStyle how
	// many are seen several times, as those of vehicles that stand.
	drawnOfStyle = 40
	stopsOfStyle = 8
	looksOfStop  = 5
	drawnSeed    = 20260601
)

// drawn measures plates that nobody has: by style, with an end cut off, which
// must not be taken for whole ones, and seen several times.
func (p plateBench) drawn(ctx context.Context) error {
	var all, cut, stops tally
	for i, style := range draw.Styles {
		d, err := p.drawer(uint64(i))
		if err != nil {
			return err
		}
		whole, err := d.whole(ctx, style, &cut)
		if err != nil {
			return err
		}
		p.row("drawn, "+style.Name, "", whole)
		all.add(whole)
		if err := d.stops(ctx, style, &stops); err != nil {
			return err
		}
	}
	p.row("drawn, all", "synthetic", all)
	p.row("drawn, an end cut off", "", cut)
	p.row(fmt.Sprintf("drawn, vote of %d looks", looksOfStop), "", stops)
	return nil
}

// drawer draws plates and has them read.
type drawer struct {
	plateBench
	fonts  *draw.Fonts
	random *rand.Rand
}

// drawer draws by the nth row of random numbers.
func (p plateBench) drawer(n uint64) (drawer, error) {
	fonts, err := draw.Open(draw.Measured)
	if err != nil {
		return drawer{}, fmt.Errorf("%w (make setup-test brings the fonts)", err)
	}
	return drawer{p, fonts, rand.New(rand.NewPCG(drawnSeed, n))}, nil
}

// whole reads plates of a style, and counts apart what becomes of them with an
// end cut off.
func (d drawer) whole(ctx context.Context, style draw.Style, cut *tally) (whole tally, err error) {
	for range drawnOfStyle {
		if err := ctx.Err(); err != nil {
			return whole, err
		}
		drawn, look := style.Random(d.random), draw.Street(d.random)
		read, err := d.read(drawn, look)
		if err != nil {
			return whole, err
		}
		whole.note(drawn.Text, accepted(read)...)
		if !style.CanBeCut() {
			continue
		}
		shorter, _ := look.Cut(d.random, drawn)
		if read, err = d.read(drawn, shorter); err != nil {
			return whole, err
		}
		cut.note("", accepted(read)...)
	}
	return whole, nil
}

// stops reads each plate several times and counts what the vote says.
func (d drawer) stops(ctx context.Context, style draw.Style, t *tally) error {
	for range stopsOfStyle {
		drawn := style.Random(d.random)
		var reads []plate.Read
		for range looksOfStop {
			read, err := d.read(drawn, draw.Street(d.random))
			if err := errors.Join(err, ctx.Err()); err != nil {
				return err
			}
			reads = append(reads, read)
		}
		t.note(drawn.Text, accepted(plate.Vote(reads))...)
	}
	return nil
}

func (d drawer) read(drawn draw.Plate, look draw.Look) (plate.Read, error) {
	flat, err := d.fonts.Draw(d.random, drawn)
	if err != nil {
		return plate.Read{}, err
	}
	seen, err := draw.See(flat, look)
	if err != nil {
		return plate.Read{}, err
	}
	var file bytes.Buffer
	if err := png.Encode(&file, seen); err != nil {
		return plate.Read{}, fmt.Errorf("hand over drawn plate: %w", err)
	}
	pic, err := picture.Decode(file.Bytes())
	if err != nil {
		return plate.Read{}, err
	}
	defer pic.Close()
	return d.reader.ReadCrop(pic)
}

// accepted is the text of a read, if it was accepted.
func accepted(read plate.Read) []string {
	if !read.Accepted {
		return nil
	}
	return []string{read.Text}
}
