package police

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/goleak"

	"tidewatch/enforce"
	"tidewatch/enforce/authors/sim"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fakePlatform answers submissions in order from a script; an exhausted script
// accepts.
type fakePlatform struct {
	mu       sync.Mutex
	script   []any // error or enforce.Receipt
	hold     func(ctx context.Context) error
	seen     []enforce.Case
	at       []time.Time
	inFlight int
	most     int
}

func (p *fakePlatform) Submit(ctx context.Context, c enforce.Case) (enforce.Receipt, error) {
	p.mu.Lock()
	p.seen, p.at = append(p.seen, c), append(p.at, time.Now())
	p.inFlight++
	p.most = max(p.most, p.inFlight)
	var answer any = enforce.Receipt{Platform: "fake", ID: "id-" + c.ID, Accepted: true, Code: "0"}
	if len(p.script) > 0 {
		answer, p.script = p.script[0], p.script[1:]
	}
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		p.inFlight--
		p.mu.Unlock()
	}()
	if p.hold != nil {
		if err := p.hold(ctx); err != nil {
			return enforce.Receipt{}, err
		}
	}
	if err, failed := answer.(error); failed {
		return enforce.Receipt{}, err
	}
	return answer.(enforce.Receipt), nil
}

// fakeLog is a case log whose follower feeds an uploader.
type fakeLog struct {
	mu     sync.Mutex
	events []enforce.Event
	broken int // appends that fail before one succeeds
	follow func(enforce.Event)
}

func (l *fakeLog) Append(_ context.Context, events ...enforce.Event) error {
	l.mu.Lock()
	if l.broken > 0 {
		l.broken--
		l.mu.Unlock()
		return errors.New("the log is away")
	}
	l.events = append(l.events, events...)
	l.mu.Unlock()
	for _, e := range events {
		l.follow(e)
	}
	return nil
}

func (l *fakeLog) of(kind enforce.EventType) []enforce.Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	var found []enforce.Event
	for _, e := range l.events {
		if e.Type == kind {
			found = append(found, e)
		}
	}
	return found
}

// bench is an uploader between a fake platform and a fake log.
type bench struct {
	*Uploader
	platform *fakePlatform
	log      *fakeLog
	metrics  *prometheus.Registry
	stop     func()
}

