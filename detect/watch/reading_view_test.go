package watch

import (
	"testing"
	"time"

	"tidewatch/detect"
	"tidewatch/detect/plate"
)

func TestThePlateIsShownAsItWasReadBest(t *testing.T) {
	const ours, other = "川A12345", "川A12346"
	read := func(text string, clarity float64) plate.Read {
		return plate.Read{Text: text, Confidence: 0.9, Clarity: clarity, Accepted: true}
	}
	hint := plate.Read{Text: ours, Confidence: 0.9, Clarity: 1}
	for _, tc := range []struct {
		name  string
		reads []plate.Read
		want  int // second of the picture shown; none is 0
	}{
		{"nothing is read", []plate.Read{{}}, 0},
		{"a hint is no read", []plate.Read{hint, hint}, 0},
		{"the clearest", []plate.Read{read(ours, 0.3), read(ours, 0.8), read(ours, 0.5)}, 2},
		{"what cannot be read is not clearer", []plate.Read{read(ours, 0.3), hint}, 1},
		{"another plate was read once", []plate.Read{read(ours, 0.3), read(other, 0.9), read(ours, 0.4), read(ours, 0.8), read(ours, 0.7)}, 4},
		{"the reads disagree", []plate.Read{read(ours, 0.3), read(other, 0.4)}, 0},
		{"the first read was wrong", []plate.Read{read(other, 0.3), read(ours, 0.5), read(ours, 0.4), read(ours, 0.3)}, 2},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var r reading
			for i, read := range tc.reads {
				u := keptUnit(i + 1)
				r.note(u.Arrival, detect.Shot{At: u.Arrival, Unit: u}, read)
			}
			got := 0
			if view := r.view(); view.Unit != nil {
				got = int(view.At.Sub(time.Unix(0, 0)) / time.Second)
			}
			if got != tc.want {
				t.Errorf("the picture of second %d is shown, want %d", got, tc.want)
			}
		})
	}
}
