package model

import (
	"cmp"
	"errors"
	"fmt"
	"image"
	"math"
	"os"
	"slices"

	"gocv.io/x/gocv"

	"tidewatch/detect"
	"tidewatch/detect/picture"
	"tidewatch/detect/plate"
	"tidewatch/ingest/decode"
)

const (
	// vehicleMargin widens a vehicle's box before its plate is looked for, as
	// a share of its sides: detectors like to cut bumpers off.
	vehicleMargin = 0.08
	// vehicleLeast and vehicleMost bound the longer side of a vehicle at the
	// network's input, in pixels. A plate is about a third to a quarter of its
	// vehicle's width and is found best at 60-200 pixels.
	vehicleLeast, vehicleMost = 320, 800
	// sceneMost bounds the longer side of a whole picture.
	sceneMost = 2560
)

// Found is one plate in a picture.
type Found struct {
	plate.Read
	Corners plate.Corners
	Score   float64 // 0..1, that a plate is there
}

// PlateReader finds plates and reads them. It is safe for concurrent use.
type PlateReader struct {
	corners *cornerNetwork
	readers [3]*textNetwork // the second is the better one, the third our own
}

// PlateModels are the names of the files by which plates are read, beside
// OwnPlateReader.
func PlateModels() []string { return []string{cornersModel, textA.model, textB.model} }

// NewPlateReader loads the networks; find gives the path of a model's file by
// its name. Open must have succeeded before.
func NewPlateReader(find func(name string) (path string, err error)) (*PlateReader, error) {
	r := &PlateReader{}
	err := r.load(func(name string) ([]byte, error) {
		path, err := find(name)
		if err != nil {
			return nil, err
		}
		return os.ReadFile(path)
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("load plate models: %w", err), r.Close())
	}
	return r, nil
}

func (r *PlateReader) load(file func(name string) ([]byte, error)) error {
	onnx, err := file(cornersModel)
	if err != nil {
		return err
	}
	if r.corners, err = newCornerNetwork(onnx); err != nil {
		return err
	}
	for i, family := range []textFamily{textA, textB} {
		onnx, err := file(family.model)
		if err != nil {
			return err
		}
		dictionary, err := file(family.dictionary)
		if err != nil {
			return err
		}
		if r.readers[i], err = newTextNetwork(family, onnx, dictionary); err != nil {
			return err
		}
	}
	r.readers[2], err = newTextNetwork(ownText, ownWeights, nil)
	return err
}

// Close frees the networks.
func (r *PlateReader) Close() error {
	var errs []error
	if r.corners != nil {
		errs = append(errs, r.corners.network.Close())
	}
	for _, text := range r.readers {
		if text != nil {
			errs = append(errs, text.network.Close())
		}
	}
	return errors.Join(errs...)
}

// Legible reports whether a plate may be read on a vehicle that is so many
// pixels wide.
func (r *PlateReader) Legible(vehicleWidth float64) bool {
	return vehicleWidth >= leastVehicle*legibleWidth
}

// Read reads the plate of the vehicle in box. It is zero when no plate shows.
func (r *PlateReader) Read(pic *decode.Picture, box detect.Box) (plate.Read, error) {
	vehicle, err := picture.Crop(pic, box, vehicleMargin)
	if err != nil {
		return plate.Read{}, fmt.Errorf("read plate: %w", err)
	}
	defer vehicle.Close()
	plates, err := r.search(vehicle, min(max(longerSide(vehicle), vehicleLeast), vehicleMost))
	if err != nil || len(plates) == 0 {
		return plate.Read{}, err
	}
	own := slices.MaxFunc(plates, func(a, b foundPlate) int {
		return cmp.Compare(a.likeness(), b.likeness())
	})
	found, err := r.readAt(vehicle, own)
	if found.Text != "" {
		found.Read.Corners = outside(found.Corners, picture.Area(pic.Size(), box, vehicleMargin), pic.Size())
	}
	return found.Read, err
}

// outside brings corners in a part of a picture to the whole one.
func outside(corners plate.Corners, part image.Rectangle, whole image.Point) plate.Corners {
	for i, c := range corners {
		corners[i] = plate.Point{
			X: (float64(part.Min.X) + c.X*float64(part.Dx())) / float64(whole.X),
			Y: (float64(part.Min.Y) + c.Y*float64(part.Dy())) / float64(whole.Y),
		}
	}
	return corners
}

// likeness is how much a plate in a vehicle's crop is likely that vehicle's
// own: plates of neighbours show at the edges, lettering on the body high up.
func (p foundPlate) likeness() float64 {
	center := p.corners.Center()
	aside := min(math.Abs(center.X-0.5)*2, 1)
	low := min(max(center.Y, 0), 1)
	return p.score * (1 - 0.5*aside) * (0.5 + 0.5*low)
}

// Find reads all plates of a picture, the surest to be plates first. What no
// plate's text can be made of is left out.
func (r *PlateReader) Find(pic *decode.Picture) ([]Found, error) {
	if err := checkPicture(pic); err != nil {
		return nil, fmt.Errorf("find plates: %w", err)
	}
	side := min(longerSide(pic), sceneMost)
	plates, err := r.search(pic, side)
	if err == nil && len(plates) == 0 {
		plates, err = r.search(pic, otherScale(side))
	}
	if err != nil {
		return nil, err
	}
	var all []Found
	for _, p := range plates {
		found, err := r.readAt(pic, p)
		if err != nil {
			return nil, err
		}
		if found.Text != "" {
			all = append(all, found)
		}
	}
	return all, nil
}

// otherScale is the second try at a picture without plates: in a small one
// they may be too small, in a large one too large.
func otherScale(side int) int {
	if side <= sceneMost/2 {
		return 2 * side
	}
	return side / 2
}

// search finds plates in a picture whose longer side is brought to that many
// pixels first.
func (r *PlateReader) search(pic *decode.Picture, side int) ([]foundPlate, error) {
	size := pic.Size()
	if side == longerSide(pic) {
		return r.corners.find(pic.Mat)
	}
	scale := float64(side) / float64(longerSide(pic))
	scaled := gocv.NewMat()
	defer scaled.Close()
	gocv.Resize(pic.Mat, &scaled, image.Pt(
		max(1, int(math.Round(float64(size.X)*scale))),
		max(1, int(math.Round(float64(size.Y)*scale))),
	), 0, 0, gocv.InterpolationLinear)
	return r.corners.find(scaled)
}

func longerSide(pic *decode.Picture) int { return max(pic.Size().X, pic.Size().Y) }

// checkPicture makes sure that OpenCV will take a picture.
func checkPicture(pic *decode.Picture) error {
	if pic == nil || pic.Mat.Ptr() == nil || pic.Mat.Empty() || pic.Mat.Type() != gocv.MatTypeCV8UC3 {
		return picture.ErrNotPicture
	}
	return nil
}
