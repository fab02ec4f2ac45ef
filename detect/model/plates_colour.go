package model

import (
	"gocv.io/x/gocv"

	"tidewatch/detect/plate"
)

// frameShare is what is left out of a plate's width and height on each side:
// frame, bolts and bumper.
const frameShare = 8 // an eighth

// colourOf tells a plate's colour by its ground, the larger part of its
// pixels. A ground darker than the characters is blue or black, a brighter one
// green, yellow or white: this holds under lamps that tint the whole picture,
// where a plain count of hues does not. The Mat is 8-bit BGR, not empty.
func colourOf(straight gocv.Mat) (plate.Kind, error) {
	hsv := gocv.NewMat()
	defer hsv.Close()
	gocv.CvtColor(straight, &hsv, gocv.ColorBGRToHSV)
	grey := gocv.NewMat()
	defer grey.Close()
	gocv.CvtColor(straight, &grey, gocv.ColorBGRToGray)
	colours, err := hsv.DataPtrUint8()
	if err != nil {
		return plate.UnknownKind, err
	}
	lights, err := grey.DataPtrUint8()
	if err != nil {
		return plate.UnknownKind, err
	}
	inner := inside(straight.Cols(), straight.Rows())
	dark, ground := groundOf(lights, inner)
	votes := map[plate.Kind]int{}
	for _, i := range ground {
		votes[colour(dark, colours[3*i], colours[3*i+1])]++
	}
	return elect(votes, len(ground)), nil
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

// groundOf parts pixels at their mean brightness and returns the larger part,
// and whether it is the dark one.
func groundOf(lights []byte, pixels []int) (dark bool, ground []int) {
	sum := 0
	for _, i := range pixels {
		sum += int(lights[i])
	}
	var below, above []int
	for _, i := range pixels {
		if int(lights[i])*len(pixels) < sum {
			below = append(below, i)
		} else {
			above = append(above, i)
		}
	}
	if len(below) > len(above) {
		return true, below
	}
	return false, above
}

// paleSaturation is below which a pixel has no colour proper.
const paleSaturation = 50

// colour names one pixel of the ground: hue 0..179, saturation 0..255.
func colour(dark bool, hue, saturation byte) plate.Kind {
	switch {
	case dark && saturation >= paleSaturation && hue >= 90 && hue < 135:
		return plate.Blue
	case dark:
		return plate.Black
	case saturation < paleSaturation:
		return plate.White
	case hue >= 11 && hue < 35:
		return plate.Yellow
	case hue >= 35 && hue < 92:
		return plate.Green
	}
	return plate.UnknownKind
}

// elect takes the colour of most of the ground.
func elect(votes map[plate.Kind]int, pixels int) plate.Kind {
	for kind, n := range votes {
		if 2*n > pixels {
			return kind
		}
	}
	return plate.UnknownKind
}
