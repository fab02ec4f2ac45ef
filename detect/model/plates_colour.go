package model

import (
	"image"
	"slices"

	"gocv.io/x/gocv"

	"tidewatch/detect/plate"
)

const (
	// frameShare is what is left out of a plate's width and height on each side:
	// frame, bolts and bumper.
	frameShare = 8 // an eighth
	// paleSaturation is below which a pixel has no colour proper, and darkest the
	// brightness below which it has none, of 255.
	paleSaturation, darkest = 50, 30
	// colouredShare of a plate's pixels has the colour of its ground: characters
	// take up a third, and a small new-energy plate is white above.
	colouredShare = 0.3
	// rivalShare of these may have another colour, as large new-energy plates do.
	rivalShare = 0.6
	// A blue plate's ground is darker than its characters, so that less than
	// blueMost of its pixels are brighter than what is round them; of yellow and
	// green plates more are. Lamps can turn hues, but not this.
	blueMost, yellowLeast, greenLeast = 0.6, 0.46, 0.3
	// A plate without a hue is black or white up to and from these.
	blackMost, whiteLeast = 0.47, 0.515
)

// faceOf looks at a straight plate, an 8-bit BGR Mat that is not empty.
func faceOf(straight gocv.Mat) (plate.Face, error) {
	p, err := planesOf(straight)
	if err != nil {
		return plate.Face{}, err
	}
	inner := inside(p.width, p.height)
	bright := 0
	for _, i := range inner {
		if p.lights[i] > p.around[i] {
			bright++
		}
	}
	share := float64(bright) / float64(len(inner))
	f := plate.Face{Colour: colourOf(p.hsv, inner, share)}
	dark := f.Colour == plate.Blue || f.Colour == plate.Black || f.Colour == plate.UnknownKind && share < 0.5
	f.Left, f.Right = shown(p, f.Colour, dark)
	return f, nil
}

// planes are the pixels of a straight plate in several ways, row by row.
type planes struct {
	width, height int
	bgr, hsv      []byte // three values each
	lights        []byte // how bright each pixel is
	around        []byte // and what is round it, on average
}

func planesOf(straight gocv.Mat) (planes, error) {
	size := straightRow
	if float64(straight.Cols()) < doubleRow*float64(straight.Rows()) {
		size = straightRows
	}
	p := planes{width: size.X, height: size.Y}
	scaled, hsv, grey, mean := gocv.NewMat(), gocv.NewMat(), gocv.NewMat(), gocv.NewMat()
	defer scaled.Close()
	defer hsv.Close()
	defer grey.Close()
	defer mean.Close()
	gocv.Resize(straight, &scaled, size, 0, 0, gocv.InterpolationLinear)
	gocv.CvtColor(scaled, &hsv, gocv.ColorBGRToHSV)
	gocv.CvtColor(scaled, &grey, gocv.ColorBGRToGray)
	side := max(3, p.width/5) | 1 // a character and the ground round it
	gocv.Blur(grey, &mean, image.Pt(side, side))
	for to, mat := range map[*[]byte]gocv.Mat{&p.bgr: scaled, &p.hsv: hsv, &p.lights: grey, &p.around: mean} {
		values, err := mat.DataPtrUint8()
		if err != nil {
			return planes{}, err
		}
		*to = slices.Clone(values) // the Mats go
	}
	return p, nil
}

// inside lists the pixels of a plate without its frame.
func inside(width, height int) []int {
	var all []int
	for y := height / frameShare; y < height-height/frameShare; y++ {
		for x := width / frameShare; x < width-width/frameShare; x++ {
			all = append(all, y*width+x)
		}
	}
	return all
}

// colourOf tells a plate's colour: the hue that enough of its pixels have,
// however dark they are. Without one it is white or black, by the share of
// pixels that are brighter than what is round them; any plate can lose its hue
// to a lamp. It is unknown where hue and brightness contradict each other.
func colourOf(hsv []byte, pixels []int, bright float64) plate.Kind {
	votes := map[plate.Kind]int{}
	for _, i := range pixels {
		votes[hueOf(hsv[3*i:], bright)]++
	}
	kind, most, rival := plate.UnknownKind, 0, 0
	for _, k := range []plate.Kind{plate.Blue, plate.Green, plate.Yellow} {
		if votes[k] > most {
			kind, most, rival = k, votes[k], most
		} else {
			rival = max(rival, votes[k])
		}
	}
	switch {
	case float64(most) < colouredShare*float64(len(pixels)):
		return hueless(bright)
	case float64(rival) > rivalShare*float64(most),
		kind == plate.Blue && bright > blueMost,
		kind == plate.Yellow && bright < yellowLeast,
		kind == plate.Green && bright < greenLeast:
		return plate.UnknownKind
	}
	return kind
}

// hueless names the colour of a plate without a hue.
func hueless(bright float64) plate.Kind {
	switch {
	case bright < blackMost:
		return plate.Black
	case bright > whiteLeast:
		return plate.White
	}
	return plate.UnknownKind
}

// hueOf names the colour of one pixel: hue 0..179, saturation and brightness
// 0..255. It is unknown where it is none that plates have. What is between
// green and blue is blue on a dark ground, and green on a bright one.
func hueOf(hsv []byte, bright float64) plate.Kind {
	hue, saturation, value := hsv[0], hsv[1], hsv[2]
	switch {
	case saturation < paleSaturation || value < darkest:
		return plate.UnknownKind
	case hue >= 11 && hue < 35:
		return plate.Yellow
	case hue >= 35 && hue < 83, hue >= 83 && hue < 95 && bright >= 0.5:
		return plate.Green
	case hue >= 83 && hue < 135:
		return plate.Blue
	}
	return plate.UnknownKind
}
