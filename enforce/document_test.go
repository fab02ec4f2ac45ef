package enforce

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// whole is a section with every field.
func whole(s *RoadSection) {
	s.Name, s.Effective, s.ClockError = "建设路", Date{2026, 1, 1}, time.Second
	s.Windows[0].Name = "夜间"
	s.Windows[0].Weekdays = []time.Weekday{time.Sunday, time.Monday}
	s.Windows[0].Kinds = []DayKind{RestDay, StatutoryHoliday}
	s.Windows[0].Days = []Date{{2026, 3, 2}}
	s.Windows[0].FirstDay, s.Windows[0].LastDay = Date{2026, 1, 1}, Date{2026, 12, 31}
	s.Limits = []Limit{{Hours{From: 17 * 60, Until: 24 * 60, Kinds: []DayKind{AdjustedWorkday}}, 2 * time.Minute, 0}}
	s.Suspensions = []Suspension{{"2026-77", "2026-12", at(shanghai, "2026-05-01 00:00:00"), at(shanghai, "2026-05-04 00:00:00")}}
	s.Calendar = Calendar{Years: []int{2024, 2025, 2026}, Days: []SpecialDay{
		{Date{2024, 1, 1}, StatutoryHoliday, "元旦"}, {Date{2026, 1, 1}, StatutoryHoliday, "元旦"}, {Date{2026, 1, 4}, AdjustedWorkday, "元旦"},
	}}
}

// What a policy is written as never changes: it would give every policy that a
// case names another ID.
const wholeDocument = `{
 "section": "road",
 "time_zone": "Asia/Shanghai",
 "effective": "2026-01-01",
 "code": "1039",
 "observation_period": "5m0s",
 "grace": "10m0s",
 "clock_error": "1s",
 "limits": [
  {
   "from": "17:00",
   "until": "24:00",
   "kinds": [
    "adjusted_workday"
   ],
   "observation_period": "2m0s",
   "grace": "0s"
  }
 ],
 "windows": [
  {
   "announcement": "2026-12",
   "name": "夜间",
   "from": "19:00",
   "until": "07:00",
   "weekdays": [
    "sun",
    "mon"
   ],
   "kinds": [
    "rest_day",
    "statutory_holiday"
   ],
   "days": [
    "2026-03-02"
   ],
   "first_day": "2026-01-01",
   "last_day": "2026-12-31"
  }
 ],
 "suspensions": [
  {
   "announcement": "2026-77",
   "suspends": "2026-12",
   "from": "2026-05-01T00:00:00+08:00",
   "until": "2026-05-04T00:00:00+08:00"
  }
 ],
 "calendar": {
  "years": [
   2025,
   2026
  ],
  "days": [
   {
    "date": "2026-01-01",
    "kind": "statutory_holiday",
    "name": "元旦"
   },
   {
    "date": "2026-01-04",
    "kind": "adjusted_workday",
    "name": "元旦"
   }
  ]
 }
}
`

const bareDocument = `{
 "section": "road",
 "time_zone": "Asia/Shanghai",
 "code": "1039",
 "observation_period": "5m0s",
 "grace": "10m0s",
 "windows": [
  {
   "announcement": "2026-12",
   "from": "19:00",
   "until": "07:00"
  }
 ]
}
`

func TestADocumentIsWrittenAsItAlwaysWas(t *testing.T) {
	for name, test := range map[string]struct {
		policy Policy
		want   string
	}{
		"everything": {night(whole), wholeDocument},
		"little":     {night(nil), bareDocument},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, string(test.policy.Document())); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			sum := sha256.Sum256([]byte(test.want))
			if test.policy.ID != hex.EncodeToString(sum[:]) {
				t.Errorf("ID %s is not the document's SHA-256", test.policy.ID)
			}
			read, err := ParsePolicy([]byte(test.want))
			if err != nil || read.ID != test.policy.ID {
				t.Errorf("read back as %s, %v", read.ID, err)
			}
		})
	}
}

func TestOnlyWholeDocumentsAreRead(t *testing.T) {
	for name, test := range map[string]struct{ old, replacement, want string }{
		"cut":                   {"\n}\n", "", "read policy: unexpected EOF"},
		"something after it":    {"\n}\n", "\n}\n{}", "was it edited?"},
		"an unknown field":      {`"code"`, `"coed"`, `unknown field "coed"`},
		"another order":         {" \"section\": \"road\",\n", "", "was it edited?"},
		"a field twice":         {`"code": "1039",`, "\"code\": \"1039\",\n \"code\": \"1039\",", "was it edited?"},
		"other spaces":          {`"code": `, `"code":  `, "was it edited?"},
		"a kind unknown":        {`"rest_day"`, `"sunday"`, `windows[0]: kind of day "sunday"`},
		"a weekday unknown":     {`"sun"`, `"Sun"`, `weekday "Sun"`},
		"no hours":              {`"until": "07:00"`, `"until": "19:00"`, "windows[0]: until is the same as from"},
		"a day that is none":    {`"2026-03-02"`, `"2026-02-30"`, `day "2026-02-30"`},
		"a negative grace":      {`"grace": "10m0s"`, `"grace": "-10m0s"`, "is negative"},
		"a zone unknown":        {"Asia/Shanghai", "Asia/Atlantis", `time_zone "Asia/Atlantis"`},
		"the machine's zone":    {"Asia/Shanghai", "Local", `time_zone "Local"`},
		"a suspension backward": {"2026-05-04T", "2026-04-04T", "suspensions[0]: until is not after from"},
		"a suspension for ever": {"2026-05-04T", "9999-05-04T", "suspensions[0]: want years from"},
		"holidays in disorder":  {`"2026-01-04"`, `"2025-01-04"`, "2025-01-04 is out of order"},
		"years in disorder":     {"2025,\n   2026", "2026,\n   2025", "years are not in order"},
		"an ordinary day":       {`"kind": "adjusted_workday"`, `"kind": "workday"`, "want statutory_holiday or adjusted_workday"},
	} {
		t.Run(name, func(t *testing.T) {
			text := strings.Replace(wholeDocument, test.old, test.replacement, 1)
			if text == wholeDocument {
				t.Fatal("nothing was changed")
			}
			if _, err := ParsePolicy([]byte(text)); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %q", err, test.want)
			}
		})
	}
}

