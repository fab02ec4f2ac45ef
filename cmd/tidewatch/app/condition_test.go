package app

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

func TestConditions(t *testing.T) {
	noon := time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
	c := newConditions(slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	c.now = func() time.Time { return noon }
	var disk, list error
	c.watch("disk", grave, func(context.Context) error { return disk })
	c.watch("exemptions", minor, func(context.Context) error { return list })

	if bad := c.look(t.Context()); len(bad) > 0 || unready(bad) != nil {
		t.Fatalf("all is well, and it says %v", bad)
	}
	list = errors.New("line 3: no plate")
	bad := c.look(t.Context())
	if unready(bad) != nil {
		t.Errorf("a minor condition made it unready: %v", unready(bad))
	}
	noon = noon.Add(time.Minute)
	disk = errors.New("full")
	want := []state{
		{"disk", true, noon, "full"},
		{"exemptions", false, noon.Add(-time.Minute), "line 3: no plate"},
	}
	bad = c.look(t.Context())
	if diff := cmp.Diff(want, bad); diff != "" {
		t.Error(diff)
	}
	if err := unready(bad); err == nil || err.Error() != "disk: full" {
		t.Errorf("unready says %v", err)
	}
	if got := testutil.ToFloat64(c.bad.WithLabelValues("disk")); got != 1 {
		t.Errorf("the metric says %v", got)
	}
	disk, list = nil, nil
	if bad := c.look(t.Context()); len(bad) > 0 {
		t.Errorf("all is well again, and it says %v", bad)
	}
	if got := testutil.ToFloat64(c.bad.WithLabelValues("disk")); got != 0 {
		t.Errorf("the metric says %v", got)
	}
}
