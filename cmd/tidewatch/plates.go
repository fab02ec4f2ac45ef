package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"

	"tidewatch/cmd/tidewatch/assets"
	"tidewatch/cmd/tidewatch/networks"
	"tidewatch/detect/model"
	"tidewatch/detect/picture"
	"tidewatch/detect/plate"
	"tidewatch/ingest/decode"
)

// platesCmd reads the number plates in still pictures.
type platesCmd struct {
	Pictures []string `arg:"" name:"picture" help:"JPEG or PNG files."`
	Crop     bool     `help:"Each picture is only a plate: read it without looking for its corners."`
	Assets   string   `placeholder:"DIR" help:"Folder with the libraries and models that set-up brought; without it TIDEWATCH_ASSETS or the user's cache."`
}

// Run prints a line for each picture on stdout. A picture that cannot be read
// does not keep the others from being.
func (c *platesCmd) Run(ctx context.Context) error {
	reader, err := networks.Plates(assets.Dir(c.Assets))
	if err != nil {
		return err
	}
	return errors.Join(c.print(ctx, reader, os.Stdout), reader.Close())
}

// pictureLine and plateLine are what is printed.
type pictureLine struct {
	Picture string      `json:"picture"`
	Plates  []plateLine `json:"plates"`
}

type plateLine struct {
	Text       string        `json:"text"`
	Kind       plate.Kind    `json:"kind"`
	Confidence float64       `json:"confidence"`
	Chars      []float64     `json:"chars"`
	Accepted   bool          `json:"accepted"`
	Corners    [4][2]float64 `json:"corners"`
}

func (c *platesCmd) print(ctx context.Context, reader *model.PlateReader, out io.Writer) error {
	lines := json.NewEncoder(out)
	lines.SetEscapeHTML(false)
	var unread []error
	for _, path := range c.Pictures {
		if err := ctx.Err(); err != nil {
			return errors.Join(append(unread, err)...)
		}
		found, err := c.read(reader, path)
		if err != nil {
			unread = append(unread, err)
			continue
		}
		line := pictureLine{Picture: path, Plates: []plateLine{}}
		for _, f := range found {
			line.Plates = append(line.Plates, newPlateLine(f))
		}
		if err := lines.Encode(line); err != nil {
			return fmt.Errorf("print plates: %w", err)
		}
	}
	return errors.Join(unread...)
}

func (c *platesCmd) read(reader *model.PlateReader, path string) ([]model.Found, error) {
	pic, err := picture.DecodeFile(path)
	if err != nil {
		return nil, err
	}
	defer pic.Close()
	found, err := c.readPicture(reader, pic)
	if err != nil {
		return nil, fmt.Errorf("read plates of %s: %w", path, err)
	}
	return found, nil
}

func (c *platesCmd) readPicture(reader *model.PlateReader, pic *decode.Picture) ([]model.Found, error) {
	if !c.Crop {
		return reader.Find(pic)
	}
	read, err := reader.ReadCrop(pic)
	return []model.Found{{Read: read, Corners: plate.Whole, Score: 1}}, err
}

func newPlateLine(f model.Found) plateLine {
	line := plateLine{
		Text: f.Text, Kind: f.Kind, Accepted: f.Accepted,
		Confidence: decimals(f.Confidence), Chars: []float64{},
	}
	for _, c := range f.Chars {
		line.Chars = append(line.Chars, decimals(c))
	}
	for i, corner := range f.Corners {
		line.Corners[i] = [2]float64{decimals(corner.X), decimals(corner.Y)}
	}
	return line
}

// decimals keeps four, less than half a pixel of a picture 4000 pixels wide.
func decimals(v float64) float64 { return math.Round(v*1e4) / 1e4 }
