package enforce

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidewatch/detect"
)

// record is a stop on the kerb.
func record(start, end string, change ...func(*StopRecord)) StopRecord {
	r := RecordOf(detect.Stop{Box: onTheKerb, Class: detect.Car, Start: at(shanghai, start), End: at(shanghai, end)})
	for _, f := range change {
		f(&r)
	}
	return r
}

// exempt makes a vehicle exempt for a time; an empty one is open.
func exempt(from, until string) func(*StopRecord) {
	return func(r *StopRecord) {
		e := ExemptSpan{Kind: Permit, Reference: "许〔2026〕7号"}
		if from != "" {
			e.From = at(shanghai, from)
		}
		if until != "" {
			e.Until = at(shanghai, until)
		}
		r.Exempt = append(r.Exempt, e)
	}
}

func TestExemptVehiclesAreJudgedOutsideTheirExemptions(t *testing.T) {
	trucks := func(s *RoadSection) { s.ExemptClasses = []detect.Class{detect.Truck} }
	for name, test := range map[string]struct {
		policy Policy
		stop   StopRecord
		due    string
		codes  []ReasonCode
	}{
		"for ever": {
			night(nil), record("2026-03-02 10:00:00", "2026-03-02 12:00:00", exempt("", "")),
			"",
			[]ReasonCode{NoWindow, Exempted, WholeStopInside},
		},
		"until it left": {
			night(nil), record("2026-03-02 10:00:00", "2026-03-02 12:00:00", exempt("", "2026-03-02 12:00:01")),
			"",
			[]ReasonCode{NoWindow, Exempted, WholeStopInside},
		},
		"ended: the grace is added": {
			night(nil), record("2026-03-02 10:00:00", "2026-03-02 12:00:00", exempt("", "2026-03-02 11:00:00")),
			"2026-03-02 11:15:00",
			[]ReasonCode{NoWindow, Exempted, ExemptionEnded, PeriodRanOut},
		},
		"too late": {
			night(nil), record("2026-03-02 10:00:00", "2026-03-02 12:00:00", exempt("2026-03-02 10:05:00", "")),
			"2026-03-02 10:05:00",
			[]ReasonCode{NoWindow, PeriodRanOut},
		},
		"a moment sooner": {
			night(nil), record("2026-03-02 10:00:00", "2026-03-02 12:00:00", exempt("2026-03-02 10:04:59", "")),
			"",
			[]ReasonCode{NoWindow, Exempted, WholeStopInside},
		},
		"from a window's end on": {
			night(nil), record("2026-03-02 06:00:00", "2026-03-02 12:00:00", exempt("2026-03-02 07:00:00", "2026-03-02 08:00:00")),
			"2026-03-02 08:15:00",
			[]ReasonCode{InWindow, Exempted, ExemptionEnded, PeriodRanOut},
		},
		"out of a bay, where windows are of no use": {
			night(nil), record("2026-03-02 20:00:00", "2026-03-02 23:00:00", exempt("", "")),
			"",
			[]ReasonCode{OutOfBay, Disorderly, Exempted, WholeStopInside},
		},
		"of a class that the rule leaves out": {
			night(trucks), record("2026-03-02 10:00:00", "2026-03-02 12:00:00", func(r *StopRecord) { r.Class = detect.Truck }),
			"",
			[]ReasonCode{ExemptClass},
		},
		"of another class": {
			night(trucks), record("2026-03-02 10:00:00", "2026-03-02 12:00:00"),
			"2026-03-02 10:05:00",
			[]ReasonCode{NoWindow, PeriodRanOut},
		},
	} {
		t.Run(name, func(t *testing.T) {
			zone := kerb
			if slices.Contains(test.codes, OutOfBay) {
				zone.Bays = []Bay{{ID: "b", Kind: ParkingBay, Polygon: Polygon{{0, 0}, {.1, 0}, {.1, .1}}}}
			}
			v := test.policy.JudgeRecord(test.stop, zone)
			if diff := cmp.Diff(test.codes, codes(v)); diff != "" || v.Suspected != (test.due != "") {
				t.Errorf("suspected %v (-want +got):\n%s", v.Suspected, diff)
			}
			if test.due != "" && !v.Due.Equal(at(shanghai, test.due)) {
				t.Errorf("due %s, want %s", v.Due.In(shanghai), test.due)
			}
		})
	}
}

