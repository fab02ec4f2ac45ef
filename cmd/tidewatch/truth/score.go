package truth

import (
	"cmp"
	"math"
	"slices"
	"time"

	"tidewatch/detect"
)

// Outcome is what a stop turned out to be.
type Outcome string

// The outcomes. Only the first four count.
const (
	Matched Outcome = "matched" // found where and when a vehicle was parked
	Missed  Outcome = "missed"  // parked and not found
	False   Outcome = "false"   // found where nothing was parked
	Doubled Outcome = "doubled" // found, and another stop matches the vehicle better
	Aside   Outcome = "aside"   // found, and it is right or doubtful to find it: a pause, or what is ignored
)

// PlateOutcome is how the plate of a matched vehicle was read; empty where
// people could not read it either.
type PlateOutcome string

// The outcomes of reading a plate.
const (
	Right  PlateOutcome = "right"
	Wrong  PlateOutcome = "wrong"
	Unread PlateOutcome = "unread"
)

// Line is one stop and what it turned out to be.
type Line struct {
	Outcome Outcome
	Found   *detect.Stop // nil: missed
	Truth   *Stop        // nil: false, and nothing is known of the place
	Plate   PlateOutcome

	StartError time.Duration // found minus true; matched stops only
	EndError   time.Duration
}

// Score is how a film's stops turned out, in order of start.
type Score struct {
	Lines []Line
}

const (
	// sameBox is the intersection over union from which a found box is that of a
	// vehicle: boxes drawn by hand are not exact.
	sameBox = 0.4
	// sameTime is the share of the shorter of two times that they must share.
	sameTime = 0.5
	// inIgnored is the share of a found box that must lie in an ignored one.
	inIgnored = 0.5
	// partOf is the share of a found box that must lie in a vehicle's to be a
	// second stop of a part of it.
	partOf = 0.7
)

// Against scores the stops that were found in a film that began at start. Only
// what stands in the film's zone counts.
//
// Pairs of a found stop and a parked vehicle that overlap enough in the picture
// and in time are joined one to one, the best first.
func Against(film Film, start time.Time, found []detect.Stop) Score {
	s := scorer{film: film, start: start, outcomes: make([]Outcome, len(found)), truths: make([]*Stop, len(found))}
	for i := range found {
		if s.counts(found[i].Box) {
			s.found = append(s.found, &found[i])
		}
	}
	s.match()
	s.sort()
	return s.score()
}

type scorer struct {
	film     Film
	start    time.Time
	found    []*detect.Stop
	outcomes []Outcome // of what was found
	truths   []*Stop   // that it was held against
	missed   []*Stop
}

// counts reports whether a vehicle stands in the zone.
func (s *scorer) counts(b detect.Box) bool {
	return len(s.film.Zone.Polygon) == 0 || s.film.Zone.Holds(b)
}

// match joins parked vehicles and stops.
func (s *scorer) match() {
	type pair struct {
		truth, found int
		fit          float64
	}
	var pairs []pair
	for i := range s.film.Stops {
		truth := &s.film.Stops[i]
		if truth.Kind != Parked || truth.Ignore || !s.counts(truth.Box) {
			continue
		}
		for j, found := range s.found {
			if fit := s.fit(truth, found); fit > 0 {
				pairs = append(pairs, pair{i, j, fit})
			}
		}
	}
	slices.SortStableFunc(pairs, func(a, b pair) int { return cmp.Compare(b.fit, a.fit) })
	taken := map[int]bool{}
	for _, p := range pairs {
		if taken[p.truth] || s.outcomes[p.found] != "" {
			continue
		}
		taken[p.truth] = true
		s.outcomes[p.found], s.truths[p.found] = Matched, &s.film.Stops[p.truth]
	}
	for i := range s.film.Stops {
		truth := &s.film.Stops[i]
		if truth.Kind == Parked && !truth.Ignore && !taken[i] && s.counts(truth.Box) {
			s.missed = append(s.missed, truth)
		}
	}
}

// fit is how well a found stop fits a vehicle, by place and time together; 0 is
// not at all.
func (s *scorer) fit(truth *Stop, found *detect.Stop) float64 {
	overlap := truth.Box.IoU(BoxAt(*found, s.moment(truth.BoxAt)))
	shared, shorter, union := s.times(truth, found)
	if overlap < sameBox || shared < sameTime*shorter {
		return 0
	}
	return overlap * shared / union
}

// times is how long both stand at once, how long the shorter one does, and how
// long one or the other does, in seconds.
func (s *scorer) times(truth *Stop, found *detect.Stop) (shared, shorter, union float64) {
	start, end := s.seconds(found.Start), s.seconds(found.End)
	shared = max(0, min(end, truth.End)-max(start, truth.Start))
	return shared, min(end-start, truth.End-truth.Start), max(end-start+truth.End-truth.Start-shared, math.SmallestNonzeroFloat64)
}

