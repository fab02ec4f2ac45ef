package plate

import (
	"slices"
	"strings"
)

const (
	provinces = "京津冀晋蒙辽吉黑沪苏浙皖闽赣鲁豫鄂湘粤桂琼渝川贵云藏陕甘青宁新"
	digits    = "0123456789"
	letters   = "ABCDEFGHJKLMNPQRSTUVWXYZ" // no I and no O
	uses      = "学警挂使领港澳"

	// alphabet is every character a plate can have. O stands only where the
	// issuing office stands.
	alphabet = provinces + digits + letters + "O" + uses
)

// sets are the characters that a mark of a pattern stands for. What is not a
// mark stands for itself.
var sets = map[rune]string{
	'_': provinces,
	'o': letters + "O",    // the issuing office
	's': letters + digits, // a serial
	'd': digits,           // a serial of digits alone
	'e': "ABCDEFGHJK",     // the kind of new energy
	'm': "VKHBSLJNGC",     // the branch of the army (2012 series)
	'a': letters,          // its department
}

// pattern is one way to write a plate, one mark for each character.
type pattern struct {
	marks  string
	kinds  []Kind // what such a plate can be, the likeliest first
	layout layout // with one row
}

var patterns = []pattern{
	{"_osssss", []Kind{Blue, Yellow}, afterTwo},
	{"_oesdddd", []Kind{Green}, electric}, // small
	// Large: the plate is yellow and green, so its colour says little.
	{"_oddddde", []Kind{Green, Yellow}, electric},
	{"_ossss学", []Kind{Yellow}, afterTwo},
	{"_ossss挂", []Kind{Yellow}, afterTwo},
	{"_ossss警", []Kind{White}, afterTwo},
	{"_ossss领", []Kind{Black}, afterTwo},
	{"使dddddd", []Kind{Black}, afterFour},
	{"dddddd使", []Kind{Black}, afterThree},
	{"粤Zssss港", []Kind{Black}, afterTwo},
	{"粤Zssss澳", []Kind{Black}, afterTwo},
	{"maddddd", []Kind{White}, afterTwo},
	{"WJ_dddds", []Kind{White}, ofEight},
	{"WJdddds", []Kind{White}, afterTwo},
}

// Parse says what kinds of plate a text can be on, the likeliest first; none
// when it is no plate's text. Letters are capitals and nothing separates the
// characters.
func Parse(text string) []Kind {
	var kinds []Kind
	for i, fits := 0, allPatterns.after(text); i < len(patterns); i++ {
		if !fits.holds(i) || len(compiled[i]) != len([]rune(text)) {
			continue
		}
		for _, kind := range patterns[i].kinds {
			if !slices.Contains(kinds, kind) {
				kinds = append(kinds, kind)
			}
		}
	}
	return kinds
}

// Provinces are the characters of all provinces.
func Provinces() []rune { return []rune(provinces) }

// Valid reports whether some plate can have this text.
func Valid(text string) bool { return len(Parse(text)) > 0 }

// Spell writes a text by a pattern's marks: pick gives a number below n, for
// each mark that stands for several characters. '_' is a province, 'o' the
// issuing office, 's' a serial and 'd' one of its digits, 'e' the kind of new
// energy, 'm' and 'a' branch and department of the army; all else stands for
// itself.
func Spell(marks string, pick func(n int) int) string {
	var text []rune
	for _, mark := range marks {
		if set := []rune(sets[mark]); len(set) > 0 {
			mark = set[pick(len(set))]
		}
		text = append(text, mark)
	}
	return string(text)
}

// patternSet is a set of patterns, a bit for each.
type patternSet uint32

const allPatterns = ^patternSet(0)

// patternsOf are the patterns that a plate of a colour can have: all of them
// unless the colour is one that a plate cannot seem to have by mere light.
func patternsOf(colour Kind) patternSet {
	if colour != Blue && colour != Green && colour != Yellow {
		return allPatterns
	}
	var s patternSet
	for i, p := range patterns {
		if slices.Contains(p.kinds, colour) {
			s |= 1 << i
		}
	}
	return s
}

func (s patternSet) holds(i int) bool { return s>>i&1 == 1 }

// after keeps the patterns that begin with text.
func (s patternSet) after(text string) patternSet {
	place := 0
	for _, r := range text {
		index, known := Index(r)
		if !known {
			return 0
		}
		s = s.step(place, index)
		place++
	}
	return s
}

// step keeps the patterns that have a character at a place.
func (s patternSet) step(place, index int) patternSet {
	var kept patternSet
	for i, places := range compiled {
		if s.holds(i) && place < len(places) && places[place][index] {
			kept |= 1 << i
		}
	}
	return kept
}

// complete reports whether one of the patterns is of that length.
func (s patternSet) complete(length int) bool {
	for i, places := range compiled {
		if s.holds(i) && len(places) == length {
			return true
		}
	}
	return false
}

// Classes is the width of a step of Scores: the characters of plates, and
// none.
const Classes = 1 + 31 + 10 + 25 + 7

var runes = append([]rune{0}, []rune(alphabet)...) // by index; 0 is none

var indices = func() map[rune]int {
	m := make(map[rune]int, Classes)
	for i, r := range runes[1:] {
		m[r] = i + 1
	}
	return m
}()

// Index is where a step of Scores has a character; false for one that no
// plate has. Index 0 is for no character.
func Index(r rune) (int, bool) {
	i, known := indices[r]
	return i, known
}

// compiled says for each pattern and place which characters may stand there.
var compiled = func() [][][Classes]bool {
	all := make([][][Classes]bool, len(patterns))
	for i, p := range patterns {
		for _, mark := range p.marks {
			set, ok := sets[mark]
			if !ok {
				set = string(mark)
			}
			var allowed [Classes]bool
			for index, r := range runes {
				allowed[index] = index > 0 && strings.ContainsRune(set, r)
			}
			all[i] = append(all[i], allowed)
		}
	}
	return all
}()
