package plate

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// sight is a reader's sight of a whole plate. Characters without a confidence
// are sure.
func sight(text string, chars ...float64) Sight {
	n := len([]rune(text))
	s := Sight{Read: Read{Text: text, Confidence: 1}}
	for i := range n {
		c := 1.0
		if i < len(chars) {
			c = chars[i]
		}
		s.Chars = append(s.Chars, c)
		s.Confidence = min(s.Confidence, c)
		s.Places = append(s.Places, 0.09+0.81*float64(i)/float64(n-1))
	}
	return s
}

// between moves the places of a sight's characters so that they go from one to
// another.
func (s Sight) between(first, last float64) Sight {
	n := len(s.Places)
	places := make([]float64, n)
	for i := range places {
		places[i] = first + (last-first)*float64(i)/float64(n-1)
	}
	s.Places = places
	return s
}

func TestAgree(t *testing.T) {
	for _, tc := range []struct {
		name          string
		first, second Sight
		text          string
		accepted      bool
	}{
		{"both the same", sight("苏E7K392"), sight("苏E7K392"), "苏E7K392", true},
		{"each weak elsewhere", sight("苏E7K392", .3), sight("苏E7K392", 1, .3), "苏E7K392", true},
		{"both guess the province", sight("皖E7K392", .5), sight("皖E7K392", .6), "皖E7K392", false},
		{"one only guesses", sight("皖E7K392", .05), sight("皖E7K392", .8), "皖E7K392", false},
		{"the second is sure of the same", sight("皖E7K392", .05), sight("皖E7K392", .95), "皖E7K392", true},
		{"the second is sure, the first lost", sight("皖E7K392", .2), sight("浙E7K392", .95), "浙E7K392", true},
		{"the second is sure, the first reads nothing", Sight{}, sight("VA02009", .95), "VA02009", true},
		{"the second is not sure enough", Sight{}, sight("VA02009", .93), "VA02009", false},
		{"both sure of different plates", sight("湘E7K392"), sight("浙E7K392", .99), "湘E7K392", false},
		{"the first sure alone", sight("湘E7K392"), Sight{}, "湘E7K392", false},
		{"the second the better hint", sight("湘E7K392", .4), sight("浙E7K392", .6), "浙E7K392", false},
		{"cut off on the right", sight("苏E7K392").between(.09, .98), sight("苏E7K392").between(.09, .98), "苏E7K392", false},
		{"cut off on the right as one sees it", sight("苏E7K392").between(.09, .95), sight("苏E7K392"), "苏E7K392", false},
		{"cut off on the left", sight("苏E7K392").between(.02, .9), sight("苏E7K392").between(.02, .9), "苏E7K392", false},
		{"the first sees all begin at the left", sight("苏E7K392").between(.02, .9), sight("苏E7K392"), "苏E7K392", true},
		{"the last character lost", sight("粤BD1234").between(.09, .78), sight("粤BD1234").between(.09, .78), "粤BD1234", false},
		{"the second sure of a plate cut off", Sight{}, sight("VA02009").between(.09, .98), "VA02009", false},
		{"the first does not know 学", sight("鲁B3F239"), sight("鲁B3F23学"), "鲁B3F23学", true},
		{"the first does not know 学, the second not sure", sight("鲁B3F239", .9), sight("鲁B3F23学", 1, 1, 1, 1, 1, 1, .9), "鲁B3F23学", false},
		{"the first does not know O", sight("京Q12345"), sight("京O12345"), "京O12345", true},
		{"the second takes a Q for an O", sight("京O12345"), sight("京Q12345"), "京Q12345", false},
		{"a 0 that may be a Q", sight("京A02345"), sight("京A02345", 1, 1, .9), "京A02345", false},
		{"a 0 that the second is sure of", sight("京A02345", 1, 1, .8), sight("京A02345", .8, 1, .95), "京A02345", true},
		{"the first differs elsewhere too", sight("鲁B3E239"), sight("鲁B3F23学"), "鲁B3F23学", false},
		{"the first sees fewer", sight("粤BD1234"), sight("粤BD12345"), "粤BD12345", false},
		{"nothing", Sight{}, Sight{}, "", false},
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
	first, second := sight("苏E7K392", .8, .9), sight("苏E7K392", .95, .85)
	got := Agree(first, second)
	want := Read{Text: "苏E7K392", Confidence: .9, Chars: []float64{.95, .9, 1, 1, 1, 1, 1}, Accepted: true}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if second.Chars[1] != .85 {
		t.Error("the reader's own confidences were changed")
	}
}

func TestAgreeMarksWhatWasGuessed(t *testing.T) {
	got := Agree(sight("湘E7K392", .5, .9), sight("浙E7K392", .7, .9))
	want := Read{Text: "浙E7K392", Confidence: .525, Chars: []float64{.525, .9, 1, 1, 1, 1, 1}}
	if diff := cmp.Diff(want, got, cmpopts.EquateApprox(0, 1e-9)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestConfirm(t *testing.T) {
	of := func(text string, confidence float64, accepted bool) Read {
		read := sight(text, confidence).Read
		read.Accepted = accepted
		return read
	}
	for _, tc := range []struct {
		name        string
		read, again Read
		want        Read
	}{
		{"accepted twice", of("苏E7K392", .8, true), of("苏E7K392", .9, true), of("苏E7K392", .9, true)},
		{"accepted first", of("苏E7K392", .8, true), of("苏E7K392", .9, false), of("苏E7K392", .8, true)},
		{"accepted then", of("苏E7K392", .8, false), of("苏E7K392", .7, true), of("苏E7K392", .7, true)},
		{"never accepted", of("苏E7K392", .5, false), of("苏E7K392", .6, false), of("苏E7K392", .6, false)},
		{"another text then", of("苏E7K392", .8, true), of("湘E7K392", .4, false), of("苏E7K392", .64, false)},
		{"two plates accepted", of("苏E7K392", .8, true), of("湘E7K392", .9, true), of("湘E7K392", .54, false)},
		{"a character more then", of("粤BD1234", .8, true), of("粤BD12345", .5, false), of("粤BD1234", .8, false)},
		{"nothing then", of("苏E7K392", .8, true), Read{}, of("苏E7K392", .8, false)},
		{"nothing", Read{}, Read{}, Read{}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, Confirm(tc.read, tc.again), cmpopts.EquateApprox(0, 1e-9)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestWithColour(t *testing.T) {
	for _, tc := range []struct {
		name, text   string
		colour, want Kind
		accepted     bool
	}{
		{"yellow by colour", "苏E7K392", Yellow, Yellow, true},
		{"blue by default", "苏E7K392", UnknownKind, Blue, true},
		{"blue by night", "苏E7K392", Black, Blue, true},
		{"large new energy", "沪A06158F", UnknownKind, Green, true},
		{"new energy, pale", "粤BD12345", White, Green, true},
		{"new energy, yellow in part", "沪A06158F", Yellow, Yellow, true},
		{"new energy on blue", "粤BD12345", Blue, Green, false},
		{"new energy on black", "粤BD12345", Black, Green, false},
		{"seven characters on green", "粤BD1234", Green, Blue, false},
		{"blue, as a small green one begins", "粤BD1234", Blue, Blue, true},
		{"by night, as a small green one begins", "粤BD1234", Black, Blue, true},
		{"bright, as a small green one begins", "粤BD1234", White, Blue, false},
		{"bright, a yellow or blue one's", "苏E7K392", White, Blue, false},
		{"a whole green one", "粤BD12345", Green, Green, true},
		{"coach on blue", "鲁B3F23学", Blue, Yellow, false},
		{"police on black", "京A1234警", Black, White, false},
		{"police on yellow", "京A1234警", Yellow, White, false},
		{"the army's, which a green one without its province is, too", "GF96137", Green, White, false},
		{"consulate on white", "沪A0123领", White, Black, false},
		{"consulate", "沪A0123领", Black, Black, true},
		{"no plate's text", "苏E7K39", Green, Green, false},
		{"police", "京A1234警", White, White, true},
		{"armed police", "WJ京1023X", White, White, true},
		{"armed police, perhaps without its province", "WJ1023X", White, White, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := Read{Text: tc.text, Accepted: true}.WithColour(tc.colour)
			if got.Kind != tc.want || got.Accepted != tc.accepted {
				t.Errorf("got %+v, want kind %q, accepted %v", got, tc.want, tc.accepted)
			}
		})
	}
}