// sort says of each stop that matched nothing what it is.
func (s *scorer) sort() {
	for j, found := range s.found {
		if s.outcomes[j] == "" {
			s.outcomes[j], s.truths[j] = s.otherwise(found)
		}
	}
}

// otherwise is what a stop that matched nothing is: first by a vehicle that it
// fits, then by what is ignored, last by a vehicle of which it is a part.
func (s *scorer) otherwise(found *detect.Stop) (Outcome, *Stop) {
	if truth := s.first(func(t *Stop) bool { return !t.Ignore && s.fit(t, found) > 0 }); truth != nil {
		return map[Kind]Outcome{Parked: Doubled, Pause: Aside, Queue: False}[truth.Kind], truth
	}
	if truth := s.first(func(t *Stop) bool { return t.Ignore && s.within(t, found, inIgnored) }); truth != nil {
		return Aside, truth
	}
	if truth := s.first(func(t *Stop) bool { return !t.Ignore && t.Kind == Parked && s.within(t, found, partOf) }); truth != nil {
		return Doubled, truth
	}
	return False, nil
}

func (s *scorer) first(is func(*Stop) bool) *Stop {
	for i := range s.film.Stops {
		if is(&s.film.Stops[i]) {
			return &s.film.Stops[i]
		}
	}
	return nil
}

// within reports whether a share of a found box lies in a true one for most of
// the time.
func (s *scorer) within(truth *Stop, found *detect.Stop, share float64) bool {
	shared, _, _ := s.times(truth, found)
	return shared > 0 && shared >= sameTime*found.End.Sub(found.Start).Seconds() &&
		BoxAt(*found, s.moment(truth.BoxAt)).Covered(truth.Box) >= share
}

func (s *scorer) score() Score {
	var score Score
	for j, found := range s.found {
		line := Line{Outcome: s.outcomes[j], Found: found, Truth: s.truths[j]}
		if line.Outcome == Matched {
			line.StartError = found.Start.Sub(s.moment(line.Truth.Start))
			line.EndError = found.End.Sub(s.moment(line.Truth.End))
			line.Plate = readOf(line.Truth.Plate, found)
		}
		score.Lines = append(score.Lines, line)
	}
	for _, truth := range s.missed {
		score.Lines = append(score.Lines, Line{Outcome: Missed, Truth: truth})
	}
	slices.SortStableFunc(score.Lines, func(a, b Line) int { return s.began(a).Compare(s.began(b)) })
	return score
}

// began is when a line's stop began.
func (s *scorer) began(l Line) time.Time {
	if l.Found != nil {
		return l.Found.Start
	}
	return s.moment(l.Truth.Start)
}

func (s *scorer) moment(seconds float64) time.Time {
	return s.start.Add(time.Duration(seconds * float64(time.Second)))
}

func (s *scorer) seconds(t time.Time) float64 { return t.Sub(s.start).Seconds() }

// BoxAt is where a stop was seen at about a moment: the camera may move. Between
// two pictures it is taken to have moved evenly.
func BoxAt(s detect.Stop, at time.Time) detect.Box {
	seen := slices.DeleteFunc(slices.Clone(s.Observations), func(o detect.Observation) bool { return o.Box.Area() <= 0 })
	seen = append(seen, detect.Observation{At: s.End, Box: s.Box})
	next := slices.IndexFunc(seen, func(o detect.Observation) bool { return !o.At.Before(at) })
	switch {
	case next == 0:
		return seen[0].Box
	case next < 0:
		return s.Box
	}
	before, after := seen[next-1], seen[next]
	share := at.Sub(before.At).Seconds() / after.At.Sub(before.At).Seconds()
	between := func(a, b float64) float64 { return a + share*(b-a) }
	return detect.Box{
		X: between(before.Box.X, after.Box.X), Y: between(before.Box.Y, after.Box.Y),
		W: between(before.Box.W, after.Box.W), H: between(before.Box.H, after.Box.H),
	}
}

// readOf compares a plate with what people read.
func readOf(truth string, found *detect.Stop) PlateOutcome {
	switch {
	case truth == "":
		return ""
	case !found.Plate.Accepted:
		return Unread
	case samePlate([]rune(truth), []rune(found.Plate.Text)):
		return Right
	}
	return Wrong
}

func samePlate(truth, read []rune) bool {
	return slices.EqualFunc(truth, read, func(a, b rune) bool { return a == '_' || a == b })
}