// randomRecord is a stop of up to three days with what may befall it.
func randomRecord(random *rand.Rand) StopRecord {
	r := record("2026-03-02 00:00:00", "2026-03-02 00:00:00")
	r.Start = r.Start.Add(time.Duration(random.IntN(48*60)) * time.Minute)
	r.End = r.Start.Add(time.Duration(random.IntN(72*60)) * time.Minute)
	for range random.IntN(3) {
		from := r.Start.Add(time.Duration(random.IntN(24*60)) * time.Minute)
		r.Unseen = append(r.Unseen, UnseenSpan{from, from.Add(time.Duration(random.IntN(90)) * time.Minute)})
	}
	slices.SortFunc(r.Unseen, func(a, b UnseenSpan) int { return a.From.Compare(b.From) })
	for i := 1; i < len(r.Unseen); i++ { // they do not overlap
		r.Unseen[i].From = later(r.Unseen[i].From, r.Unseen[i-1].Until)
		r.Unseen[i].Until = later(r.Unseen[i].Until, r.Unseen[i].From)
	}
	return r
}

func randomExemption(random *rand.Rand, r StopRecord) ExemptSpan {
	from := r.Start.Add(time.Duration(random.IntN(72*60)-12*60) * time.Minute)
	return ExemptSpan{Kind: Resident, From: from, Until: from.Add(time.Duration(random.IntN(10*60)) * time.Minute), Reference: "r"}
}

// again is the usual section, in which a stop is another violation after so
// many hours.
func again(hours int) Policy {
	return night(func(s *RoadSection) { s.AgainAfter = time.Duration(hours) * time.Hour })
}

// An exemption more never makes a violation more, nor one sooner; the first
// violation or a later one.
func TestExemptionsNeverAddAViolation(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 8))
	fewer, suspected := 0, 0
	for range 20000 {
		p, r := again(1+random.IntN(12)), randomRecord(random)
		r.Nth = random.IntN(3)
		for range random.IntN(3) {
			r.Exempt = append(r.Exempt, randomExemption(random, r))
		}
		before := p.JudgeRecord(r, kerb)
		more := r
		more.Exempt = append(slices.Clone(r.Exempt), randomExemption(random, r))
		after := p.JudgeRecord(more, kerb)
		if after.Suspected && (!before.Suspected || after.Due.Before(before.Due)) {
			t.Fatalf("%+v\nwith one more exemption: due %s, suspected %v before, due %s", more, after.Due, before.Suspected, before.Due)
		}
		if before.Suspected {
			suspected++
			if !after.Suspected {
				fewer++
			}
		}
	}
	if suspected < 1000 || fewer < 100 {
		t.Errorf("%d suspected, %d of them no more: the test shows little", suspected, fewer)
	}
}

