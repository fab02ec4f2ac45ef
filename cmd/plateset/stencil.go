package main

import (
	"bufio"
	"errors"
	"fmt"
	"image"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"sync"

	xdraw "golang.org/x/image/draw"

	"tidewatch/detect/plate/draw"
)

// stencilSizes are the sizes, by rows of characters, that stencils are brought
// to: about two pixels for a pixel of what a reader gets.
var stencilSizes = map[int]image.Point{1: image.Pt(224, 72), 2: image.Pt(224, 112)}

// oftener is how many times as often as others some styles are drawn: what
// streets are full of, and what is hard to read. Without it, a reader would see
// 粤, which all plates of Hong Kong and Macao have, five times too often.
var oftener = map[string]int{
	"blue": 4, "green small": 3, "green large": 2, "yellow": 2, "yellow two rows": 2,
	"coach": 2, "trailer": 2, "police": 2,
}

// stencilStyles are the styles in the order in which they are drawn.
func stencilStyles() []draw.Style {
	var styles []draw.Style
	for _, s := range draw.Styles {
		for range max(1, oftener[s.Name]) {
			styles = append(styles, s)
		}
	}
	return styles
}

// stencils writes what plates are made of, without colours and street: rows1.rgb
// and rows2.rgb hold one picture after the other, three bytes a pixel, and
// rows1.tsv and rows2.tsv their texts, styles, and from where to where of the
// width each character goes. What a camera makes of them is
// for the training to choose, each time anew.
func (o options) stencils(fonts *draw.Fonts) error {
	if err := os.MkdirAll(o.Dir, 0o750); err != nil {
		return fmt.Errorf("make folder of plates: %w", err)
	}
	var failed []error
	for rows := range stencilSizes {
		failed = append(failed, o.stencilsOf(fonts, rows))
	}
	return errors.Join(failed...)
}

func (o options) stencilsOf(fonts *draw.Fonts, rows int) error {
	var plates []draw.Plate
	styles := stencilStyles()
	for i := range o.Count {
		if style := styles[i%len(styles)]; style.Rows() == rows {
			plates = append(plates, style.Random(rand.New(rand.NewPCG(o.Seed, uint64(i)))))
		}
	}
	size := stencilSizes[rows]
	bytes := 3 * size.X * size.Y
	pixels := make([]byte, bytes*len(plates))
	err := inParallel(len(plates), func(i int) error {
		flat, err := fonts.Stencil(rand.New(rand.NewPCG(o.Seed+1, uint64(i))), plates[i])
		if err == nil {
			shrink(flat, size, pixels[i*bytes:(i+1)*bytes])
		}
		return err
	})
	if err != nil {
		return err
	}
	name := filepath.Join(o.Dir, fmt.Sprintf("rows%d", rows))
	return errors.Join(os.WriteFile(name+".rgb", pixels, 0o640), writeTexts(name+".tsv", plates))
}

// inParallel does n things on all cores. What comes out does not depend on how
// many there are.
func inParallel(n int, do func(i int) error) error {
	cores := runtime.GOMAXPROCS(0)
	failed := make([]error, cores)
	var all sync.WaitGroup
	for core := range cores {
		all.Go(func() {
			for i := core; i < n && failed[core] == nil; i += cores {
				failed[core] = do(i)
			}
		})
	}
	all.Wait()
	return errors.Join(failed...)
}

func shrink(flat *image.RGBA, size image.Point, to []byte) {
	small := image.NewRGBA(image.Rectangle{Max: size})
	xdraw.BiLinear.Scale(small, small.Bounds(), flat, flat.Bounds(), xdraw.Src, nil)
	for i := range size.X * size.Y {
		copy(to[3*i:3*i+3], small.Pix[4*i:])
	}
}

func writeTexts(path string, plates []draw.Plate) error {
	file, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("write texts of plates: %w", err)
	}
	lines := bufio.NewWriter(file)
	for _, p := range plates {
		fmt.Fprintf(lines, "%s\t%s\t", p.Text, p.Style.Name)
		for i, place := range p.Style.Places() {
			if i > 0 {
				fmt.Fprint(lines, ",")
			}
			fmt.Fprintf(lines, "%.4f:%.4f", place[0], place[1])
		}
		fmt.Fprintln(lines)
	}
	return errors.Join(lines.Flush(), file.Close())
}
