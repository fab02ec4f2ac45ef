package viid

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tidewatch/enforce"
	"tidewatch/enforce/authors/sim"
	"tidewatch/enforce/police"
	"tidewatch/enforce/police/simpolice"
)

// caseLog is a log in memory; while it is broken, appends fail.
type caseLog struct {
	mu     sync.Mutex
	events []enforce.Event
	broken bool
	tried  int
}

func (l *caseLog) Append(_ context.Context, events ...enforce.Event) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tried++
	if l.broken {
		return errors.New("the log is away")
	}
	l.events = append(l.events, events...)
	return nil
}

func (l *caseLog) attempts() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.tried
}

func (l *caseLog) state(id string) enforce.Case {
	l.mu.Lock()
	defer l.mu.Unlock()
	var ledger enforce.Ledger
	for _, e := range l.events {
		ledger.Apply(sim.Proven(e))
	}
	c, _ := ledger.Case(id)
	return c
}

// upload runs an uploader on the log until a condition holds.
func (l *caseLog) upload(t *testing.T, c *Client, what string, until func() bool) {
	t.Helper()
	config := police.DefaultConfig()
	config.FirstDelay = time.Millisecond
	u := police.New(config, police.Dependencies{
		Platform: c, Log: l, Authors: sim.Anybody{}, Logger: slog.New(slog.DiscardHandler), Metrics: prometheus.NewRegistry(),
	})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- u.Run(ctx) }()
	defer func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	for _, e := range l.events[:len(l.events):len(l.events)] {
		u.Apply(sim.Proven(e))
	}
	u.CaughtUp()
	eventually(t, what, until)
}

// TestCrashBetweenAnswerAndReceipt: the platform has the case, our log does
// not know it, and both start again.
func TestCrashBetweenAnswerAndReceipt(t *testing.T) {
	k, stored := kerbCase(t)
	log := &caseLog{broken: true, events: []enforce.Event{
		{ID: "1", Case: k.ID, Type: enforce.Suspected, At: k.Violation.Due, Actor: "camera/c7", Violation: &k.Violation},
		{ID: "2", Case: k.ID, Type: enforce.Confirmed, At: k.DecidedAt, Actor: "officer/li", Revision: 1, Decision: &k.Decision},
	}}
	config := simpolice.Config{
		DeviceID: systemID, Username: "tidewatch", Password: password, Data: filepath.Join(t.TempDir(), "police.jsonl"),
	}
	begin := func() *platform {
		server, err := simpolice.New(config)
		if err != nil {
			t.Fatal(err)
		}
		return &platform{Server: server, url: serve(t, server)}
	}
	before := begin()
	log.upload(t, before.client(t, stored), "the receipt could not be appended", func() bool { return log.attempts() > 2 })
	if got := before.Vehicles(); len(got) != 1 || got[0].Received != 1 {
		t.Fatalf("before the crash the platform has %+v", got)
	}
	if err := before.Close(); err != nil {
		t.Fatal(err)
	}

	log.broken = false
	after := begin()
	defer func() { _ = after.Close() }()
	log.upload(t, after.client(t, stored), "uploaded", func() bool { return log.state(k.ID).State == enforce.StateUploaded })
	got := after.Vehicles()
	if len(got) != 1 || got[0].Received != 2 {
		t.Fatalf("after the crash the platform has %+v", got)
	}
	if receipt := log.state(k.ID).Receipt; receipt.ID != got[0].ID {
		t.Errorf("receipt %+v", receipt)
	}
}
