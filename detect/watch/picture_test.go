package watch_test

import (
	"bytes"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"image/png"
	"math/rand/v2"
	"testing"

	"tidewatch/detect/picture"
	"tidewatch/ingest/decode"
)

// painted is a grey picture of 320x240 of which an area has a texture.
func painted(t *testing.T, area image.Rectangle) *decode.Picture {
	t.Helper()
	canvas := image.NewRGBA(image.Rect(0, 0, 320, 240))
	draw.Draw(canvas, canvas.Rect, image.NewUniform(color.Gray{Y: 90}), image.Point{}, draw.Src)
	random := rand.New(rand.NewPCG(7, 7))
	for range area.Dx() * area.Dy() / 40 {
		x, y := area.Min.X+random.IntN(area.Dx()), area.Min.Y+random.IntN(area.Dy())
		shade := image.NewUniform(color.Gray{Y: uint8(random.IntN(256))})
		draw.Draw(canvas, image.Rect(x, y, x+9, y+7).Intersect(area), shade, image.Point{}, draw.Src)
	}
	return decoded(t, canvas)
}

// stage is a picture with or without a textured vehicle in the bay.
func stage(t *testing.T, seen bool) *decode.Picture {
	t.Helper()
	if !seen {
		return painted(t, image.Rectangle{})
	}
	return painted(t, image.Rect(96, 72, 160, 120))
}

// darkened is a picture whose upper part lies in the shadow.
func darkened(t *testing.T, pic *decode.Picture, light, part float64) *decode.Picture {
	t.Helper()
	data, err := picture.EncodeJPEG(pic, 98)
	if err != nil {
		t.Fatal(err)
	}
	bright, err := jpeg.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	size := bright.Bounds().Size()
	canvas := image.NewRGBA(bright.Bounds())
	draw.Draw(canvas, canvas.Rect, bright, image.Point{}, draw.Src)
	shadow := image.NewUniform(color.Alpha{A: uint8(255 * (1 - light))})
	upper := image.Rect(0, 0, size.X, int(part*float64(size.Y)))
	draw.DrawMask(canvas, upper, image.Black, image.Point{}, shadow, image.Point{}, draw.Over)
	return decoded(t, canvas)
}

func decoded(t *testing.T, canvas image.Image) *decode.Picture {
	t.Helper()
	var file bytes.Buffer
	encoder := png.Encoder{CompressionLevel: png.BestSpeed}
	if err := encoder.Encode(&file, canvas); err != nil {
		t.Fatal(err)
	}
	pic, err := picture.Decode(file.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { pic.Close() })
	return pic
}
