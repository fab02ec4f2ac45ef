package review

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"sync"
	"testing"
	"time"

	"tidewatch/detect"
	"tidewatch/detect/plate"
	"tidewatch/enforce"
	"tidewatch/enforce/authors/sim"
)

// bureau stands for the case log, the views of it and the evidence store.
type bureau struct {
	mu      sync.Mutex
	ledger  enforce.Ledger
	history map[string][]enforce.Recorded
	order   []string // cases as they were opened
	files   map[string][]byte

	previews  Previews
	system    func(context.Context) []Condition
	exempt    enforce.Exemptions
	appendErr error
	readErr   error
	held      bool                // appended events do not show
	meanwhile func(enforce.Event) // runs before an event is applied
}

func newBureau(t *testing.T, events ...enforce.Event) *bureau {
	t.Helper()
	b := &bureau{history: map[string][]enforce.Recorded{}, files: map[string][]byte{}}
	b.put(t, events...)
	return b
}

func (b *bureau) put(t *testing.T, events ...enforce.Event) {
	t.Helper()
	if err := b.Append(t.Context(), events...); err != nil {
		t.Fatal(err)
	}
}

func (b *bureau) Append(_ context.Context, events ...enforce.Event) error {
	if b.appendErr != nil {
		return b.appendErr
	}
	for _, e := range events {
		if err := e.Validate(); err != nil {
			return err
		}
		if b.held {
			continue
		}
		if b.meanwhile != nil {
			b.meanwhile(e)
		}
		b.apply(e)
	}
	return nil
}

func (b *bureau) apply(e enforce.Event) { b.take(sim.Proven(e)) }

func (b *bureau) take(checked enforce.Checked) {
	b.mu.Lock()
	defer b.mu.Unlock()
	_, outcome := b.ledger.Apply(checked)
	e := checked.Claim()
	b.history[e.Case] = append(b.history[e.Case], enforce.Recorded{Event: e, Outcome: outcome})
	if e.Type == enforce.Suspected && outcome == enforce.Applied {
		b.order = append(b.order, e.Case)
	}
}

func (b *bureau) List(_ context.Context, state enforce.State, limit int, before time.Time) ([]enforce.Case, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var found []enforce.Case
	for _, c := range b.ledger.In(state) {
		if before.IsZero() || c.OpenedAt.Before(before) {
			found = append(found, c)
		}
	}
	slices.SortFunc(found, func(a, b enforce.Case) int { return b.OpenedAt.Compare(a.OpenedAt) })
	return found[:min(limit, len(found))], b.readErr
}

func (b *bureau) Counts(context.Context) (map[enforce.State]int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	counts := map[enforce.State]int{}
	for _, state := range enforce.States {
		counts[state] = len(b.ledger.In(state))
	}
	return counts, b.readErr
}

func (b *bureau) Case(_ context.Context, id string) (enforce.Case, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	c, ok := b.ledger.Case(id)
	if !ok {
		return c, fmt.Errorf("case %q: %w", id, enforce.ErrNoCase)
	}
	return c, b.readErr
}

func (b *bureau) History(_ context.Context, id string) ([]enforce.Recorded, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.history[id]), b.readErr
}

func (b *bureau) Offences(_ context.Context, plate string, span enforce.Span) ([]enforce.Case, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var found []enforce.Case
	for _, id := range slices.Backward(b.order) {
		c, _ := b.ledger.Case(id)
		at := c.Violation.Since
		if c.Decision.Plate == plate && c.Settled() && !at.Before(span.From) && at.Before(span.Until) {
			found = append(found, c)
		}
	}
	slices.SortFunc(found, func(a, b enforce.Case) int { return b.Violation.Since.Compare(a.Violation.Since) })
	return found, b.readErr
}

func (b *bureau) Open(_ context.Context, sha256 string) (io.ReadSeekCloser, error) {
	content, ok := b.files[sha256]
	if !ok {
		return nil, fmt.Errorf("file %s: %w", sha256, fs.ErrNotExist)
	}
	return readSeekCloser{bytes.NewReader(content)}, nil
}

type readSeekCloser struct{ *bytes.Reader }

func (readSeekCloser) Close() error { return nil }

// opened is the moment at which case 1 was opened: 08:05:00 in Shanghai.
var opened = time.Date(2026, 3, 10, 0, 5, 0, 0, time.UTC)

// caseID names case n; a higher one was opened later.
func caseID(n int) string { return fmt.Sprintf("case%012d", n) }