func FuzzParsePolicy(f *testing.F) {
	f.Add([]byte(wholeDocument))
	f.Add([]byte(bareDocument))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := ParsePolicy(text)
		if err != nil {
			return
		}
		if !bytes.Equal(p.Document(), text) {
			t.Fatalf("read\n%s\nwritten\n%s", text, p.Document())
		}
		if sum := sha256.Sum256(text); p.ID != hex.EncodeToString(sum[:]) {
			t.Fatalf("ID %s is not the document's SHA-256", p.ID)
		}
		stop := newDice(1).stop(RoadSection{Location: p.Section.Location, Windows: []TidalWindow{{From: 0, Until: 60}}})
		if v := p.JudgeRecord(stop, kerb); len(v.Reasons) == 0 {
			t.Fatalf("no reasons under\n%s", text)
		}
	})
}

func TestHolidaysChangeOnlyPoliciesThatAskForThem(t *testing.T) {
	holidays := Calendar{Years: []int{2025, 2026}, Days: []SpecialDay{{Date{2026, 1, 1}, StatutoryHoliday, "元旦"}}}
	asking := func(c Calendar, effective Date) Policy {
		return night(func(s *RoadSection) { s.Calendar, s.Effective, s.Windows[0].Kinds = c, effective, []DayKind{Workday} })
	}
	if with := night(func(s *RoadSection) { s.Calendar = holidays }); with.ID != night(nil).ID {
		t.Error("holidays change a policy that does not depend on them")
	}
	since := Date{2026, 1, 1}
	if asking(holidays, since).ID == asking(Calendar{}, since).ID {
		t.Error("holidays do not change a policy that depends on them")
	}
	more := Calendar{Years: []int{2010, 2025, 2026}, Days: append([]SpecialDay{{Date{2010, 1, 1}, StatutoryHoliday, "元旦"}}, holidays.Days...)}
	if asking(holidays, since).ID != asking(more, since).ID {
		t.Error("holidays of long before change a policy")
	}
}

func TestPoliciesAt(t *testing.T) {
	ps := Policies{}
	version := func(effective Date) string {
		p := night(func(s *RoadSection) { s.Effective = effective })
		ps.Add(p)
		return p.ID
	}
	july, january := version(Date{2026, 7, 1}), version(Date{2026, 1, 1})
	for name, test := range map[string]struct{ at, want string }{
		"before any":                {"2025-12-31 23:59:59", ""},
		"the first second":          {"2026-01-01 00:00:00", january},
		"the last second":           {"2026-06-30 23:59:59", january},
		"the second's first second": {"2026-07-01 00:00:00", july},
		"long after":                {"2030-01-01 00:00:00", july},
	} {
		t.Run(name, func(t *testing.T) {
			got, inForce := ps.At("road", at(shanghai, test.at))
			if got.ID != test.want || inForce != (test.want != "") {
				t.Errorf("got %q, %v; want %q", got.ID, inForce, test.want)
			}
		})
	}
	if _, known := ps.At("elsewhere", time.Now()); known {
		t.Error("a section that is not known has a policy")
	}
}

// Cases of before wrote a window's days as moments.
func TestWindowsOfOldCasesAreRead(t *testing.T) {
	var w TidalWindow
	text := `{"announcement":"2026-12","from":"19:00","until":"07:00","weekdays":[1],"first_day":"2026-01-01T00:00:00Z","last_day":"2026-12-31T00:00:00Z"}`
	if err := json.Unmarshal([]byte(text), &w); err != nil {
		t.Fatal(err)
	}
	want := TidalWindow{
		Announcement: "2026-12", From: clock("19:00"), Until: clock("07:00"), Weekdays: []time.Weekday{time.Monday},
		FirstDay: Date{2026, 1, 1}, LastDay: Date{2026, 12, 31},
	}
	if diff := cmp.Diff(want, w); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestACaseOfBeforeCannotBeJudgedAgain(t *testing.T) {
	v := Rejudge(Violation{Zone: RefOf(kerb)}, night(nil))
	if v.Suspected || len(v.Reasons) != 1 || v.Reasons[0].Code != NotRecorded {
		t.Errorf("verdict = %+v", v)
	}
}
