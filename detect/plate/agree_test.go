package plate

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func seenRead(text string, chars ...float64) Read {
	read := Read{Text: text, Chars: make([]float64, len([]rune(text)))}
	for i := range read.Chars {
		read.Chars[i] = 1
		if i < len(chars) {
			read.Chars[i] = chars[i]
		}
	}
	read.Confidence = 1
	for _, c := range read.Chars {
		read.Confidence = min(read.Confidence, c)
	}
	return read
}

func TestAgree(t *testing.T) {
	for _, tc := range []struct {
		name          string
		first, second Read
		text          string
		accepted      bool
	}{
		{"both the same", seenRead("苏E7K392"), seenRead("苏E7K392"), "苏E7K392", true},
		{"each weak elsewhere", seenRead("苏E7K392", .3), seenRead("苏E7K392", 1, .3), "苏E7K392", true},
		{"both guess the province", seenRead("皖E7K392", .5), seenRead("皖E7K392", .6), "皖E7K392", false},
		{"one only guesses", seenRead("皖E7K392", .05), seenRead("皖E7K392", .8), "皖E7K392", false},
		{"the second is sure of the same", seenRead("皖E7K392", .05), seenRead("皖E7K392", .95), "皖E7K392", true},
		{"the second is sure, the first lost", seenRead("皖E7K392", .2), seenRead("浙E7K392", .95), "浙E7K392", true},
		{"the second is sure, the first reads nothing", Read{}, seenRead("VA02009", .95), "VA02009", true},
		{"the second is not sure enough", Read{}, seenRead("VA02009", .93), "VA02009", false},
		{"both sure of different plates", seenRead("湘E7K392"), seenRead("浙E7K392", .99), "湘E7K392", false},
		{"the first sure alone", seenRead("湘E7K392"), Read{}, "湘E7K392", false},
		{"the second the better hint", seenRead("湘E7K392", .4), seenRead("浙E7K392", .6), "浙E7K392", false},
		{"nothing", Read{}, Read{}, "", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := Agree(tc.first, tc.second)
			if got.Text != tc.text || got.Accepted != tc.accepted {
				t.Errorf("got %+v, want %q, accepted %v", got, tc.text, tc.accepted)
			}
			if len(got.Chars) != len([]rune(tc.text)) {
				t.Errorf("%d confidences for %q", len(got.Chars), tc.text)
			}
		})
	}
}

func TestAgreeTakesTheSurerOfEachCharacter(t *testing.T) {
	first, second := seenRead("苏E7K392", .8, .9), seenRead("苏E7K392", .95, .85)
	got := Agree(first, second)
	want := Read{Text: "苏E7K392", Confidence: .9, Chars: []float64{.95, .9, 1, 1, 1, 1, 1}, Accepted: true}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if second.Chars[1] != .85 {
		t.Error("the reader's own confidences were changed")
	}
}

func TestWithColour(t *testing.T) {
	for _, tc := range []struct {
		name, text   string
		colour, want Kind
	}{
		{"blue by default", "苏E7K392", UnknownKind, Blue},
		{"yellow by colour", "苏E7K392", Yellow, Yellow},
		{"blue by night", "苏E7K392", Black, Blue},
		{"the text outweighs the light", "京A1234警", Black, White},
		{"large new energy", "沪A06158F", UnknownKind, Green},
		{"unread", "", Green, Green},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := Read{Text: tc.text, Accepted: true}.WithColour(tc.colour)
			if got.Kind != tc.want || !got.Accepted {
				t.Errorf("got %+v, want kind %q", got, tc.want)
			}
		})
	}
}