// start makes a bench whose uploader runs until the test ends. It must be
// called in a synctest bubble.
func start(t *testing.T, platform *fakePlatform) *bench {
	t.Helper()
	b := &bench{platform: platform, log: &fakeLog{}, metrics: prometheus.NewRegistry()}
	b.Uploader = New(DefaultConfig(), Dependencies{
		Platform: platform, Log: b.log, Authors: sim.Anybody{}, Logger: slog.New(slog.DiscardHandler), Metrics: b.metrics,
	})
	b.log.follow = func(e enforce.Event) {
		if e.Validate() == nil { // else the log says that it is no event
			b.Apply(sim.Proven(e))
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- b.Run(ctx) }()
	b.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	t.Cleanup(b.stop)
	return b
}

// say appends events as another writer of the log does.
func (b *bench) say(events ...enforce.Event) { _ = b.log.Append(context.Background(), events...) }

// settle lets everything happen that happens within d.
func settle(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func suspected(id string) enforce.Event {
	return enforce.Event{
		ID: id + "/suspected", Case: id, Type: enforce.Suspected, At: time.Now().UTC(), Actor: "camera/c1",
		Violation: &enforce.Violation{ID: id},
	}
}

func decided(id string, kind enforce.EventType, revision int) enforce.Event {
	return enforce.Event{
		ID: fmt.Sprint(id, kind, revision, time.Now()), Case: id, Type: kind, At: time.Now().UTC(), Actor: "officer/li",
		Revision: revision, Decision: &enforce.Decision{Plate: "川A12345", Reason: "clear"},
	}
}

func ended(id string) enforce.Event {
	at := time.Now().UTC()
	return enforce.Event{ID: id + "/ended", Case: id, Type: enforce.StopEnded, At: at, Actor: "camera/c1", StopEnd: &at}
}

func received(id string, accepted bool) enforce.Event {
	return enforce.Event{
		ID: id + "/receipt", Case: id, Type: enforce.Receipted, At: time.Now().UTC(), Actor: "uploader",
		Receipt: &enforce.Receipt{Platform: "earlier", Accepted: accepted},
	}
}

var refusal = enforce.Receipt{Platform: "fake", Code: "8", Message: "bad picture"}

func TestConfirmedCaseIsSubmittedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, &fakePlatform{})
		b.say(suspected("a"), ended("a"))
		b.CaughtUp()
		settle(time.Hour)
		if len(b.platform.seen) != 0 {
			t.Fatal("submitted what nobody decided")
		}
		b.say(decided("a", enforce.Confirmed, 1))
		settle(0)
		want := []enforce.Event{{
			ID: "a/receipt/2", Case: "a", Type: enforce.Receipted, At: time.Now().UTC(), Actor: "uploader", Revision: 2,
			Receipt: &enforce.Receipt{Platform: "fake", ID: "id-a", Accepted: true, Code: "0", At: time.Now().UTC()},
		}}
		if diff := cmp.Diff(want, b.log.of(enforce.Receipted)); diff != "" {
			t.Error(diff)
		}
		if err := b.log.of(enforce.Receipted)[0].Validate(); err != nil {
			t.Error(err)
		}
		settle(24 * time.Hour)
		if len(b.platform.seen) != 1 || b.platform.seen[0].Plate() != "川A12345" || b.platform.seen[0].StopEnd.IsZero() {
			t.Errorf("submitted %+v", b.platform.seen)
		}
	})
}

func TestWhatIsNotSubmitted(t *testing.T) {
	tests := map[string]func() []enforce.Event{
		"not decided":          func() []enforce.Event { return nil },
		"rejected":             func() []enforce.Event { return []enforce.Event{decided("a", enforce.Rejected, 1)} },
		"decided on no case":   func() []enforce.Event { return []enforce.Event{decided("b", enforce.Confirmed, 1)} },
		"on an older revision": func() []enforce.Event { return []enforce.Event{decided("a", enforce.Confirmed, 0)} },
		"on a later revision":  func() []enforce.Event { return []enforce.Event{decided("a", enforce.Confirmed, 2)} },
		"confirmed when closed": func() []enforce.Event {
			return []enforce.Event{decided("a", enforce.Rejected, 1), decided("a", enforce.Confirmed, 2)}
		},
		"confirmed too late": func() []enforce.Event {
			return []enforce.Event{decided("a", enforce.Rejected, 1), decided("a", enforce.Confirmed, 1)}
		},
		"already uploaded": func() []enforce.Event {
			return []enforce.Event{decided("a", enforce.Confirmed, 1), received("a", true)}
		},
		"already refused": func() []enforce.Event {
			return []enforce.Event{decided("a", enforce.Confirmed, 1), received("a", false)}
		},
		"confirmed without a plate": func() []enforce.Event {
			e := decided("a", enforce.Confirmed, 1)
			e.Decision.Plate = " "
			return []enforce.Event{e}
		},
	}
	for name, events := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := start(t, &fakePlatform{})
				b.say(suspected("a"))
				b.say(events()...)
				b.CaughtUp()
				settle(24 * time.Hour)
				if len(b.platform.seen) != 0 {
					t.Errorf("submitted %+v", b.platform.seen)
				}
			})
		})
	}
}

func TestNothingBeforeTheLogsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, &fakePlatform{})
		b.say(suspected("a"), decided("a", enforce.Confirmed, 1), suspected("b"), decided("b", enforce.Confirmed, 1))
		settle(24 * time.Hour)
		if len(b.platform.seen) != 0 {
			t.Fatal("submitted before the log was read")
		}
		b.say(received("a", true))
		b.CaughtUp()
		settle(0)
		if len(b.platform.seen) != 1 || b.platform.seen[0].ID != "b" {
			t.Errorf("submitted %+v", b.platform.seen)
		}
	})
}