// violation is the n-th stop: a vehicle that came at night, when the kerb was
// open, and stayed past the end of the window at 07:00.
func violation(n int, read plate.Read) enforce.Violation {
	at := opened.Add(time.Duration(n-1) * 10 * time.Minute)
	since := time.Date(2026, 3, 9, 23, 0, 0, 0, time.UTC)
	begin := since.Add(-90 * time.Minute)
	picture := func(kind enforce.FileKind, sum string, at time.Time) enforce.File {
		return enforce.File{
			Kind: kind, SHA256: sum, MediaType: "image/jpeg", Size: 182_311,
			At: at, CameraTime: at, ArrivalTime: at.Add(230 * time.Millisecond), ClockError: -230 * time.Millisecond,
		}
	}
	return enforce.Violation{
		ID: caseID(n),
		Camera: enforce.CameraRef{
			ID: "hx-03", Name: "湖西 3 号", DeviceID: "51010500001190000003",
			Place: "湖西路 18 号门前", Direction: "由北向南",
		},
		Section: enforce.SectionRef{ID: "huxi", Name: "湖西路潮汐路段", TimeZone: "Asia/Shanghai"},
		Zone:    enforce.ZoneRef{ID: "kerb-east", Polygon: enforce.Polygon{{X: .8, Y: .04}, {X: 1, Y: .04}, {X: 1, Y: .22}, {X: .8, Y: .22}}},
		Rule: enforce.Rule{
			Windows:           []enforce.TidalWindow{{Announcement: "2026-07", From: 19 * 60, Until: 7 * 60}},
			ObservationPeriod: 5 * time.Minute, Grace: at.Sub(since) - 5*time.Minute,
		},
		Policy: "9f2c4be07a11d3e8", Code: "1039", Class: detect.Truck, Plate: read,
		Box: detect.Box{X: .849, Y: .076, W: .091, H: .098}, StopID: fmt.Sprintf("stop-%d", n),
		StopStart: begin, Since: since, Due: at,
		Reasons: []enforce.Reason{
			{Code: enforce.InWindow, From: begin, Until: since, Announcement: "2026-07"},
			{Code: enforce.WindowEnded, From: since, Announcement: "2026-07", Required: at.Sub(since)},
			{Code: enforce.PeriodRanOut, From: since, Until: at, Required: at.Sub(since)},
		},
		Evidence: enforce.Evidence{Manifest: "manifest", Files: []enforce.File{
			picture(enforce.SceneBegin, "begin", begin),
			picture(enforce.SceneMiddle, "middle", since.Add(30*time.Minute)),
			picture(enforce.SceneDue, "due", at),
			picture(enforce.CloseUp, "closeup", at),
			{
				Kind: enforce.Clip, SHA256: "clip", MediaType: "video/mp4", Size: 3_801_088,
				At: at.Add(-5 * time.Second), ArrivalTime: at.Add(-5 * time.Second), Duration: 10 * time.Second,
			},
		}},
	}
}

// The reads that cases come with.
var (
	unread   = plate.Read{}
	doubtful = plate.Read{Text: "川A8K3J7", Kind: plate.Blue, Confidence: .58}
	accepted = plate.Read{Text: "川AD12345", Kind: plate.Green, Confidence: .97, Accepted: true}
)

// The reads of vehicles that were never held for anything, were before, and
// are exempt.
var (
	first    = plate.Read{Text: "川A24680", Kind: plate.Blue, Confidence: .95, Accepted: true}
	second   = plate.Read{Text: "川B67890", Kind: plate.Blue, Confidence: .98, Accepted: true}
	exempted = plate.Read{Text: "川A13579", Kind: plate.Blue, Confidence: .96, Accepted: true}
)

func suspected(n int, read plate.Read) enforce.Event {
	v := violation(n, read)
	return enforce.Event{
		ID: v.ID + "/suspected", Case: v.ID, Type: enforce.Suspected, At: v.Due, Actor: "camera/hx-03", Violation: &v,
	}
}

func stopEnded(n int) enforce.Event {
	end := opened.Add(3 * time.Hour)
	return enforce.Event{
		ID: caseID(n) + "/end", Case: caseID(n), Type: enforce.StopEnded, At: end, Actor: "camera/hx-03", StopEnd: &end,
	}
}

// decided is a colleague's decision.
func decided(n, revision int, kind enforce.EventType, d enforce.Decision) enforce.Event {
	return enforce.Event{
		ID: fmt.Sprintf("%s/%s/%d", caseID(n), kind, revision), Case: caseID(n), Type: kind,
		At: opened.Add(4 * time.Hour), Actor: "officer/li", Revision: revision, Decision: &d,
	}
}

func uploadFailed(n int) enforce.Event {
	return enforce.Event{
		ID: caseID(n) + "/failed", Case: caseID(n), Type: enforce.UploadFailed, At: opened.Add(5 * time.Hour),
		Actor: "uploader", Failure: &enforce.Failure{Attempt: 3, Error: "unreachable: dial tcp: connection refused"},
	}
}

func receipted(n int, ok bool) enforce.Event {
	r := enforce.Receipt{
		Platform: "GA/T 1400", ID: "510105000011900000030220260310080500000010200001", Accepted: ok,
		Code: "0", Message: "OK", At: opened.Add(6 * time.Hour),
	}
	if !ok {
		r.Code, r.Message = "4", "号牌格式错误"
	}
	return enforce.Event{
		ID: caseID(n) + "/receipt", Case: caseID(n), Type: enforce.Receipted, At: r.At, Actor: "uploader", Receipt: &r,
	}
}
