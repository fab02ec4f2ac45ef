package exempt

import (
	"bytes"
	"context"
	"errors"
	"fmt"
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
		"empty":              {"", []string{"list.csv:1: holds no header: want kind,plate,reference,sections,from,until,by"}},
		"no such column":     {"kind,plate,reference,川A12345\n", []string{"list.csv:1: column 4: unknown"}},
		"column twice":       {"kind,plate,plate,reference\n", []string{"list.csv:1: column plate: stands there twice"}},
		"column missing":     {"kind,plate\n", []string{"list.csv:1: column reference: is missing"}},
		"too few fields":     {header + "resident,川A12345\n", []string{"list.csv:2: has 2 fields, the header 7"}},
		"not UTF-8":          {"kind,plate,reference\nresident,\xb4\xa8A12345,1\n", []string{"list.csv:2: is not UTF-8: save it as UTF-8; it looks like GBK or GB18030"}},
		"cut in a character": {header + "resident,川A12345,建设路社\xe5,,,,\n", []string{"list.csv:2: is not UTF-8: save it as UTF-8"}},
		"hidden":             {header + "resident,川A\u200b12345,1,,,,\n", []string{"list.csv:2: holds U+200B, which cannot be seen; remove it"}},
		"semicolons":         {"kind;plate;reference\nresident;川A12345;1\n", []string{"list.csv:1: holds no comma: separate the columns by commas, in half width"}},
		"a long reference":   {header + "resident,川A12345," + strings.Repeat("1", 201) + ",,,,\n", []string{"list.csv:2: reference: is 201 characters long: at most 200"}},
		"two lines in one":   {header + "resident,川A12345,\"1\n2\",,,,\n", []string{"list.csv:2: reference: holds U+000A, a control character; remove it"}},
		"a wrong count":      {header + "resident,川A12345,1,,,,\n# entries: 2\n", []string{"list.csv:3: says that there are 2 entries, and there are 1: was the file cut off?"}},
		"quotes":             {header + "resident,\"川A12345,1,,,,\n", []string{`list.csv:2: extraneous or missing " in quoted-field`}},
		"kind":               {header + "friend,川A12345,1,,,,\n", []string{"list.csv:2: kind: want emergency, permit, resident or breakdown"}},
		"plate":              {header + "resident,川A1234,1,,,,\n", []string{"list.csv:2: plate: no known kind of plate is written like this"}},
		"reference":          {header + "resident,川A12345,,,,,\n", []string{"list.csv:2: reference: is missing"}},
		"section":            {header + "resident,川A12345,1,huxi nowhere,,,\n", []string{"list.csv:2: sections: entry 2 of them: no such section"}},
		"from":               {header + "resident,川A12345,1,,1.3.2026,,\n", []string{"list.csv:2: from: want a day such as 2026-01-31, or 2026-01-31 08:00"}},
		"a year":             {header + "resident,川A12345,1,,0000-01-01,9999-12-31,\n", []string{"list.csv:2: from: want a day of the years 2000 to 2099; empty: open", "list.csv:2: until: want a day of the years"}},
		"until":              {header + "resident,川A12345,1,,,2026-02-30,\n", []string{"list.csv:2: until: want a day"}},
		"ends as it began":   {header + "resident,川A12345,1,,2026-03-02 00:00,2026-03-01,\n", []string{"list.csv:2: until: is not after from"}},
		"breakdown":          {header + "breakdown,川A12345,1,huxi,2026-03-01,2026-03-01,\n", []string{"list.csv:2: a breakdown needs sections, from, until and by"}},
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

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// opened is a list that follows a file, with what it logs.
func opened(t *testing.T, cfg Config) (*List, *bytes.Buffer) {
	t.Helper()
	var logs bytes.Buffer
	l, err := Open(cfg, slog.New(slog.NewTextHandler(&logs, nil)), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	return l, &logs
}

// A list that changes is taken, one with a mistake is not, and nothing of it is
// logged.
func TestTheListIsReadAnew(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "list.csv")
	const one = "kind,plate,reference\nresident,川A12345,1\n"
	write(t, file, one)
	cfg := Config{File: file, Rules: testRules, Reload: time.Hour, Kept: filepath.Join(dir, "kept")}
	l, logs := opened(t, cfg)
	first := l.Current().ID
	for i, step := range []struct {
		text            string // empty: removed
		entries         int
		stale, failures float64
		says            string
	}{
		{one, 1, 0, 0, ""},
		{one + "permit,川A98765,2\n", 2, 0, 0, ""},
		{one + "permit,川A9876,2\n", 2, 1, 1, "list.csv:3: plate: no known kind of plate is written like this; the list of"},
		{one + "permit,川A9876,2\n", 2, 1, 1, "stays in force (entries: 2)"},
		{"", 2, 1, 2, "no such file"},
		{one + "permit,川A98765,2\n", 2, 0, 2, ""},
		{one[:len(one)-8], 2, 1, 3, "list.csv:2"},
		{one, 1, 0, 3, ""},
	} {
		if step.text == "" {
			if err := os.Remove(file); err != nil {
				t.Fatal(err)
			}
		} else {
			write(t, file, step.text)
		}
		l.renew()
		stale, failures := testutil.ToFloat64(l.metrics.stale), testutil.ToFloat64(l.metrics.failures)
		if got := l.Current().Len(); got != step.entries || stale != step.stale || failures != step.failures {
			t.Errorf("step %d: %d entries, stale %v, failures %v; want %+v", i, got, stale, failures, step)
		}
		if err := l.Health(); (err == nil) != (step.says == "") || err != nil && !strings.Contains(err.Error(), step.says) {
			t.Errorf("step %d: health %v, want %q", i, err, step.says)
		}
	}
	if l.Current().ID != first {
		t.Errorf("the first list again is %s, was %s", l.Current().ID, first)
	}
	if strings.Contains(logs.String(), "川") || strings.Count(logs.String(), "\n") != 6 {
		t.Errorf("logs name a plate, or not each change once:\n%s", logs)
	}
}

// A start with a broken list goes on with the last good one, whatever the rules
// are by then; a first start is refused.
func TestTheLastGoodListOutlivesAStart(t *testing.T) {
	const good = "kind,plate,reference,sections\nresident,川A12345,1,huxi\n"
	for name, broken := range map[string]string{
		"a typo":     "kind,plate,reference\nresident,川A1234,1\n",
		"GBK":        "kind,plate,reference\nresident,\xb4\xa8A12345,1\n",
		"cut off":    "kind,plate,reference\n",
		"emptied":    "",
		"a zip file": "PK\x03\x04\x00\x00\x00",
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			cfg := Config{File: filepath.Join(dir, "list.csv"), Rules: testRules, Reload: time.Hour, Kept: filepath.Join(dir, "kept")}
			write(t, cfg.File, good)
			first, _ := opened(t, cfg)
			write(t, cfg.File, broken)
			cfg.Rules.Sections = nil // the section has been given up since
			again, logs := opened(t, cfg)
			if got := again.Current().ID; got != first.Current().ID || again.Health() == nil || strings.Contains(logs.String(), "A1234") {
				t.Errorf("list %s, want %s; health %v; logs:\n%s", got, first.Current().ID, again.Health(), logs)
			}
			if covering := again.Current().Covering("川A12345", "huxi", enforce.Span{From: time.Now(), Until: time.Now().Add(time.Hour)}); len(covering) != 1 {
				t.Errorf("the vehicle is covered by %v", covering)
			}
			write(t, cfg.File, "kind,plate,reference\nresident,川A12345,1\n")
			again.renew()
			if again.Health() != nil || again.Current().ID == first.Current().ID {
				t.Errorf("mended: health %v", again.Health())
			}
		})
	}
}