func TestRetry(t *testing.T) {
	busy := &Problem{Busy, errors.New("status 2")}
	gone := &Problem{Unreachable, errors.New("no route")}
	synctest.Test(t, func(t *testing.T) {
		platform := &fakePlatform{script: []any{busy, busy, gone, fmt.Errorf("again: %w", gone), errors.New("odd")}}
		b := start(t, platform)
		b.CaughtUp()
		b.say(suspected("a"), decided("a", enforce.Confirmed, 1))
		settle(time.Hour)
		var told []string
		for _, e := range b.log.of(enforce.UploadFailed) {
			told = append(told, fmt.Sprintf("%s %d %s", e.ID, e.Failure.Attempt, e.Failure.Error))
			if err := e.Validate(); err != nil {
				t.Error(err)
			}
		}
		want := []string{
			"a/upload_failed/2/1 1 busy: status 2",
			"a/upload_failed/2/3 3 unreachable: no route",
			"a/upload_failed/2/5 5 other: odd",
		}
		if diff := cmp.Diff(want, told); diff != "" {
			t.Error(diff)
		}
		for i, seconds := range []int{2, 4, 8, 16, 32} {
			longest := time.Duration(seconds) * time.Second
			if waited := platform.at[i+1].Sub(platform.at[i]); waited < longest/2 || waited > longest {
				t.Errorf("wait %d was %v, want %v to %v", i, waited, longest/2, longest)
			}
		}
		if len(platform.seen) != 6 || len(b.log.of(enforce.Receipted)) != 1 {
			t.Errorf("%d submissions, %d receipts", len(platform.seen), len(b.log.of(enforce.Receipted)))
		}
		expectMetrics(t, b, `
			# HELP tidewatch_police_retries_total Submissions of cases that had been tried before.
			# TYPE tidewatch_police_retries_total counter
			tidewatch_police_retries_total 5
			# HELP tidewatch_police_submissions_total Submissions to the police platform by outcome: accepted, refused, or the kind of problem; panic: a fault of ours.
			# TYPE tidewatch_police_submissions_total counter
			tidewatch_police_submissions_total{outcome="accepted"} 1
			tidewatch_police_submissions_total{outcome="busy"} 2
			tidewatch_police_submissions_total{outcome="other"} 1
			tidewatch_police_submissions_total{outcome="unreachable"} 2
			# HELP tidewatch_police_waiting_cases Confirmed cases without a receipt.
			# TYPE tidewatch_police_waiting_cases gauge
			tidewatch_police_waiting_cases 0
		`, "tidewatch_police_retries_total", "tidewatch_police_submissions_total", "tidewatch_police_waiting_cases")
	})
}

func expectMetrics(t *testing.T, b *bench, want string, names ...string) {
	t.Helper()
	if err := testutil.GatherAndCompare(b.metrics, strings.NewReader(want), names...); err != nil {
		t.Error(err)
	}
}

func TestDelayIsBounded(t *testing.T) {
	c := DefaultConfig()
	for _, failures := range []int{1, 2, 10, 100, 1 << 40} {
		different := map[time.Duration]bool{}
		for range 100 {
			d := c.delay(failures)
			different[d] = true
			if d < c.FirstDelay/2 || d > c.LongestDelay {
				t.Fatalf("after %d failures: %v", failures, d)
			}
		}
		if len(different) < 50 {
			t.Errorf("after %d failures, %d different delays of 100: cases come back in step", failures, len(different))
		}
	}
}

func TestAppendFailsAfterTheAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, &fakePlatform{})
		b.say(suspected("a"), decided("a", enforce.Confirmed, 1))
		b.log.mu.Lock()
		b.log.broken = 7
		b.log.mu.Unlock()
		b.CaughtUp()
		answered := time.Now().UTC()
		settle(time.Hour)
		receipts := b.log.of(enforce.Receipted)
		if len(b.platform.seen) != 1 || len(receipts) != 1 {
			t.Fatalf("%d submissions, %d receipts", len(b.platform.seen), len(receipts))
		}
		if receipts[0].ID != "a/receipt/2" || !receipts[0].At.Equal(answered) {
			t.Errorf("receipt %s at %v, want that of the answer at %v", receipts[0].ID, receipts[0].At, answered)
		}
		if n := testutil.ToFloat64(b.Uploader.metrics.appendErrors); n != 7 {
			t.Errorf("%v append errors counted", n)
		}
	})
}

func TestReceiptOfAnEarlierDecisionIsDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, &fakePlatform{script: []any{refusal}})
		b.CaughtUp()
		b.say(suspected("a"), decided("a", enforce.Confirmed, 1))
		b.log.mu.Lock()
		b.log.broken = 1
		b.log.mu.Unlock()
		settle(0)
		// The append only seemed to fail: its receipt is in the log, and an
		// officer has acted on it before it would be appended again.
		b.say(received("a", false), decided("a", enforce.Confirmed, 3))
		settle(time.Hour)
		expectSecondReceipt(t, b)
	})
}

func TestAnswerToAnEarlierDecisionIsDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, &fakePlatform{script: []any{refusal}, hold: func(context.Context) error {
			time.Sleep(time.Minute)
			return nil
		}})
		b.CaughtUp()
		b.say(suspected("a"), decided("a", enforce.Confirmed, 1))
		settle(time.Second)
		b.say(received("a", false), decided("a", enforce.Confirmed, 3))
		settle(time.Hour)
		expectSecondReceipt(t, b)
	})
}

// expectSecondReceipt wants one receipt after the one that another wrote: that
// of the second decision.
func expectSecondReceipt(t *testing.T, b *bench) {
	t.Helper()
	got := b.log.of(enforce.Receipted)
	if len(got) != 2 || got[1].Revision != 4 || !got[1].Receipt.Accepted {
		t.Errorf("receipts %+v", got)
	}
}

func TestFollowerThatLagsBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, &fakePlatform{})
		b.log.follow = func(enforce.Event) {}
		b.CaughtUp()
		b.Apply(sim.Proven(suspected("a")))
		b.Apply(sim.Proven(decided("a", enforce.Confirmed, 1)))
		settle(24 * time.Hour)
		if receipts := b.log.of(enforce.Receipted); len(b.platform.seen) != 1 || len(receipts) != 1 || b.waiting() != 0 {
			t.Errorf("%d submissions, %d receipts, %v waiting", len(b.platform.seen), len(receipts), b.waiting())
		}
	})
}

func TestRefusedAndConfirmedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, &fakePlatform{script: []any{refusal}})
		b.CaughtUp()
		b.say(suspected("a"), decided("a", enforce.Confirmed, 1))
		settle(24 * time.Hour)
		if len(b.platform.seen) != 1 {
			t.Fatalf("%d submissions of a refused case", len(b.platform.seen))
		}
		b.say(decided("a", enforce.Confirmed, 3))
		settle(0)
		receipts := b.log.of(enforce.Receipted)
		if len(b.platform.seen) != 2 || b.platform.seen[1].Revision != 4 || len(receipts) != 2 || receipts[1].ID != "a/receipt/4" {
			t.Errorf("submitted %+v, receipts %+v", b.platform.seen, receipts)
		}
	})
}

func TestFewAtOnceOldestDecisionFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		platform := &fakePlatform{hold: func(context.Context) error { time.Sleep(time.Second); return nil }}
		b := start(t, platform)
		for i := range 10 {
			id := fmt.Sprint(9 - i)
			b.say(suspected(id), decided(id, enforce.Confirmed, 1))
			time.Sleep(time.Minute)
		}
		b.CaughtUp()
		settle(time.Hour)
		if platform.most != 3 || len(b.log.of(enforce.Receipted)) != 10 {
			t.Errorf("at most %d at once, %d receipts", platform.most, len(b.log.of(enforce.Receipted)))
		}
		if platform.seen[9].ID != "0" {
			t.Errorf("the newest decision, 0, was not last: %s", platform.seen[9].ID)
		}
	})
}