func TestAStopIsOneViolationUnlessTheRuleSaysOtherwise(t *testing.T) {
	for name, test := range map[string]struct {
		policy Policy
		end    string
		since  []string // of each violation
		dues   []string
	}{
		"four days, one violation": {night(nil), "2026-03-06 12:00:00", []string{"2026-03-02 10:00:00"}, []string{"2026-03-02 10:05:00"}},
		"another for each ten hours of no window": {
			again(10), "2026-03-03 19:00:00",
			// 8 h 55 min of the first day are over at 19:00; the window ends at 07:00, the grace at 07:10.
			[]string{"2026-03-02 10:00:00", "2026-03-02 10:05:00", "2026-03-03 08:15:00"},
			[]string{"2026-03-02 10:05:00", "2026-03-03 08:15:00", "2026-03-03 18:15:00"},
		},
		"one second short of another": {
			again(10), "2026-03-03 18:14:59",
			[]string{"2026-03-02 10:00:00", "2026-03-02 10:05:00"},
			[]string{"2026-03-02 10:05:00", "2026-03-03 08:15:00"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var since, dues []string
			for n := range 10 {
				r := record("2026-03-02 10:00:00", test.end, func(r *StopRecord) { r.Nth = n })
				v := test.policy.JudgeRecord(r, kerb)
				if !v.Suspected {
					break
				}
				since = append(since, v.Since.In(shanghai).Format(time.DateTime))
				dues = append(dues, v.Due.In(shanghai).Format(time.DateTime))
			}
			if diff := cmp.Diff([2][]string{test.since, test.dues}, [2][]string{since, dues}); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// However far a stop has been seen, its violations stand where they stood:
// each begins where the last one ended, and none moves as time goes on.
func TestLaterViolationsStay(t *testing.T) {
	random := rand.New(rand.NewPCG(9, 10))
	third := 0
	for range 3000 {
		p, r := again(1+random.IntN(6)), randomRecord(random)
		seen := r
		seen.End = seen.End.Add(time.Duration(random.IntN(30*60)) * time.Minute)
		var last Verdict
		for n := range 4 {
			r.Nth, seen.Nth = n, n
			v, w := p.JudgeRecord(r, kerb), p.JudgeRecord(seen, kerb)
			if v.Suspected && (!w.Suspected || !w.Since.Equal(v.Since) || !w.Due.Equal(v.Due)) {
				t.Fatalf("violation %d is from %s to %s, later %v from %s to %s", n, v.Since, v.Due, w.Suspected, w.Since, w.Due)
			}
			if n > 0 && w.Suspected && (!last.Suspected || !w.Since.Equal(last.Due) || w.Due.Sub(w.Since) < p.Section.AgainAfter) {
				t.Fatalf("violation %d is from %s to %s, the one before ended %s", n, w.Since, w.Due, last.Due)
			}
			if n == 2 && v.Suspected {
				third++
			}
			last = w
		}
	}
	if third < 100 {
		t.Errorf("only %d third violations", third)
	}
}

func TestNthViolationID(t *testing.T) {
	stop := detect.Stop{ID: "stop"}
	ids := map[string]int{}
	for n := range 20 {
		ids[NthViolationID(stop, kerb, n)]++
	}
	if len(ids) != 20 || ids[ViolationID(stop, kerb)] != 1 {
		t.Errorf("20 violations have the IDs %v", ids)
	}
}

// What bears on a decision is part of the document, and read back as it was.
func TestDocumentHoldsExemptionsAndDiscretion(t *testing.T) {
	plain := night(nil)
	for name, change := range map[string]func(*RoadSection){
		"classes": func(s *RoadSection) { s.ExemptClasses = []detect.Class{detect.Bus} },
		"again":   func(s *RoadSection) { s.AgainAfter = 24 * time.Hour },
		"scale":   func(s *RoadSection) { s.Discretion = &Discretion{Announcement: "1", FirstWithinDays: 365} },
		"minor":   func(s *RoadSection) { s.Discretion = &Discretion{Announcement: "1", MinorWithin: time.Minute} },
		"repeat":  func(s *RoadSection) { s.Discretion = &Discretion{Announcement: "1", RepeatWithinDays: 30} },
		"escalation": func(s *RoadSection) {
			s.Discretion = &Discretion{Announcement: "1", RepeatWithinDays: 30, EscalateAt: 3}
		},
		"all sections": func(s *RoadSection) { s.Discretion = &Discretion{Announcement: "1", EverySection: true} },
	} {
		t.Run(name, func(t *testing.T) {
			p := night(change)
			read, err := ParsePolicy(p.Document())
			if err != nil || read.ID != p.ID || p.ID == plain.ID {
				t.Fatalf("%v: policy %s read as %s, without it %s\n%s", err, p.ID, read.ID, plain.ID, p.Document())
			}
			if diff := cmp.Diff(p.Section.Discretion, read.Section.Discretion); diff != "" || !slices.Equal(p.Section.ExemptClasses, read.Section.ExemptClasses) ||
				p.Section.AgainAfter != read.Section.AgainAfter {
				t.Errorf("read back otherwise: %s", diff)
			}
		})
	}
}

func TestScalesThatMeanNothing(t *testing.T) {
	for want, d := range map[string]Discretion{
		"announcement is missing":      {FirstWithinDays: 1},
		"may be negative":              {Announcement: "1", FirstWithinDays: -1},
		"want at most 3660 days":       {Announcement: "1", RepeatWithinDays: 3661},
		"repeat_within_days, which is": {Announcement: "1", EscalateAt: 2},
		"want 2 or more":               {Announcement: "1", RepeatWithinDays: 1, EscalateAt: 1},
	} {
		t.Run(want, func(t *testing.T) {
			if err := d.Validate(); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("error %v, want one that says %q", err, want)
			}
			text := night(func(s *RoadSection) { s.Discretion = &d }).Document()
			if d.FirstWithinDays >= 0 {
				if _, err := ParsePolicy(text); err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("read from a document: %v, want an error that says %q", err, want)
				}
			}
		})
	}
	if _, err := ParsePolicy(night(func(s *RoadSection) { s.AgainAfter = time.Minute }).Document()); err == nil {
		t.Error("a stop that is another violation each minute was taken")
	}
}
