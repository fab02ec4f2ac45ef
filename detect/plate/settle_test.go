package plate

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSettle(t *testing.T) {
	for _, tc := range []struct {
		name                 string
		first, second, third Sight
		text                 string
		accepted             bool
	}{
		{"all the same", sight("苏E7K392"), sight("苏E7K392"), sight("苏E7K392"), "苏E7K392", true},
		{"two agree, the third reads nothing", sight("苏E7K392"), sight("苏E7K392"), Sight{}, "苏E7K392", true},
		{"two agree, the third sees fewer", sight("粤BD12345"), sight("粤BD12345"), sight("粤BD1234"), "粤BD12345", true},
		{"two agree, the third takes a G for a 6", sight("苏EG7K92"), sight("苏EG7K92"), sight("苏E67K92"), "苏EG7K92", true},
		{"two agree, the third is sure of another province", sight("浙E7K392"), sight("浙E7K392"), sight("渝E7K392", .94), "浙E7K392", false},
		{"two agree, the third guesses another province", sight("浙E7K392"), sight("浙E7K392"), sight("渝E7K392", .93), "浙E7K392", true},
		{"two see a 0, the third a Q", sight("京A02345"), sight("京A02345"), sight("京AQ2345", 1, 1, .5), "京A02345", false},
		{"two see a 0, the third hardly a Q", sight("京A02345"), sight("京A02345"), sight("京AQ2345", 1, 1, .49), "京A02345", true},

		{"the second and the third", sight("湘E7K392"), sight("浙E7K392"), sight("浙E7K392"), "浙E7K392", true},
		{"the first and the third", sight("湘E7K392"), sight("浙E7K392"), sight("湘E7K392"), "湘E7K392", true},
		{"the third alone", sight("湘E7K392"), sight("浙E7K392"), sight("渝E7K392"), "浙E7K392", false},
		{"the third alone, the others nothing", Sight{}, Sight{}, sight("苏E7K392"), "", false},
		{"the first knows nothing of it", Sight{}, sight("鲁B3F23学", .6), sight("鲁B3F23学"), "鲁B3F23学", true},
		{"a character that only the third sees well", sight("湘E7K392"), sight("浙E7K392", .1), sight("浙E7K392"), "浙E7K392", true},
		{"a character that only the third sees", sight("湘E7K392"), sight("浙E7K392", .09), sight("浙E7K392"), "湘E7K392", false},
		{"a character that only the second sees", sight("湘E7K392"), sight("浙E7K392"), sight("浙E7K392", .09), "浙E7K392", false},
		{"a character that both guess", sight("湘E7K392"), sight("浙E7K392", .6), sight("浙E7K392", .6), "湘E7K392", false},
		{"a 0 of which the second is not sure", sight("京A02345"), sight("京A02345", 1, 1, .9), sight("京A02345"), "京A02345", true},
		{"a 0 that the first alone sees so", sight("京A02345"), sight("京AQ2345"), sight("京AQ2345"), "京AQ2345", true},

		{"cut off on the left", sight("湘E7K392"), sight("浙E7K392").between(.02, .9), sight("浙E7K392"), "浙E7K392", false},
		{"cut off on the right", sight("湘E7K392"), sight("浙E7K392").between(.09, .98), sight("浙E7K392"), "浙E7K392", false},
		{"cut off as the first sees it", sight("湘E7K392").between(.09, .98), sight("浙E7K392"), sight("湘E7K392"), "浙E7K392", false},
		{"cut off, by what the others see", sight("湘E7K392").between(.09, .98), sight("浙E7K392"), sight("浙E7K392"), "浙E7K392", true},
		{"nothing", Sight{}, Sight{}, Sight{}, "", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := Settle(tc.first, tc.second, tc.third)
			if got.Text != tc.text || got.Accepted != tc.accepted {
				t.Errorf("got %+v, want %q, accepted %v", got, tc.text, tc.accepted)
			}
			if len(got.Chars) != len([]rune(tc.text)) {
				t.Errorf("%d confidences for %q", len(got.Chars), tc.text)
			}
		})
	}
}

func TestSettleTakesTheSurerOfEachCharacter(t *testing.T) {
	second, third := sight("浙E7K392", .8, .9), sight("浙E7K392", .95, .85)
	got := Settle(sight("湘E7K392"), second, third)
	want := Read{Text: "浙E7K392", Confidence: .9, Chars: []float64{.95, .9, 1, 1, 1, 1, 1}, Accepted: true}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if second.Chars[1] != .9 || third.Chars[1] != .85 {
		t.Error("the readers' own confidences were changed")
	}
}

func TestSettleMarksWhatTheThirdDoubts(t *testing.T) {
	got := Settle(sight("浙E7K392"), sight("浙E7K392"), sight("渝E7K392"))
	want := Read{Text: "浙E7K392", Confidence: .5, Chars: []float64{.5, 1, 1, 1, 1, 1, 1}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