func TestEndWaitsForAnAnswerOnItsWay(t *testing.T) {
	tests := map[string]struct {
		takes    time.Duration
		receipts int
		ends     time.Duration
	}{
		"within the grace": {5 * time.Second, 1, 5 * time.Second},
		"beyond the grace": {time.Hour, 0, 10 * time.Second},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := start(t, &fakePlatform{hold: func(ctx context.Context) error {
					select {
					case <-time.After(test.takes):
						return nil
					case <-ctx.Done():
						return ctx.Err()
					}
				}})
				b.CaughtUp()
				b.say(suspected("a"), decided("a", enforce.Confirmed, 1))
				synctest.Wait()
				begin := time.Now()
				b.stop()
				if took := time.Since(begin); took != test.ends {
					t.Errorf("ended after %v, want %v", took, test.ends)
				}
				if n := len(b.log.of(enforce.Receipted)); n != test.receipts {
					t.Errorf("%d receipts, want %d", n, test.receipts)
				}
				if n := len(b.log.of(enforce.UploadFailed)); n != 0 {
					t.Error("our own end was recorded as the platform's failure")
				}
			})
		})
	}
}

func TestRestartGoesOnCounting(t *testing.T) {
	failed := enforce.Event{
		ID: "a/upload_failed/2/4", Case: "a", Type: enforce.UploadFailed, Actor: "uploader",
		Failure: &enforce.Failure{Attempt: 4, Error: "busy: status 2"},
	}
	synctest.Test(t, func(t *testing.T) {
		failed.At = time.Now().UTC()
		b := start(t, &fakePlatform{script: []any{
			&Problem{Busy, errors.New("status 2")}, &Problem{Faulty, errors.New("status 3")},
		}})
		b.say(suspected("a"), decided("a", enforce.Confirmed, 1), failed)
		b.CaughtUp()
		settle(time.Hour)
		told := b.log.of(enforce.UploadFailed)
		if len(told) != 2 || told[1].Failure.Attempt != 6 || told[1].Failure.Error != "faulty: status 3" {
			t.Errorf("told %+v", told)
		}
	})
}

// struck is a platform that panics at one case.
type struck struct{ *fakePlatform }

func (s struck) Submit(ctx context.Context, c enforce.Case) (enforce.Receipt, error) {
	if c.ID == "a" && len(s.seen) < 2 {
		defer panic("struck")
	}
	return s.fakePlatform.Submit(ctx, c)
}

// TestAPanicPutsOffOneCase lets the others pass, and the case itself later.
func TestAPanicPutsOffOneCase(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		platform := &fakePlatform{}
		b := start(t, platform)
		b.deps.Platform = struck{platform}
		b.say(suspected("a"), decided("a", enforce.Confirmed, 1))
		b.CaughtUp()
		settle(0)
		if n := len(b.log.of(enforce.Receipted)) + len(b.log.of(enforce.UploadFailed)); n != 0 {
			t.Fatalf("%d events of a case whose submission failed through a fault of ours", n)
		}
		b.say(suspected("b"), decided("b", enforce.Confirmed, 1))
		settle(0)
		if sent := b.log.of(enforce.Receipted); len(sent) != 1 || sent[0].Case != "b" {
			t.Errorf("receipts %+v", sent)
		}
		settle(time.Hour)
		if sent := b.log.of(enforce.Receipted); len(sent) != 2 || sent[1].Case != "a" {
			t.Errorf("receipts %+v", sent)
		}
		if n := testutil.ToFloat64(b.Uploader.metrics.submissions.WithLabelValues("panic")); n != 1 {
			t.Errorf("%v panics are counted", n)
		}
	})
}
