package watch_test

import (
	"bytes"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"testing"
	"time"

	"tidewatch/detect"
	"tidewatch/detect/picture"
)

// stamped is a key picture with a clock drawn over it, encoded anew: a bar as
// long as each of its digits.
func stamped(t *testing.T, k keyPicture, second int) keyPicture {
	t.Helper()
	shown, err := jpeg.Decode(bytes.NewReader(k.shot.Unit.NALUs[0]))
	if err != nil {
		t.Fatal(err)
	}
	canvas := image.NewRGBA(shown.Bounds())
	draw.Draw(canvas, canvas.Rect, shown, image.Point{}, draw.Src)
	for i, digit := range at(second).Format("150405") {
		place := image.Rect(0, 0, 14, 28).Add(image.Pt(20+18*i, 16))
		draw.Draw(canvas, place, image.NewUniform(color.Black), image.Point{}, draw.Src)
		place.Min.Y = place.Max.Y - 2*int(digit-'0') - 4
		draw.Draw(canvas, place, image.NewUniform(color.White), image.Point{}, draw.Src)
	}
	var file bytes.Buffer
	if err := jpeg.Encode(&file, canvas, &jpeg.Options{Quality: 90}); err != nil {
		t.Fatal(err)
	}
	pic, err := picture.Decode(file.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	defer pic.Close()
	return keyPicture{float64(second), detect.Shot{At: at(second), Unit: unit(t, second, pic)}, k.found}
}

// TestAHungPictureUnderItsClock watches a street as a worker does whose camera
// hangs for a while: what stands in it is not seen meanwhile, with and without a
// clock that goes on.
func TestAHungPictureUnderItsClock(t *testing.T) {
	const hangs, goesOn, long = 30, 130, 150
	for name, shown := range map[string]func(k keyPicture, second int) keyPicture{
		"with a clock": func(k keyPicture, second int) keyPicture { return stamped(t, k, second) },
		"without": func(k keyPicture, second int) keyPicture {
			k.second, k.shot.At = float64(second), at(second)
			return k
		},
	} {
		t.Run(name, func(t *testing.T) {
			street := &kerb{vehicles: parks(1, 300, 10, long+20)}
			keys := street.film(t, long)
			for second := hangs + 1; second < goesOn; second++ {
				keys[second] = shown(keys[hangs], second)
			}
			stops := watchPaced(t, keys, 0)
			if len(stops) != 1 {
				t.Fatalf("%d stops: %+v", len(stops), stops)
			}
			var unseen time.Duration
			for _, u := range stops[0].Unseen {
				unseen += u.Until.Sub(u.From)
			}
			if least := seconds(goesOn - hangs - 10); unseen < least || stops[0].Dwell() > seconds(long-10+3)-least {
				t.Errorf("it stands for %s in sight, unseen %v", stops[0].Dwell(), stops[0].Unseen)
			}
		})
	}
}
