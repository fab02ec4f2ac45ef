package main

import (
	"context"
	"errors"
	"fmt"
	"image/color"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tidewatch/cmd/tidewatch/config"
	"tidewatch/detect/picture"
	"tidewatch/enforce"
	"tidewatch/enforce/words"
	"tidewatch/ingest"
	"tidewatch/ingest/decode"
	"tidewatch/ingest/rtsp"
)

// zonesCmd groups the commands about zones.
type zonesCmd struct {
	Draw zonesDrawCmd `cmd:"" help:"Draw the zones and bays of a camera over a picture of it."`
}

// zonesDrawCmd draws what a configuration says of one camera's picture.
type zonesDrawCmd struct {
	Picture string `arg:"" optional:"" help:"JPEG or PNG file: a picture of the camera."`
	Live    bool   `help:"Take the picture from the camera itself."`
	configFlag
	Camera string `placeholder:"ID" help:"Camera of the configuration; not needed if there is only one."`
	Output string `short:"o" required:"" placeholder:"FILE" help:"JPEG file to write."`
}

// Validate is called by the command line's parser.
func (c *zonesDrawCmd) Validate() error {
	if (c.Picture == "") != c.Live {
		return errors.New("give a PICTURE or --live, and not both")
	}
	switch strings.ToLower(filepath.Ext(c.Output)) {
	case ".jpg", ".jpeg":
		return nil
	}
	return fmt.Errorf("--output %s: want a name that ends with .jpg", c.Output)
}

// Run writes the drawing.
func (c *zonesDrawCmd) Run(ctx context.Context) error {
	cfg, camera, err := c.subject()
	if err != nil {
		return err
	}
	outlines := outlinesOf(cfg, camera.ID)
	if len(outlines) == 0 {
		return fmt.Errorf("%s has no zone and no bay for camera %q", c.Config, camera.ID)
	}
	pic, err := c.shown(ctx, camera)
	if err != nil {
		return err
	}
	defer pic.Close()
	drawn, err := picture.Draw(pic, outlines)
	if err != nil {
		return err
	}
	defer drawn.Close()
	if err := writeJPEG(c.Output, drawn); err != nil {
		return err
	}
	size := drawn.Size()
	fmt.Printf("%s: %dx%d, camera %s, zones: %d, bays: %d\n", c.Output, size.X, size.Y, camera.ID,
		len(cfg.ZonesOf(camera.ID)), len(cfg.BaysOf(camera.ID)))
	return nil
}

// subject is the camera that is asked for. Its password is needed only if it is
// connected to.
func (c *zonesDrawCmd) subject() (*config.Config, ingest.Camera, error) {
	cfg, err := config.LoadDrawn(c.Config, c.Live)
	if err != nil {
		return nil, ingest.Camera{}, err
	}
	tell("drawn wrongly", cfg.Astray()...)
	noteExemptions(cfg)
	if c.Camera == "" && len(cfg.Cameras) == 1 {
		return cfg, cfg.Cameras[0], nil
	}
	var known []string
	for _, camera := range cfg.Cameras {
		if camera.ID == c.Camera {
			return cfg, camera, nil
		}
		known = append(known, camera.ID)
	}
	return nil, ingest.Camera{}, fmt.Errorf("%s: no camera %q; name one with --camera: %s", c.Config, c.Camera, strings.Join(known, ", "))
}

// zoneColours are told apart from each other and from a street.
var zoneColours = []color.RGBA{
	{R: 255, G: 221, B: 0, A: 255},
	{R: 255, G: 96, B: 208, A: 255},
	{R: 255, G: 140, B: 40, A: 255},
	{R: 170, G: 120, B: 255, A: 255},
}

// bayColour is that of all bays, which are many and lie side by side.
var bayColour = color.RGBA{R: 80, G: 220, B: 255, A: 255}

// outlinesOf are a camera's zones, and its bays over them.
func outlinesOf(cfg *config.Config, camera string) []picture.Outline {
	var outlines []picture.Outline
	for i, z := range cfg.ZonesOf(camera) {
		outlines = append(outlines, picture.Outline{Label: z.ID, Points: pointsOf(z.Polygon), Colour: zoneColours[i%len(zoneColours)]})
	}
	for _, b := range cfg.BaysOf(camera) {
		outlines = append(outlines, picture.Outline{Label: b.ID, Points: pointsOf(b.Polygon), Colour: bayColour})
	}
	return outlines
}

func pointsOf(p enforce.Polygon) [][2]float64 {
	points := make([][2]float64, len(p))
	for i, at := range p {
		points[i] = [2]float64{at.X, at.Y}
	}
	return points
}

// shown is the picture to draw over.
func (c *zonesDrawCmd) shown(ctx context.Context, camera ingest.Camera) (*decode.Picture, error) {
	if !c.Live {
		return picture.DecodeFile(c.Picture)
	}
	unit, err := firstKey(ctx, camera)
	if err != nil {
		return nil, err
	}
	pool := decode.NewPool(1, decode.NewMetrics(prometheus.NewRegistry()))
	pic, err := pool.Decode(ctx, unit)
	return pic, errors.Join(err, pool.Close())
}

// firstKey pulls a camera's main stream until a whole key unit has come. An error
// of the connection says in words what to do, and no password.
func firstKey(ctx context.Context, camera ingest.Camera) (*ingest.Unit, error) {
	ctx, done := context.WithCancel(ctx)
	defer done()
	metrics := rtsp.NewMetrics(prometheus.NewRegistry()).Stream(camera.ID, ingest.Main)
	var first *ingest.Unit
	err := rtsp.New(camera, ingest.Main, rtsp.DefaultConfig(), metrics, time.Now).Run(ctx, func(u *ingest.Unit) {
		if first == nil && u.Key && !u.Damaged {
			first = u
			done()
		}
	})
	if first == nil {
		return nil, fmt.Errorf("pull camera %q: %w", camera.ID, inWords(words.In(words.English), err))
	}
	return first, nil
}

// drawnQuality keeps thin lines and letters sharp.
const drawnQuality = 92

func writeJPEG(path string, pic *decode.Picture) error {
	data, err := picture.EncodeJPEG(pic, drawnQuality)
	if err != nil {
		return err
	}
	if err := os.WriteFile(path, data, 0o640); err != nil {
		return fmt.Errorf("write the drawing: %w", err)
	}
	return nil
}
