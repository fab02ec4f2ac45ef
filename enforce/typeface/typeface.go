// Package typeface reads the one font in which evidence is written, on pictures
// and on paper: it must have Latin letters and every Chinese character that a
// plate, a place or a rule may need.
package typeface

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"

	"golang.org/x/image/font"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/font/sfnt"
)

// Font is a loaded font. It is safe for concurrent use.
type Font struct {
	trueType []byte
	parsed   *sfnt.Font
}

// needed is what a font must be able to write: one of each kind of character.
const needed = "0Az-:（）。，〔〕川防伪码违法停车"

// Open reads a TrueType font, or the first of a collection.
func Open(path string) (*Font, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("open font: %w", err)
	}
	f, err := Parse(data)
	if err != nil {
		return nil, fmt.Errorf("open font %s: %w", path, err)
	}
	return f, nil
}

// Parse reads a font from the bytes of its file.
func Parse(data []byte) (*Font, error) {
	single, err := first(data)
	if err != nil {
		return nil, err
	}
	parsed, err := opentype.Parse(single)
	if err != nil {
		return nil, err
	}
	var buffer sfnt.Buffer
	for _, r := range needed {
		if glyph, err := parsed.GlyphIndex(&buffer, r); err != nil || glyph == 0 {
			return nil, fmt.Errorf("it has no %c", r)
		}
	}
	return &Font{single, parsed}, nil
}

// TrueType is the font as a file of its own. It must not be changed.
func (f *Font) TrueType() []byte { return f.trueType }

// Face is the font at a height in pixels. A face is for one goroutine.
func (f *Font) Face(pixels float64) (font.Face, error) {
	face, err := opentype.NewFace(f.parsed, &opentype.FaceOptions{Size: pixels, DPI: 72, Hinting: font.HintingFull})
	if err != nil {
		return nil, fmt.Errorf("make a face of %v pixels: %w", pixels, err)
	}
	return face, nil
}

// Parts of an OpenType file, in bytes.
const (
	collectionHead = 12 // before the offsets of its fonts
	directoryHead  = 12 // before the entries of a font's tables
	entrySize      = 16 // tag, checksum, offset and length
	alignment      = 4  // of a table, which collections in use do not keep to
	mostTables     = 64
)

var errFont = errors.New("is not a TrueType font or a collection of them")

// first is the first font of a collection, its tables aligned; what is no
// collection is returned as it is.
func first(data []byte) ([]byte, error) {
	if len(data) < collectionHead+4 {
		return nil, errFont
	}
	if string(data[:4]) != "ttcf" {
		return data, nil
	}
	at := int(binary.BigEndian.Uint32(data[collectionHead:]))
	if at > len(data)-directoryHead {
		return nil, errFont
	}
	tables := int(binary.BigEndian.Uint16(data[at+4:]))
	end := at + directoryHead + tables*entrySize
	if tables > mostTables || end > len(data) {
		return nil, errFont
	}
	single := make([]byte, end-at, len(data))
	copy(single, data[at:end])
	for entry := directoryHead; entry < end-at; entry += entrySize {
		offset, length := binary.BigEndian.Uint32(single[entry+8:]), binary.BigEndian.Uint32(single[entry+12:])
		if int64(offset)+int64(length) > int64(len(data)) {
			return nil, errFont
		}
		binary.BigEndian.PutUint32(single[entry+8:], uint32(len(single)))
		single = append(single, data[offset:offset+length]...)
		single = append(single, make([]byte, -len(single)&(alignment-1))...)
	}
	return single, nil
}
