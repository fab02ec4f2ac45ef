package review

import (
	"tidewatch/detect/plate"
	"tidewatch/enforce"
)

// plateView is a plate as it looks on a page; without Text it is unread.
type plateView struct {
	Text string
	Kind string // its colour, empty where only an officer has read it
}

// plateOf is the plate that a case goes by.
func plateOf(c enforce.Case) plateView {
	text := c.Plate()
	view := plateView{Text: spaced(text)}
	if kinds := plate.Parse(text); len(kinds) == 1 {
		view.Kind = string(kinds[0])
	}
	if read := c.Violation.Plate; text != "" && text == read.Text {
		view.Kind = string(read.Kind)
	}
	return view
}

// spaced sets the dot that plates carry after the province and its letter.
func spaced(text string) string {
	runes := []rune(text)
	if len(runes) < 7 || runes[0] < '一' || runes[1] < 'A' || runes[1] > 'Z' {
		return text
	}
	return string(runes[:2]) + "·" + string(runes[2:])
}

// machineRead is what the machine made of the plate, beside the officer's word.
type machineRead struct {
	plateView
	Percent  int // confidence
	Accepted bool
}

func machineReadOf(r plate.Read) machineRead {
	return machineRead{
		plateView: plateView{Text: spaced(r.Text), Kind: string(r.Kind)},
		Percent:   int(r.Confidence*100 + 0.5), Accepted: r.Accepted,
	}
}
