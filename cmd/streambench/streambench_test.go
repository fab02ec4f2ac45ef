package main

import (
	"bytes"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// some are a short form of the corpus: of each encoder, and of each kind that has
// gone wrong before.
var some = []string{
	"avc-baseline", "avc-b-pyramid-strict", "avc-open-gop", "avc-intra-refresh", "avc-plain-intra-with-b", "avc-two-sets-in-turn",
	"avc-small-slices", "avc-macroblock-interlaced", "avc-openh264-slices", "avc-hand-fields", "avc-hand-fields-lone",
	"avc-hand-shown-before", "avc-sets-described", "hevc-open-gop", "hevc-set-changes", "hevc-temporal-layers",
}

// TestStreamsComeOutAsTheyWereSent is the benchmark over them.
func TestStreamsComeOutAsTheyWereSent(t *testing.T) {
	sources := slices.DeleteFunc(made(), func(s source) bool { return !slices.Contains(some, s.name) })
	if len(sources) != len(some) {
		t.Fatalf("there are %d streams of these names, want %d", len(sources), len(some))
	}
	results, err := compare(t.Context(), sources, t.TempDir(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range results {
		if r.left != "" || !r.live || !r.stored || !r.exact {
			t.Errorf("%s: live %t, stored units decode %t, clips exact %t: %s%s", r.name, r.live, r.stored, r.exact, r.note(), r.left)
		}
		if r.pictures < 50 || r.clips < 1 {
			t.Errorf("%s: %d pictures and %d clips are too few to tell anything", r.name, r.pictures, r.clips)
		}
	}
}

// TestTableSaysWhatIsUnequal has one stream of each fate.
func TestTableSaysWhatIsUnequal(t *testing.T) {
	good := result{name: "good", encoder: "x", pictures: 3, live: true, stored: true, exact: true}
	bad := result{name: "bad", encoder: "x", pictures: 3, live: true, stored: true}
	bad.wrong("clip from picture %d: gone", 2)
	for _, test := range []struct {
		name    string
		results []result
		last    string
		wrong   bool
	}{
		{"all equal", []result{good, {name: "none", left: "no picture"}}, `{"streams":1,"live":1,"stored_decodes":1,"clips_exact":1}`, false},
		{"one is not", []result{good, bad}, `{"streams":2,"live":2,"stored_decodes":2,"clips_exact":1}`, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			var out bytes.Buffer
			err := show(&out, test.results)
			if (err != nil) != test.wrong {
				t.Errorf("error %v", err)
			}
			lines := strings.Split(strings.TrimSpace(out.String()), "\n")
			if diff := cmp.Diff(test.last, lines[len(lines)-1]); diff != "" {
				t.Error(diff)
			}
			for _, r := range test.results {
				if !strings.Contains(out.String(), r.name) || !strings.Contains(out.String(), r.note()) || !strings.Contains(out.String(), r.left) {
					t.Errorf("%s is not in the table:\n%s", r.name, out.String())
				}
			}
		})
	}
}

func TestSame(t *testing.T) {
	sent := []string{"a", "b", "c"}
	for shown, want := range map[string]string{
		"a b c": "", "a b": "it shows 2 pictures, and 3 were sent", "a x x": "2 of its 3 pictures are not as they were sent, from number 2 on",
	} {
		got := ""
		if err := same(strings.Fields(shown), sent); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%q: %q, want %q", shown, got, want)
		}
	}
}

func TestForeignStreamsMayBeMissing(t *testing.T) {
	sources, err := found(filepath.Join(t.TempDir(), "nowhere"))
	if err != nil || len(sources) != 0 {
		t.Errorf("found %d streams, error %v", len(sources), err)
	}
}
