// Command plateset writes pictures of number plates that nobody has, with
// their texts, for training readers and for looking at what the measurements
// see: crops as PNG files and truth.tsv (file, text, style).
package main

import (
	"bufio"
	"fmt"
	"image/png"
	"math/rand/v2"
	"os"
	"path/filepath"

	"github.com/alecthomas/kong"

	"tidewatch/detect/plate/draw"
)

type options struct {
	Dir   string   `arg:"" help:"Folder to write to; it is made."`
	Count int      `default:"300" help:"Number of plates, of each style as many."`
	Seed  uint64   `default:"1" help:"The same seed gives the same pictures."`
	Cut   float64  `help:"Share of plates with an end cut off; the text is what is left."`
	Latin []string `placeholder:"FILE" help:"Fonts for letters and digits; without them those that plates for measuring are drawn in."`
	Han   []string `placeholder:"FILE" help:"Fonts for Chinese characters."`

	Stencils bool `help:"Write stencils for training instead, in the fonts for that: rows1.rgb, rows2.rgb, and their texts."`
}

func main() {
	var o options
	kong.Parse(&o, kong.Description("Draw number plates that nobody has."))
	if err := o.run(); err != nil {
		fmt.Fprintln(os.Stderr, "plateset:", err)
		os.Exit(1)
	}
}

func (o options) run() error {
	files := draw.Measured
	if o.Stencils {
		files = draw.Trained
	}
	if len(o.Latin) > 0 {
		files.Latin = o.Latin
	}
	if len(o.Han) > 0 {
		files.Han = o.Han
	}
	fonts, err := draw.Open(files)
	if err != nil {
		return err
	}
	if o.Stencils {
		return o.stencils(fonts)
	}
	if err := os.MkdirAll(filepath.Join(o.Dir, "crops"), 0o750); err != nil {
		return fmt.Errorf("make folder of plates: %w", err)
	}
	list, err := os.Create(filepath.Join(o.Dir, "truth.tsv"))
	if err != nil {
		return fmt.Errorf("write plates: %w", err)
	}
	defer list.Close()
	lines := bufio.NewWriter(list)
	fmt.Fprintln(lines, "file\tplate\tstyle")
	random := rand.New(rand.NewPCG(o.Seed, 0))
	for i := range o.Count {
		name := fmt.Sprintf("crops/%06d.png", i)
		p := draw.Styles[i%len(draw.Styles)].Random(random)
		look, text := draw.Street(random), p.Text
		if random.Float64() < o.Cut {
			look, text = look.Cut(random, p)
		}
		if err := write(filepath.Join(o.Dir, name), fonts, random, p, look); err != nil {
			return err
		}
		fmt.Fprintf(lines, "%s\t%s\t%s\n", name, text, p.Style.Name)
	}
	return lines.Flush()
}

func write(path string, fonts *draw.Fonts, random *rand.Rand, p draw.Plate, look draw.Look) error {
	flat, err := fonts.Draw(random, p)
	if err != nil {
		return err
	}
	seen, err := draw.See(flat, look)
	if err != nil {
		return err
	}
	file, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("write plate: %w", err)
	}
	defer file.Close()
	if err := (&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(file, seen); err != nil {
		return fmt.Errorf("write plate %s: %w", path, err)
	}
	return file.Close()
}
