package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
)

// with measures with other parts.
func with(ctx context.Context, t *testing.T, others ...part) (string, error) {
	t.Helper()
	before := parts
	t.Cleanup(func() { parts = before })
	parts = others
	var out bytes.Buffer
	err := measure(ctx, options{Footage: t.TempDir(), Rate: []float64{1}}, &out)
	return out.String(), err
}

func TestAnswerIsTheLastLine(t *testing.T) {
	broken := errors.New("no pictures")
	one := func(_ context.Context, _ options, out io.Writer, answer map[string]float64) error {
		answer["one"] = 1
		_, err := io.WriteString(out, "a table\n")
		return err
	}
	none := func(context.Context, options, io.Writer, map[string]float64) error { return broken }
	out, err := with(t.Context(), t, none, one)
	if want := "a table\n{\"one\":1}\n"; out != want || !errors.Is(err, broken) {
		t.Errorf("printed %q with error %v; want %q and the error of the part that failed", out, err, want)
	}
	over, stop := context.WithCancel(t.Context())
	stop()
	if out, err := with(over, t, none); out != "" || !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted, it printed %q with error %v", out, err)
	}
}

// TestStopsOfTheFilmThatIsThere measures the one film that comes with set-up.
func TestStopsOfTheFilmThatIsThere(t *testing.T) {
	out, err := with(t.Context(), t, measureStops)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out), "\n")
	answer := map[string]float64{}
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &answer); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]float64{"stops_f1": 1, "stops_f1_watched": 1, "stops_matched": 2, "stops_false": 0, "stops_missed": 0, "stops_doubled": 0} {
		if got, there := answer[key]; !there || got != want {
			t.Errorf("%s is %v, want %v", key, got, want)
		}
	}
	if len(lines) != 10 || !strings.Contains(lines[1], "vtest.avi") || !strings.Contains(lines[7], "vtest.avi") {
		t.Errorf("the tables are not of one film and three sums, and of one film and one sum:\n%s", out)
	}
}