func TestAFirstStartWithoutAGoodListIsRefused(t *testing.T) {
	for name, text := range map[string]string{"no file": "", "a typo": "kind,plate,reference\nresident,川A1234,1\n"} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			cfg := Config{File: filepath.Join(dir, "list.csv"), Rules: testRules, Reload: time.Second, Kept: filepath.Join(dir, "kept")}
			if text != "" {
				write(t, cfg.File, text)
			}
			_, err := Open(cfg, slog.New(slog.DiscardHandler), prometheus.NewRegistry())
			if !errors.Is(err, ErrNone) || errors.Is(err, fs.ErrNotExist) != (text == "") {
				t.Errorf("error %v", err)
			}
		})
	}
}

// What is kept is as personal as the list, and damage to it is noticed.
func TestKeptLists(t *testing.T) {
	dir := t.TempDir()
	cfg := Config{File: filepath.Join(dir, "list.csv"), Rules: testRules, Reload: time.Hour, Kept: filepath.Join(dir, "kept")}
	write(t, cfg.File, "kind,plate,reference\nresident,川A12345,1\n")
	l, _ := opened(t, cfg)
	kept := l.shelf.path(l.Current().ID)
	for path, want := range map[string]fs.FileMode{cfg.Kept: 0o700, kept: 0o600, filepath.Join(cfg.Kept, noteName): 0o600} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v", path, info.Mode(), err)
		}
	}
	good, err := os.ReadFile(kept)
	if err != nil {
		t.Fatal(err)
	}
	write(t, cfg.File, "no list")
	for name, damaged := range map[string]string{
		"altered": strings.Replace(string(good), "12345", "54321", 1), "cut": string(good[:len(good)-3]), "gone": "", "more": string(good) + "\n",
	} {
		write(t, kept, damaged)
		if _, err := Open(cfg, slog.New(slog.DiscardHandler), prometheus.NewRegistry()); !errors.Is(err, ErrNone) {
			t.Errorf("%s: %v", name, err)
		}
	}
	write(t, kept, string(good))
	write(t, filepath.Join(cfg.Kept, noteName), `{"id":"../../list"}`)
	if _, err := Open(cfg, slog.New(slog.DiscardHandler), prometheus.NewRegistry()); !errors.Is(err, ErrNone) {
		t.Errorf("a note of no list: %v", err)
	}
}

