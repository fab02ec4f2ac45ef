package exempt

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/goleak"

	"tidewatch/enforce"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var shanghai = func() *time.Location {
	l, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		panic(err)
	}
	return l
}()

var testRules = Rules{Location: shanghai, Sections: []string{"huxi", "jianshe-road"}}

const whole = "\ufeff" + `# as the streets told it on 1 March
kind,plate,sections,from,until,reference,by
resident,川A·12345,huxi,,2026-12-31,"湖西社区〔2026〕12号",
emergency, 川a 98765 ,,,,消防救援,
breakdown,川AD12345,huxi;jianshe-road,2026-03-01 08:00,2026-03-01 10:30,报障 0301-7,张三
`

func TestParse(t *testing.T) {
	list, err := Parse("list.csv", []byte(whole), testRules)
	if err != nil || list.Len() != 3 {
		t.Fatalf("%d entries, %v", list.Len(), err)
	}
	day := func(s string) time.Time {
		at, err := time.ParseInLocation("2006-01-02 15:04", s, shanghai)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	always := enforce.Span{From: day("2020-01-01 00:00"), Until: day("2030-01-01 00:00")}
	for _, want := range []enforce.Exemption{
		{Kind: enforce.Resident, Plate: "川A12345", Sections: []string{"huxi"}, Until: day("2027-01-01 00:00"), Reference: "湖西社区〔2026〕12号"},
		{Kind: enforce.Emergency, Plate: "川A98765", Reference: "消防救援"},
		{
			Kind: enforce.Breakdown, Plate: "川AD12345", Sections: []string{"huxi", "jianshe-road"},
			From: day("2026-03-01 08:00"), Until: day("2026-03-01 10:30"), Reference: "报障 0301-7", By: "张三",
		},
	} {
		got := list.Covering(want.Plate, "huxi", always)
		if diff := cmp.Diff([]enforce.Exemption{want}, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", want.Kind, diff)
		}
	}
}

func TestMistakesAreSaidWithTheirLinesAndWithoutPlates(t *testing.T) {
	const header = "kind,plate,reference,sections,from,until,by\n"
	for name, test := range map[string]struct {
		text string
		want []string
	}{
		"empty":            {"", []string{"list.csv:1: holds no header: want kind,plate,reference,sections,from,until,by"}},
		"no such column":   {"kind,plate,reference,川A12345\n", []string{"list.csv:1: column 4: unknown"}},
		"column twice":     {"kind,plate,plate,reference\n", []string{"list.csv:1: column plate: stands there twice"}},
		"column missing":   {"kind,plate\n", []string{"list.csv:1: column reference: is missing"}},
		"too few fields":   {header + "resident,川A12345\n", []string{"list.csv:2: has 2 fields, the header 7"}},
		"not UTF-8":        {"kind,plate,reference\nresident,\xb4\xa8A12345,1\n", []string{"list.csv:1: is not UTF-8: save it as CSV in UTF-8"}},
		"quotes":           {header + "resident,\"川A12345,1,,,,\n", []string{`list.csv:2: extraneous or missing " in quoted-field`}},
		"kind":             {header + "friend,川A12345,1,,,,\n", []string{"list.csv:2: kind: want emergency, permit, resident or breakdown"}},
		"plate":            {header + "resident,川A1234,1,,,,\n", []string{"list.csv:2: plate: no known kind of plate is written like this"}},
		"reference":        {header + "resident,川A12345,,,,,\n", []string{"list.csv:2: reference: is missing"}},
		"section":          {header + "resident,川A12345,1,huxi nowhere,,,\n", []string{"list.csv:2: sections: entry 2 of them: no such section"}},
		"from":             {header + "resident,川A12345,1,,1.3.2026,,\n", []string{"list.csv:2: from: want a day such as 2026-01-31, or 2026-01-31 08:00"}},
		"until":            {header + "resident,川A12345,1,,,2026-02-30,\n", []string{"list.csv:2: until: want a day"}},
		"ends as it began": {header + "resident,川A12345,1,,2026-03-02 00:00,2026-03-01,\n", []string{"list.csv:2: until: is not after from"}},
		"breakdown":        {header + "breakdown,川A12345,1,huxi,2026-03-01,2026-03-01,\n", []string{"list.csv:2: a breakdown needs sections, from, until and by"}},
		"all of them": {
			header + "# a remark\nfriend,川A12345,1,,,,\n\nresident,川A12345,,,,,\n",
			[]string{"list.csv:3: kind", "list.csv:5: reference"},
		},
		"endless": {header + strings.Repeat("friend,川A12345,1,,,,\n", 100), []string{"list.csv: there are more mistakes"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse("list.csv", []byte(test.text), testRules)
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q, want one that says %q", err, want)
				}
			}
			if strings.Contains(err.Error(), "A1234") || strings.Count(err.Error(), "\n") > mostMistakes {
				t.Errorf("error %q names a plate, or does not end", err)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(whole))
	f.Add([]byte("kind,plate,reference\nresident,川A12345,1\n"))
	f.Add([]byte("plate,kind,reference\n\"川\nA12345\",permit,1\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		list, err := Parse("list.csv", text, testRules)
		again, againErr := Parse("list.csv", text, testRules)
		if list.ID != again.ID || (err == nil) != (againErr == nil) || (err == nil) != (list.ID != "") {
			t.Errorf("read as %q (%v) and %q (%v)", list.ID, err, again.ID, againErr)
		}
	})
}

func write(t *testing.T, file, text string, modified time.Time) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(file, modified, modified); err != nil {
		t.Fatal(err)
	}
}

// A list that changes is taken, one with a mistake is not, and nothing of it is
// logged.
func TestTheListIsReadAnew(t *testing.T) {
	file := filepath.Join(t.TempDir(), "list.csv")
	modified := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	const one = "kind,plate,reference\nresident,川A12345,1\n"
	write(t, file, one, modified)
	var logs bytes.Buffer
	cfg := Config{File: file, Rules: testRules, Reload: time.Hour}
	l, err := Open(cfg, slog.New(slog.NewTextHandler(&logs, nil)), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	first := l.Current().ID
	for i, step := range []struct {
		text            string // empty: removed
		entries         int
		stale, failures float64
	}{
		{one, 1, 0, 0},
		{one + "permit,川A98765,2\n", 2, 0, 0},
		{one + "permit,川A9876,2\n", 2, 1, 1},
		{one + "permit,川A9876,2\n", 2, 1, 1}, // touched, with the same mistake
		{"", 2, 1, 2},
		{one, 1, 0, 2},
	} {
		if step.text == "" {
			if err := os.Remove(file); err != nil {
				t.Fatal(err)
			}
		} else {
			write(t, file, step.text, modified.Add(time.Duration(i)*time.Second))
		}
		l.renew()
		stale, failures := testutil.ToFloat64(l.metrics.stale), testutil.ToFloat64(l.metrics.failures)
		if got := l.Current().Len(); got != step.entries || stale != step.stale || failures != step.failures {
			t.Errorf("step %d: %d entries, stale %v, failures %v; want %+v", i, got, stale, failures, step)
		}
	}
	if l.Current().ID != first {
		t.Errorf("the first list again is %s, was %s", l.Current().ID, first)
	}
	if strings.Contains(logs.String(), "川") || strings.Count(logs.String(), "\n") != 4 {
		t.Errorf("logs name a plate, or not each change once:\n%s", &logs)
	}
}

func TestOpenSaysWhatIsWrong(t *testing.T) {
	cfg := Config{File: filepath.Join(t.TempDir(), "none.csv"), Rules: testRules, Reload: time.Second}
	if _, err := Open(cfg, slog.New(slog.DiscardHandler), prometheus.NewRegistry()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}

func TestRunFollowsTheFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "list.csv")
	write(t, file, "kind,plate,reference\n", time.Now().Add(-time.Hour))
	l, err := Open(Config{File: file, Rules: testRules, Reload: time.Millisecond}, slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- l.Run(ctx) }()
	write(t, file, "kind,plate,reference\nresident,川A12345,1\n", time.Now())
	for deadline := time.Now().Add(time.Minute); l.Current().Len() != 1; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the new list is not taken")
		}
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("Run: %v", err)
	}
}
