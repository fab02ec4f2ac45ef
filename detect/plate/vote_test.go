package plate

import (
	"slices"
	"testing"
)

func TestVote(t *testing.T) {
	accepted := func(text string, confidence float64) Read {
		return Read{Text: text, Confidence: confidence, Accepted: true}
	}
	hint := func(text string, confidence float64) Read { return Read{Text: text, Confidence: confidence} }
	const right, wrong, other = "浙E7K392", "湘E7K392", "浙F7K392"
	for _, tc := range []struct {
		name     string
		reads    []Read
		text     string
		accepted bool
	}{
		{"no looks", nil, "", false},
		{"nothing read", []Read{{}, {Kind: Blue}}, "", false},
		{"one look", []Read{accepted(right, .9)}, right, true},
		{"one look, unread", []Read{hint(right, .9)}, right, false},
		{"many hints make no read", []Read{hint(right, .9), hint(right, .9), hint(right, .9)}, right, false},
		{"a province that is guessed in each look", slices.Repeat([]Read{hint(wrong, .99)}, 24), wrong, false},
		{"looks without a plate do not count", []Read{{}, accepted(right, .9), {}}, right, true},
		{"one against one", []Read{accepted(right, .99), accepted(wrong, .8)}, right, false},
		{"two against one", []Read{accepted(right, .99), accepted(right, .9), accepted(wrong, .9)}, right, false},
		{"three against one", []Read{accepted(right, .9), accepted(wrong, .9), accepted(right, .9), accepted(right, .9)}, right, true},
		{"three against one of each", []Read{accepted(right, .9), accepted(wrong, .9), accepted(other, .9), accepted(right, .9), accepted(right, .9)}, right, true},
		{"one against a few hints", []Read{hint(wrong, .6), accepted(right, .9), hint(wrong, .6)}, right, true},
		{"one against very many hints", []Read{
			hint(wrong, .9), hint(wrong, .9), hint(wrong, .9), hint(wrong, .9), hint(wrong, .9), accepted(right, .9),
		}, right, false},
		{"scattered hints are no rival", []Read{
			hint(wrong, .5), hint(other, .5), hint("皖A12345", .5), hint("皖A12346", .5), accepted(right, .9),
		}, right, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := Vote(tc.reads)
			if got.Text != tc.text || got.Accepted != tc.accepted {
				t.Errorf("got %+v, want %q, accepted %v", got, tc.text, tc.accepted)
			}
		})
	}
}

func TestVoteWeighsByClarity(t *testing.T) {
	look := func(text string, clarity float64) Read {
		return Read{Text: text, Confidence: .9, Accepted: true, Clarity: clarity}
	}
	const right, wrong = "浙E7K392", "湘E7K392"
	for _, tc := range []struct {
		name     string
		reads    []Read
		text     string
		accepted bool
	}{
		{"clear against hardly seen", []Read{look(wrong, .05), look(right, 1)}, right, true},
		{"equally clear", []Read{look(wrong, .8), look(right, .9)}, right, false},
		{"two hardly seen against a clear one", []Read{look(wrong, .05), look(wrong, .05), look(right, 1)}, right, false},
		{"what is not told is in between", []Read{look(wrong, .05), look(right, 0), look(right, 0)}, right, true},
		{"more than clear is not more", []Read{look(wrong, 1), look(right, 9)}, wrong, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := Vote(tc.reads); got.Text != tc.text || got.Accepted != tc.accepted {
				t.Errorf("got %+v, want %q, accepted %v", got, tc.text, tc.accepted)
			}
		})
	}
}

func TestVoteShowsTheBestLook(t *testing.T) {
	reads := []Read{
		{Text: "浙E7K392", Confidence: .99, Kind: Yellow},
		{Text: "浙E7K392", Confidence: .8, Accepted: true, Kind: Blue},
		{Text: "浙E7K392", Confidence: .9, Accepted: true, Kind: Blue},
	}
	if got := Vote(reads); got.Confidence != .9 || got.Kind != Blue {
		t.Errorf("got %+v", got)
	}
}
