package viid

import (
	"slices"
	"strings"
	"unicode/utf8"

	"tidewatch/detect"
	"tidewatch/detect/plate"
	"tidewatch/enforce"
)

// marks tell a plate's class (GA/T 16.7) by a character that only that class
// has.
var marks = []struct{ mark, class string }{
	{"警", "23"}, {"使", "03"}, {"领", "04"}, {"港", "26"}, {"澳", "27"}, {"挂", "15"}, {"学", "16"}, {"WJ", "31"},
}

// plateOf is the kind of a case's plate and its class code.
func plateOf(c enforce.Case) (plate.Kind, string) {
	number, kind := c.Plate(), plateKind(c)
	for _, m := range marks {
		if strings.Contains(number, m.mark) {
			return kind, m.class
		}
	}
	large := number != "" && strings.ContainsAny(number[len(number)-1:], "ABCDEFGHJK")
	switch {
	case utf8.RuneCountInString(number) == 8 && large:
		return kind, "51" // new energy
	case utf8.RuneCountInString(number) == 8:
		return kind, "52"
	case kind == plate.White:
		return kind, "32" // the army
	case kind == plate.Blue:
		return kind, "02"
	case kind == plate.Yellow && c.Violation.Class == detect.Motorcycle:
		return kind, "07"
	case kind == plate.Yellow:
		return kind, "01"
	}
	return kind, "99"
}

// plateKind is what the officer's text says of the plate's kind. Between blue and
// yellow, which may both bear the same number, only the machine's read of
// nearly the same text decides: nothing is guessed.
func plateKind(c enforce.Case) plate.Kind {
	kinds := plate.Parse(c.Plate())
	read := c.Violation.Plate
	switch {
	case slices.Contains(kinds, read.Kind) && differing(c.Plate(), read.Text) <= 2:
		return read.Kind
	case len(kinds) == 0 || kinds[0] == plate.Blue:
		return plate.UnknownKind
	}
	return kinds[0]
}

// differing counts the characters in which two plates differ.
func differing(a, b string) int {
	as, bs := []rune(a), []rune(b)
	if len(as) != len(bs) {
		return max(len(as), len(bs))
	}
	n := 0
	for i := range as {
		if as[i] != bs[i] {
			n++
		}
	}
	return n
}
