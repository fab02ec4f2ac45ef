package main

import (
	"fmt"

	"tidewatch/cmd/tidewatch/truth"
	"tidewatch/detect"
)

// outcomeLine is what is printed of one stop that was compared with the truth.
// Times and box are those that were found, or the true ones if it was missed.
type outcomeLine struct {
	Type       truth.Outcome      `json:"type"`
	Class      detect.Class       `json:"class"`
	Start      float64            `json:"start"`
	End        float64            `json:"end"`
	Box        [4]float64         `json:"box"`
	StartError *float64           `json:"start_error,omitempty"` // found minus true, of matched stops
	EndError   *float64           `json:"end_error,omitempty"`
	Plate      truth.PlateOutcome `json:"plate,omitempty"`
}

// summaryLine is what is printed of all of them; times are in seconds.
type summaryLine struct {
	Type         string  `json:"type"`
	Matched      int     `json:"matched"`
	Missed       int     `json:"missed"`
	False        int     `json:"false"`
	Doubled      int     `json:"doubled"`
	Aside        int     `json:"aside"`
	F1           float64 `json:"f1"`
	StartError   float64 `json:"start_error_median"`
	EndError     float64 `json:"end_error_median"`
	PlatesRight  int     `json:"plates_right"`
	PlatesWrong  int     `json:"plates_wrong"`
	PlatesUnread int     `json:"plates_unread"`
}

// compare prints a line for each stop of a score, and a summary.
func (p printer) compare(score truth.Score) error {
	for _, l := range score.Lines {
		if err := p.lines.Encode(p.outcome(l)); err != nil {
			return fmt.Errorf("print outcomes: %w", err)
		}
	}
	t := score.Tally()
	line := summaryLine{
		Type: "summary", Matched: t.Matched, Missed: t.Missed, False: t.False, Doubled: t.Doubled, Aside: t.Aside,
		F1:         decimals(t.F1()),
		StartError: decimals(truth.Median(t.StartErrors).Seconds()), EndError: decimals(truth.Median(t.EndErrors).Seconds()),
		PlatesRight: t.PlatesRight, PlatesWrong: t.PlatesWrong, PlatesUnread: t.PlatesUnread,
	}
	if err := p.lines.Encode(line); err != nil {
		return fmt.Errorf("print outcomes: %w", err)
	}
	return nil
}

func (p printer) outcome(l truth.Line) outcomeLine {
	line := outcomeLine{Type: l.Outcome, Plate: l.Plate}
	if l.Found == nil {
		line.Class, line.Start, line.End, line.Box = l.Truth.Class, l.Truth.Start, l.Truth.End, corners(l.Truth.Box)
		return line
	}
	line.Class, line.Start, line.End, line.Box = l.Found.Class, p.seconds(l.Found.Start), p.seconds(l.Found.End), corners(l.Found.Box)
	if l.Outcome == truth.Matched {
		start, end := decimals(l.StartError.Seconds()), decimals(l.EndError.Seconds())
		line.StartError, line.EndError = &start, &end
	}
	return line
}

// corners is a box as it is printed.
func corners(b detect.Box) [4]float64 {
	return [4]float64{decimals(b.X), decimals(b.Y), decimals(b.W), decimals(b.H)}
}
