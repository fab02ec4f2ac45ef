package enforce

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func area(x, y, w, h float64) Polygon { return Polygon{{x, y}, {x + w, y}, {x + w, y + h}, {x, y + h}} }

// ell is an L of three fields of 0.1 by 0.1.
var ell = Polygon{{0.1, 0.1}, {0.2, 0.1}, {0.2, 0.2}, {0.3, 0.2}, {0.3, 0.3}, {0.1, 0.3}}

func TestOverlap(t *testing.T) {
	backwards := slices.Clone(ell)
	slices.Reverse(backwards)
	for name, test := range map[string]struct {
		p, q Polygon
		want float64
	}{
		"the same":         {ell, ell, 0.03},
		"the other way":    {ell, backwards, 0.03},
		"apart":            {ell, area(0.5, 0.5, 0.1, 0.1), 0},
		"side by side":     {area(0, 0, 0.5, 0.5), area(0.5, 0, 0.5, 0.5), 0},
		"in its corner":    {ell, area(0.2, 0.1, 0.1, 0.1), 0},
		"over its corner":  {ell, area(0.15, 0.15, 0.1, 0.1), 0.0075},
		"one in the other": {area(0, 0, 1, 1), ell, 0.03},
		"nothing":          {nil, ell, 0},
	} {
		t.Run(name, func(t *testing.T) {
			for _, got := range []float64{test.p.Overlap(test.q), test.q.Overlap(test.p)} {
				if math.Abs(got-test.want) > 1e-12 {
					t.Errorf("%v, want %v", got, test.want)
				}
			}
		})
	}
}

// star is a polygon around a point whose outline does not cross itself.
func star(random *rand.Rand) Polygon {
	center := Point{0.3 + 0.4*random.Float64(), 0.3 + 0.4*random.Float64()}
	n := 3 + random.IntN(12)
	p := make(Polygon, n)
	for i := range p {
		turned, far := 2*math.Pi*(float64(i)+0.8*random.Float64())/float64(n), 0.05+0.25*random.Float64()
		p[i] = Point{center.X + far*math.Cos(turned), center.Y + far*math.Sin(turned)}
	}
	return p
}

// holds reports whether a point lies in the polygon: a ray crosses it an odd
// number of times.
func (p Polygon) holds(q Point) bool {
	in := false
	for i := range p {
		s := p.side(i)
		if (s[0].Y > q.Y) != (s[1].Y > q.Y) && q.X < s[0].X+(q.Y-s[0].Y)/(s[1].Y-s[0].Y)*(s[1].X-s[0].X) {
			in = !in
		}
	}
	return in
}

// Areas over each other are held against counting points.
func TestOverlapIsWhatCountingPointsTells(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	const steps = 200
	for range 200 {
		p, q := star(random), star(random)
		both := 0
		for i := range steps * steps {
			at := Point{(float64(i%steps) + 0.5) / steps, (float64(i/steps) + 0.5) / steps}
			if p.holds(at) && q.holds(at) {
				both++
			}
		}
		if counted := float64(both) / steps / steps; math.Abs(p.Overlap(q)-counted) > 0.004 {
			t.Errorf("%v and %v: %v, counted %v", p, q, p.Overlap(q), counted)
		}
		if p.Tangled() {
			t.Errorf("%v does not cross itself", p)
		}
	}
}

func TestTangled(t *testing.T) {
	pentagram := make(Polygon, 5)
	for i := range pentagram {
		a := 4 * math.Pi * float64(i) / 5
		pentagram[i] = Point{0.5 + 0.2*math.Sin(a), 0.5 - 0.2*math.Cos(a)}
	}
	for name, test := range map[string]struct {
		p        Polygon
		tangled  bool
		crossing bool
	}{
		"simple":                 {ell, false, false},
		"two points exchanged":   {Polygon{{0.1, 0.1}, {0.3, 0.1}, {0.1, 0.3}, {0.3, 0.3}}, true, true},
		"a small one":            {Polygon{{0.1, 0.1}, {0.13, 0.1}, {0.1, 0.13}, {0.13, 0.13}}, true, true},
		"wound twice":            {pentagram, true, true},
		"crossing at a point":    {Polygon{{0, 0}, {0.4, 0.4}, {0.4, 0}, {0.2, 0.2}, {0, 0.4}}, true, false},
		"run around twice":       {slices.Concat(ell, ell), true, false},
		"touching itself":        {Polygon{{0, 0}, {0.2, 0.2}, {0.4, 0}, {0.4, 0.4}, {0.2, 0.2}, {0, 0.4}}, false, false},
		"a spike without area":   {Polygon{{0, 0}, {0.4, 0}, {0.9, 0}, {0.4, 0}, {0.4, 0.4}, {0, 0.4}}, false, false},
		"crossing by a rounding": {Polygon{{0, 0}, {0.4, 0}, {0.4, 0.4}, {0.1999, 0.2}, {0.2001, 0.2}, {0, 0.4}}, false, true},
		"a line":                 {Polygon{{0, 0}, {0.4, 0}, {0.2, 0}}, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, crossing := test.p.Crossing()
			if got := test.p.Tangled(); got != test.tangled || crossing != test.crossing {
				t.Errorf("tangled %v, crossing %v; want %+v", got, crossing, test)
			}
		})
	}
}

func TestDoubledPoints(t *testing.T) {
	for name, test := range map[string]struct {
		p     Polygon
		point int
		found bool
	}{
		"none":                  {ell, 0, false},
		"closed":                {append(slices.Clone(ell), ell[0]), 0, true},
		"one after the other":   {slices.Insert(slices.Clone(ell), 3, ell[2]), 3, true},
		"a point by itself":     {Polygon{{0, 0}}, 0, false},
		"none at all":           {nil, 0, false},
		"a thousandth of width": {Polygon{{0, 0}, {0.001, 0}, {0, 1}}, 0, false},
	} {
		if point, found := test.p.Doubled(); point != test.point || found != test.found {
			t.Errorf("%s: %d, %v; want %d, %v", name, point, found, test.point, test.found)
		}
	}
}

func TestWidth(t *testing.T) {
	for want, p := range map[float64]Polygon{
		0:               nil,
		0.1:             area(0, 0, 0.2, 0.2),
		0.0019801980198: area(0, 0, 0.2, 0.002),
	} {
		if got := p.Width(); math.Abs(got-want) > 1e-9 {
			t.Errorf("%v is %v wide, want %v", p, got, want)
		}
	}
}
