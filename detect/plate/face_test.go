package plate

import (
	"math"
	"testing"
)

// stands is a look at a plate on which the characters of a text stand as its
// layout has them, from some share of the picture's width to another.
func stands(t *testing.T, text string, from, to float64) Look {
	t.Helper()
	layout, known := layoutOf(text)
	if !known {
		t.Fatalf("%s is no plate's text", text)
	}
	return standsAs(text, layout, from, to)
}

func standsAs(text string, layout layout, from, to float64) Look {
	var look Look
	for i := range look.Sights {
		s := sight(text)
		for k := range s.Places {
			s.Places[k] = from + (to-from)*layout.middles[k]
		}
		look.Sights[i] = s
	}
	look.Read = look.Sights[1].Read
	return look
}

// asGreen is a look at the first seven characters of a green plate. The third
// reader sees the gap behind the second one larger than it is, on any plate.
func asGreen(text string) Look {
	look := standsAs(text, electric, .03, .97)
	for i := range 2 {
		look.Sights[2].Places[i] -= .08
	}
	return look
}

// province makes the readers see one in the first place, each as sure as given.
func (l Look) province(first, second, third float64) Look {
	for i, sure := range []float64{first, second, third} {
		l.Sights[i].Chars[0] = sure
	}
	return l
}

// insteadOf lets one reader see another text.
func (l Look) insteadOf(reader int, text string) Look {
	places := l.Sights[reader].Places
	l.Sights[reader] = sight(text)
	l.Sights[reader].Places = places
	return l
}

func TestBears(t *testing.T) {
	whole := Face{Colour: Blue, Left: 0, Right: 1}
	const text, begins = "苏E7K392", "皖AD1978"
	for _, tc := range []struct {
		name string
		face Face
		text string
		look Look
		want bool
	}{
		{"whole", whole, text, stands(t, text, .03, .97), true},
		{"eight characters", Face{Green, 0, 1}, "皖AD19789", stands(t, "皖AD19789", .03, .97), true},
		{"armed police", Face{White, 0, 1}, "WJ京1023X", stands(t, "WJ京1023X", .03, .97), true},
		{"embassy", Face{Black, 0, 1}, "224578使", stands(t, "224578使", .03, .97), true},

		{"ground to the characters' ends", Face{Blue, .065, .935}, text, stands(t, text, .03, .97), true},
		{"the last character partly covered", Face{Blue, 0, .92}, text, stands(t, text, .03, .97), false},
		{"the first character partly covered", Face{Blue, .08, 1}, text, stands(t, text, .03, .97), false},
		{"the end beyond the picture", whole, text, stands(t, text, .03, 1.05), false},
		{"the beginning before the picture", whole, text, stands(t, text, -.05, .97), false},
		{"the second reader sees fewer characters", whole, text, func() Look {
			look := stands(t, text, .03, .97)
			look.Sights[1] = Sight{}
			return look
		}(), false},

		{"a blue plate that begins as a green one", whole, begins, stands(t, begins, .03, .97), true},
		{"the same by night", Face{Black, 0, 1}, begins, stands(t, begins, .03, .97), true},
		{"a green one's first seven, by night", Face{Black, 0, 1}, begins, asGreen(begins), false},
		{"a green one's first seven, no colour told", Face{UnknownKind, 0, 1}, begins, asGreen(begins), false},
		{"no colour told, and the third reader sees fewer", Face{UnknownKind, 0, 1}, begins, func() Look {
			look := stands(t, begins, .03, .97)
			look.Sights[2] = Sight{}
			return look
		}(), false},

		{"a 1 in its place", whole, "苏E7K391", stands(t, "苏E7K391", .03, .97), true},
		{"a 1 left of its place", whole, "苏E7K391", func() Look {
			look := stands(t, "苏E7K391", .03, .97)
			look.Sights[2].Places[6] -= .02
			return look
		}(), false},

		{"the third reader hardly sees the province", whole, text, stands(t, text, .03, .97).province(.9, .8, .15), true},
		{"the third reader sees it less, the others guess", whole, text, stands(t, text, .03, .97).province(.89, 1, .14), false},
		{"the third reader sees it less, the others are sure", whole, text, stands(t, text, .03, .97).province(.9, .9, .14), true},
		{"the third reader sees another, one is not sure", whole, text, stands(t, text, .03, .97).province(1, .89, 1).insteadOf(2, "浙E7K392"), false},
		{"the third reader sees another, both are sure", whole, text, stands(t, text, .03, .97).insteadOf(2, "浙E7K392"), true},
		{"one of the others sees another", whole, text, stands(t, text, .03, .97).province(1, 1, .1).insteadOf(0, "浙E7K392"), false},
		{"a province in third place", Face{White, 0, 1}, "WJ京1023X", stands(t, "WJ京1023X", .03, .97).insteadOf(1, "WJ冀1023X").insteadOf(2, "WJ冀1023X"), false},
		{"no province", Face{White, 0, 1}, "VA02009", stands(t, "VA02009", .03, .97).province(.5, .8, .1), true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := tc.face.Bears(tc.look.with(tc.text), tc.look); got != tc.want {
				t.Errorf("got %v", got)
			}
		})
	}
	if whole.Bears(Read{Text: text}) {
		t.Error("borne without a look")
	}
}

// with is a look's read with that text.
func (l Look) with(text string) Read {
	l.Text = text
	return l.Read
}

// A province must be seen in both looks, or be sure in both together.
func TestBearsByBothLooks(t *testing.T) {
	face := Face{Colour: Blue, Left: 0, Right: 1}
	const text = "苏E7K392"
	look := func(first, second, third float64) Look {
		return stands(t, text, .03, .97).province(first, second, third)
	}
	for _, tc := range []struct {
		name          string
		first, second Look
		want          bool
	}{
		{"seen in both", look(.5, .8, .9), look(.5, .8, .9), true},
		{"seen in one, guessed in the other", look(.8, .9, .9), look(.8, .9, .1), false},
		{"sure in one, nearly in the other", look(1, .99, .1), look(1, .92, .1), true},
		{"sure in one, not in the other", look(1, 1, .1), look(1, .7, .1), false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := face.Bears(Read{Text: text}, tc.first, tc.second); got != tc.want {
				t.Errorf("got %v", got)
			}
		})
	}
}

// The lower row of two is told in the picture that has it right of the upper
// one, and in a second look at the middle part of the plate.
func TestReach(t *testing.T) {
	const text, upper = "湘A93017", .35
	look := stands(t, text, 0, 1)
	look.Upper = upper
	for i, middle := range lowerRow.middles {
		look.Sights[1].Places[2+i] = upper + (1-upper)*middle
	}
	left, right, ok := look.reach(text)
	if !ok || math.Abs(left-27.5/440) > 1e-9 || math.Abs(right-412.5/440) > 1e-9 {
		t.Errorf("from %v to %v, %v", left, right, ok)
	}
	inner := stands(t, "苏E7K392", -.1, 1.1)
	inner.Inset = 1. / 12
	if left, right, _ = inner.reach("苏E7K392"); math.Abs(left-15.5/440) > 1e-9 || math.Abs(right-424.5/440) > 1e-9 {
		t.Errorf("of the whole plate from %v to %v", left, right)
	}
}
