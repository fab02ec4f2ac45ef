package publish

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidewatch/enforce"
)

var update = flag.Bool("update", false, "write the golden files")

var shanghai = func() *time.Location {
	zone, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		panic(err)
	}
	return zone
}()

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

func date(month time.Month, day int) enforce.Date {
	return enforce.Date{Year: 2026, Month: month, Day: day}
}

// streets are a section with everything, whose rule changes, and one of which
// nothing but its name is known.
func streets() []Section {
	at := date(9, 30).Midnight(shanghai).Add(9 * time.Hour)
	rule := enforce.RoadSection{
		ID: "jianshe-road", Name: "建设路 <1>", Location: shanghai, Effective: date(1, 1),
		ObservationPeriod: 5 * time.Minute, Grace: 10 * time.Minute,
		Windows: []enforce.TidalWindow{
			{Announcement: "〔2026〕12号", From: 19 * 60, Until: 7 * 60, Kinds: []enforce.DayKind{enforce.Workday, enforce.AdjustedWorkday}},
			{Announcement: "〔2026〕13号", From: 0, Until: 24 * 60, Kinds: []enforce.DayKind{enforce.RestDay, enforce.StatutoryHoliday}},
		},
		Limits: []enforce.Limit{{
			Hours:             enforce.Hours{From: 17 * 60, Until: 19 * 60, Kinds: []enforce.DayKind{enforce.Workday}, LastDay: date(12, 31)},
			ObservationPeriod: 2 * time.Minute,
		}},
		Suspensions: []enforce.Suspension{
			{Announcement: "〔2026〕9号", From: date(3, 1).Midnight(shanghai), Until: date(3, 2).Midnight(shanghai)},
			{
				Announcement: "〔2026〕77号", Suspends: "〔2026〕13号",
				From: date(10, 3).Midnight(shanghai), Until: date(10, 3).Midnight(shanghai).Add(12 * time.Hour),
			},
		},
		Calendar: enforce.Calendar{Years: []int{2026}, Days: []enforce.SpecialDay{
			{Date: date(10, 1), Kind: enforce.StatutoryHoliday, Name: "国庆节"},
			{Date: date(10, 10), Kind: enforce.AdjustedWorkday, Name: "国庆节"},
		}},
	}
	now := enforce.NewPolicy(rule)
	rule.Effective, rule.Windows, rule.Suspensions = date(10, 12), rule.Windows[:1], nil
	coming := enforce.NewPolicy(rule)
	bare := enforce.NewPolicy(enforce.RoadSection{ID: "huxi", Name: "湖西路", Location: shanghai, ObservationPeriod: time.Minute})
	return []Section{
		NewSection([]enforce.Policy{now, coming}, &Geometry{LineString, [][2]float64{{104.1, 30.6}, {104.2, 30.7}}}, at),
		NewSection([]enforce.Policy{bare}, nil, at),
	}
}

func TestPage(t *testing.T) {
	var page bytes.Buffer
	if err := Page(&page, streets(), date(9, 30).Midnight(shanghai)); err != nil {
		t.Fatal(err)
	}
	text := page.String()
	for _, outside := range []string{"http:", "https:", "src=", "<script", "@import", "url("} {
		if strings.Contains(text, outside) {
			t.Errorf("the page needs something else: %q", outside)
		}
	}
	golden(t, "page.html", text)
}

func TestGeoJSON(t *testing.T) {
	var text bytes.Buffer
	if err := GeoJSON(&text, streets()); err != nil {
		t.Fatal(err)
	}
	golden(t, "sections.geojson", text.String())
}

func TestPolygonsAreClosedAndGoRoundAgainstTheClock(t *testing.T) {
	want := `{"type":"Polygon","coordinates":[[[0,0],[2,0],[2,1],[0,0]]]}`
	for name, points := range map[string][][2]float64{
		"against the clock": {{0, 0}, {2, 0}, {2, 1}},
		"closed":            {{0, 0}, {2, 0}, {2, 1}, {0, 0}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := json.Marshal(Geometry{Polygon, points})
			if err != nil || string(got) != want {
				t.Errorf("got %s, %v; want %s", got, err, want)
			}
		})
	}
	const turned = `{"type":"Polygon","coordinates":[[[0,0],[2,0],[2,1],[0,0]]]}`
	got, err := json.Marshal(&Geometry{Polygon, [][2]float64{{2, 1}, {2, 0}, {0, 0}}})
	if err != nil || string(got) != turned {
		t.Errorf("with the clock: got %s, %v; want %s", got, err, turned)
	}
}

func TestTheVersionInForceIsTold(t *testing.T) {
	version := func(effective enforce.Date) enforce.Policy {
		return enforce.NewPolicy(enforce.RoadSection{ID: "road", Location: shanghai, Effective: effective})
	}
	first, second, third := version(date(1, 1)), version(date(5, 1)), version(date(9, 1))
	for name, test := range map[string]struct {
		at     enforce.Date
		now    string
		coming string
	}{
		"before the first": {enforce.Date{Year: 2025, Month: 6, Day: 1}, first.ID, second.ID},
		"the first":        {date(4, 30), first.ID, second.ID},
		"the second":       {date(5, 1), second.ID, third.ID},
		"the last":         {date(12, 1), third.ID, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := NewSection([]enforce.Policy{first, second, third}, nil, test.at.Midnight(shanghai))
			coming := ""
			if s.Coming != nil {
				coming = s.Coming.ID
			}
			if s.Policy.ID != test.now || coming != test.coming {
				t.Errorf("told %s, then %s; want %s, then %s", s.Policy.ID, coming, test.now, test.coming)
			}
		})
	}
}