// A list that cannot be kept is in force all the same, and that is said until it
// can be.
func TestAListThatCannotBeKept(t *testing.T) {
	dir := t.TempDir()
	cfg := Config{File: filepath.Join(dir, "list.csv"), Rules: testRules, Reload: time.Hour, Kept: filepath.Join(dir, "kept")}
	write(t, cfg.File, "kind,plate,reference\nresident,川A12345,1\n")
	write(t, cfg.Kept, "a file where the folder should be")
	l, _ := opened(t, cfg)
	if l.Current().Len() != 1 || l.Health() == nil || !strings.Contains(l.Health().Error(), "could not be kept") {
		t.Errorf("%d entries, health %v", l.Current().Len(), l.Health())
	}
	if err := os.Remove(cfg.Kept); err != nil {
		t.Fatal(err)
	}
	l.renew()
	if _, _, found, err := l.shelf.last(); !found || err != nil || l.Health() != nil {
		t.Errorf("kept %v, %v, health %v", found, err, l.Health())
	}
}

// A list that lacks most of the vehicles that are exempt is not taken, unless it
// says how many entries it has.
func TestAListThatWasCutOff(t *testing.T) {
	row := func(serial int, until string) string {
		return fmt.Sprintf("resident,川A%05d,1,%s\n", serial, until)
	}
	rows := func(from, to int, until string) string {
		var text strings.Builder
		for serial := from; serial < to; serial++ {
			text.WriteString(row(serial, until))
		}
		return text.String()
	}
	const header = "kind,plate,reference,until\n"
	for name, test := range map[string]struct {
		before, after string
		says          string
	}{
		"half of it":            {rows(0, 40, ""), rows(0, 20, ""), ""},
		"less than half":        {rows(0, 40, ""), rows(0, 19, ""), `lacks 21 of the 40 vehicles that are exempt now: was it cut off? If not, put the line "# entries: 19" into it`},
		"the same, meant":       {rows(0, 40, ""), rows(0, 19, "") + "# entries: 19\n", ""},
		"the same, in Chinese":  {rows(0, 40, ""), "# entries：19\r\n" + rows(0, 19, ""), ""},
		"nothing left":          {rows(0, 1, ""), "", "lacks 1 of the 1"},
		"nothing left, meant":   {rows(0, 1, ""), "# entries: 0\n", ""},
		"one of two":            {rows(0, 2, ""), rows(0, 1, ""), ""},
		"two of three":          {rows(0, 3, ""), rows(0, 1, ""), ""},
		"three of four":         {rows(0, 4, ""), rows(0, 1, ""), "lacks 3 of the 4"},
		"those that are over":   {rows(0, 40, "2026-02-01"), rows(50, 51, ""), ""},
		"others in their place": {rows(0, 40, ""), rows(50, 90, ""), "lacks 40 of the 40"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			cfg := Config{File: filepath.Join(dir, "list.csv"), Rules: testRules, Reload: time.Hour, Kept: filepath.Join(dir, "kept")}
			write(t, cfg.File, header+test.before)
			l, _ := opened(t, cfg)
			l.now = func() time.Time { return time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC) }
			before := l.Current().ID
			write(t, cfg.File, header+test.after)
			l.renew()
			if err := l.Health(); (err == nil) != (test.says == "") || err != nil && !strings.Contains(err.Error(), test.says) {
				t.Errorf("health %v, want %q", err, test.says)
			}
			if taken := l.Current().ID != before; taken != (test.says == "") {
				t.Errorf("taken: %v", taken)
			}
		})
	}
}

func TestRunFollowsTheFile(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "list.csv")
	write(t, file, "kind,plate,reference\n")
	l, err := Open(Config{File: file, Rules: testRules, Reload: time.Millisecond, Kept: filepath.Join(dir, "kept")}, slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- l.Run(ctx) }()
	write(t, file, "kind,plate,reference\nresident,川A12345,1\n")
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
