package main

import (
	"cmp"
	"errors"
	"fmt"
	"image/color"
	"os"
	"slices"
	"time"

	"tidewatch/cmd/tidewatch/truth"
	"tidewatch/detect"
	"tidewatch/detect/picture"
	"tidewatch/ingest/decode"
)

// colours of boxes by what a stop turned out to be; what people saw is white.
var (
	colours = map[truth.Outcome]color.RGBA{
		truth.Matched: {R: 60, G: 200, B: 60}, truth.Missed: {R: 255, G: 160}, truth.False: {R: 255, G: 40, B: 40},
		truth.Doubled: {R: 230, G: 60, B: 230}, truth.Aside: {R: 160, G: 160, B: 160},
	}
	seen = color.RGBA{R: 255, G: 255, B: 255}
)

// writeSheet shows each line of a score at its start, middle and end, in a
// JPEG file.
func (c *replayCmd) writeSheet(start time.Time, carried bool, score truth.Score) (err error) {
	s := sheet{start: start, carried: carried}
	defer func() { err = errors.Join(err, s.sheet.Close()) }()
	if err := s.plan(score); err != nil {
		return fmt.Errorf("make sheet: %w", err)
	}
	if err := s.fill(c.Video, c.FPS); err != nil {
		return fmt.Errorf("make sheet: %w", err)
	}
	data, err := s.sheet.JPEG()
	if err != nil {
		return fmt.Errorf("make sheet: %w", err)
	}
	return os.WriteFile(c.Sheet, data, 0o600) // plates can be read on it
}

// sheet is a sheet being made: the cells that wait for their picture.
type sheet struct {
	start   time.Time
	carried bool // what people saw is there at one moment only
	sheet   picture.Sheet
	cells   []cell
}

// cell is one picture of the sheet.
type cell struct {
	row    int
	at     time.Duration // from the film's start
	around detect.Box
	marks  []picture.Mark
	words  string
}

// plan makes a row of three cells for each line, as many as the sheet holds.
func (s *sheet) plan(score truth.Score) error {
	for row, line := range score.Lines {
		if err := s.sheet.Row(); errors.Is(err, picture.ErrSheetFull) {
			break
		} else if err != nil {
			return err
		}
		from, until := s.span(line)
		moments := []time.Duration{from, (from + until) / 2, until}
		for _, at := range moments {
			c := s.cell(row, line, at)
			if line.Truth != nil && (!s.carried || at == nearest(moments, seconds(line.Truth.BoxAt))) {
				c.marks = append(c.marks, picture.Mark{Box: line.Truth.Box, Colour: seen})
			}
			s.cells = append(s.cells, c)
		}
	}
	slices.SortStableFunc(s.cells, func(a, b cell) int { return cmp.Compare(a.at, b.at) })
	return nil
}

// span is when a line's stop begins and ends, from the film's start.
func (s *sheet) span(line truth.Line) (from, until time.Duration) {
	if line.Found != nil {
		return line.Found.Start.Sub(s.start), line.Found.End.Sub(s.start)
	}
	return seconds(line.Truth.Start), seconds(line.Truth.End)
}

// nearest is the moment nearest to another one.
func nearest(moments []time.Duration, to time.Duration) time.Duration {
	return slices.MinFunc(moments, func(a, b time.Duration) int { return cmp.Compare((a - to).Abs(), (b - to).Abs()) })
}

func seconds(v float64) time.Duration { return time.Duration(v * float64(time.Second)) }

func (s *sheet) cell(row int, line truth.Line, at time.Duration) cell {
	c := cell{row: row, at: at}
	from, until := s.span(line)
	name := cmp.Or(string(line.Outcome), "stop")
	c.words = fmt.Sprintf("%d %s %.1f-%.1f s, here %.1f s", row+1, name, from.Seconds(), until.Seconds(), at.Seconds())
	if line.Truth != nil {
		c.around = line.Truth.Box
	}
	if line.Found != nil {
		c.around = truth.BoxAt(*line.Found, s.start.Add(at))
		c.marks = append(c.marks, picture.Mark{Box: c.around, Colour: colours[cmp.Or(line.Outcome, truth.Matched)]})
	}
	return c
}

// fill gives each cell the newest picture at its moment.
func (s *sheet) fill(video string, fps float64) error {
	file, err := decode.OpenFile(video)
	if err != nil {
		return err
	}
	defer file.Close()
	var last *decode.Picture
	for look, err := range file.Looks(fps) {
		if err != nil {
			return errors.Join(err, s.put(last, 0))
		}
		if err := s.put(last, look.At); err != nil {
			return errors.Join(err, look.Picture.Close())
		}
		last = look.Picture
	}
	return s.put(last, forever)
}

const forever = time.Duration(1<<63 - 1)

// put gives a picture to the cells whose moment is before the next one, and
// closes it.
func (s *sheet) put(pic *decode.Picture, next time.Duration) error {
	if pic == nil {
		return nil
	}
	for len(s.cells) > 0 && s.cells[0].at < next {
		c := s.cells[0]
		s.cells = s.cells[1:]
		if err := s.sheet.Put(c.row, pic, c.around, c.marks, c.words); err != nil {
			return errors.Join(err, pic.Close())
		}
	}
	return pic.Close()
}
