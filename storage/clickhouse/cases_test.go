package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"tidewatch/detect"
	"tidewatch/detect/plate"
	"tidewatch/enforce"
	"tidewatch/storage/kafka"
)

func migrated(t *testing.T) Conn {
	t.Helper()
	conn := openConn(t, startEngine(t, testEngineConfig(t)).Config())
	if err := Migrate(t.Context(), conn); err != nil {
		t.Fatal(err)
	}
	return conn
}

func TestMigrate(t *testing.T) {
	conn := migrated(t)
	if err := Migrate(t.Context(), conn); err != nil {
		t.Errorf("a second time: %v", err)
	}
	var names []struct {
		Name string `ch:"name"`
	}
	if err := conn.Select(t.Context(), &names, "SELECT name FROM migrations"); err != nil || len(names) != 14 {
		t.Errorf("recorded are %v, %v; want 14", names, err)
	}
	var missing uint64
	err := conn.QueryRow(t.Context(), `SELECT countIf(comment = '') FROM system.columns
		WHERE database = currentDatabase()`).Scan(&missing)
	if err != nil || missing > 0 {
		t.Errorf("%d columns without a comment, %v", missing, err)
	}
	err = conn.QueryRow(t.Context(), `SELECT count() FROM (
		SELECT name FROM system.columns WHERE database = currentDatabase() AND table IN ('cases', 'cases_latest')
		GROUP BY name HAVING uniqExact(comment) > 1)`).Scan(&missing)
	if err != nil || missing > 0 {
		t.Errorf("%d columns of the view are said to be other than the table's, %v", missing, err)
	}

	changed := fstest.MapFS{"sql/0001_case_events.sql": {Data: []byte("SELECT 1")}}
	if err := migrate(t.Context(), conn, changed); !errors.Is(err, ErrChanged) {
		t.Errorf("a changed file gives %v, want %v", err, ErrChanged)
	} else if !strings.Contains(err.Error(), "0001_case_events.sql") {
		t.Errorf("error %v names no file", err)
	}
	if err := migrate(t.Context(), conn, fstest.MapFS{}); !errors.Is(err, ErrUnknown) {
		t.Errorf("a missing file gives %v, want %v", err, ErrUnknown)
	}
	wrong := fstest.MapFS{"sql/0000_wrong.sql": {Data: []byte("CREATE NONSENSE")}}
	for range 2 { // it is not recorded
		if err := migrate(t.Context(), conn, wrong); err == nil || !strings.Contains(err.Error(), "0000_wrong.sql") {
			t.Errorf("nonsense gives %v", err)
		}
	}
}

// A database of before keeps its cases, and answers what is asked since.
func TestMigrateAnOlderDatabase(t *testing.T) {
	conn := openConn(t, startEngine(t, testEngineConfig(t)).Config())
	older := fstest.MapFS{}
	paths, err := fs.Glob(migrations, "sql/000[1-7]_*.sql")
	if err != nil || len(paths) != 7 {
		t.Fatalf("%v, %v; want 7 files", paths, err)
	}
	for _, path := range paths {
		text, err := fs.ReadFile(migrations, path)
		if err != nil {
			t.Fatal(err)
		}
		older[path] = &fstest.MapFile{Data: text}
	}
	if err := migrate(t.Context(), conn, older); err != nil {
		t.Fatal(err)
	}
	err = conn.Exec(t.Context(), `INSERT INTO cases (case_id, log_offset, state, plate_confirmed, section_id, payload)
		VALUES ('old', 1, 'confirmed', '川A12345', 's', '{"id":"old","state":"confirmed","decision":{"plate":"川A12345"}}')`)
	if err != nil {
		t.Fatal(err)
	}
	if err := Migrate(t.Context(), conn); err != nil {
		t.Fatal(err)
	}
	found, err := NewCases(conn).Offences(t.Context(), "川A12345", enforce.Span{Until: time.Now()})
	if err != nil || len(found) != 1 || found[0].ID != "old" || found[0].Decided != "" {
		t.Errorf("found %+v, %v", found, err)
	}
	var trial bool
	var warned uint64
	if err := conn.QueryRow(t.Context(), "SELECT trial FROM cases_latest").Scan(&trial); err != nil || trial {
		t.Errorf("on trial: %v, %v", trial, err)
	}
	if err := conn.QueryRow(t.Context(), "SELECT warned FROM cases_by_section_hour").Scan(&warned); err != nil || warned != 0 {
		t.Errorf("warned: %d, %v", warned, err)
	}
}

// Whatever events come, a case read back is the case that they add up to, and
// its history says what each did.
func TestCasesReadBackAsFolded(t *testing.T) {
	conn := migrated(t)
	sink, cases := NewSink(conn, prometheus.NewRegistry()), NewCases(conn)
	random := rand.New(rand.NewPCG(1, 2))
	var ledger enforce.Ledger
	history := map[string][]enforce.Recorded{}
	var batch []kafka.Message
	for offset := range 500 {
		m := kafka.Message{Event: randomEvent(random, &ledger, offset), Position: kafka.Position{Partition: 3, Offset: int64(offset)}}
		_, outcome := ledger.Apply(m.Event)
		history[m.Event.Case] = append(history[m.Event.Case], enforce.Recorded{Event: m.Event, Outcome: outcome})
		batch = append(batch, m)
	}
	// In batches of many sizes, some of which come again in part.
	for rest := batch; len(rest) > 0; {
		size := min(1+random.IntN(60), len(rest))
		for again := range 1 + random.IntN(2) {
			from := max(0, len(batch)-len(rest)-again*random.IntN(40))
			if err := sink.Store(t.Context(), batch[from:len(batch)-len(rest)+size]); err != nil {
				t.Fatal(err)
			}
		}
		rest = rest[size:]
	}

	counts := map[enforce.State]int{}
	if _, err := cases.History(t.Context(), "unknown"); !errors.Is(err, enforce.ErrNoCase) {
		t.Errorf("history of no case: %v, want %v", err, enforce.ErrNoCase)
	}
	for id, events := range history {
		got, err := cases.Case(t.Context(), id)
		want, exists := ledger.Case(id)
		if !exists {
			if !errors.Is(err, enforce.ErrNoCase) {
				t.Errorf("case %s: %v, want %v", id, err, enforce.ErrNoCase)
			}
			continue
		}
		counts[want.State]++
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Fatalf("case %s: %v (-want +got):\n%s", id, err, diff)
		}
		recorded, err := cases.History(t.Context(), id)
		if diff := cmp.Diff(events, recorded); err != nil || diff != "" {
			t.Fatalf("history of case %s: %v (-want +got):\n%s", id, err, diff)
		}
	}
	got, err := cases.Counts(t.Context())
	if diff := cmp.Diff(counts, got); err != nil || diff != "" {
		t.Errorf("counts: %v (-want +got):\n%s", err, diff)
	}
	if len(counts) < len(enforce.States) {
		t.Errorf("the events led to the states %v only", counts)
	}
	if testutil.ToFloat64(sink.metrics.known) == 0 || testutil.ToFloat64(sink.metrics.outcomes.WithLabelValues("void")) == 0 {
		t.Error("no event came again, or none was void")
	}
}

func TestList(t *testing.T) {
	conn := migrated(t)
	sink, cases := NewSink(conn, prometheus.NewRegistry()), NewCases(conn)
	start := time.Date(2026, 11, 23, 8, 0, 0, 1000, time.UTC)
	var batch []kafka.Message
	add := func(e enforce.Event) {
		batch = append(batch, kafka.Message{Event: e, Position: kafka.Position{Offset: int64(len(batch))}})
	}
	for i := range 5 {
		add(suspicion(fmt.Sprint("c", i), start.Add(time.Duration(i)*time.Microsecond)))
	}
	add(enforce.Event{
		ID: "d", Case: "c3", Type: enforce.Rejected, Actor: "officer/li", At: start, Revision: 1,
		Decision: &enforce.Decision{Reason: "loading"},
	})
	if err := sink.Store(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name   string
		state  enforce.State
		limit  int
		before time.Time
		want   []string
	}{
		{"newest first", enforce.StateSuspected, 10, time.Time{}, []string{"c4", "c2", "c1", "c0"}},
		{"limited", enforce.StateSuspected, 2, time.Time{}, []string{"c4", "c2"}},
		{"before, to the microsecond", enforce.StateSuspected, 10, start.Add(2 * time.Microsecond), []string{"c1", "c0"}},
		{"another state", enforce.StateRejected, 10, time.Time{}, []string{"c3"}},
		{"any state", "", 10, time.Time{}, []string{"c4", "c3", "c2", "c1", "c0"}},
		{"none", enforce.StateUploaded, 10, time.Time{}, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			list, err := cases.List(t.Context(), test.state, test.limit, test.before)
			var got []string
			for _, c := range list {
				got = append(got, c.ID)
			}
			if diff := cmp.Diff(test.want, got); err != nil || diff != "" {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
		})
	}
}

// What analysts see in SQL.
func TestColumns(t *testing.T) {
	conn := migrated(t)
	opened := time.Date(2026, 11, 23, 8, 0, 0, 123456000, time.UTC)
	batch := []kafka.Message{
		{Event: suspicion("c", opened), Position: kafka.Position{Partition: 2, Offset: 7}},
		{Position: kafka.Position{Partition: 2, Offset: 9}, Event: enforce.Event{
			ID: "d", Case: "c", Type: enforce.Confirmed, Actor: "officer/li", At: opened.Add(time.Minute), Revision: 1,
			Decision: &enforce.Decision{Plate: "川A12345", Proposed: enforce.Warn, Grounds: "first", Reason: "blocked a bus"},
		}},
	}
	if err := NewSink(conn, prometheus.NewRegistry()).Store(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	type analyst struct {
		State       string     `ch:"state"`
		OpenedAt    time.Time  `ch:"opened_at"`
		Section     string     `ch:"section_name"`
		Plate       string     `ch:"plate"`
		PlateRead   string     `ch:"plate_read"`
		Accepted    bool       `ch:"plate_accepted"`
		StopEnd     *time.Time `ch:"stop_end"`
		Since       time.Time  `ch:"since"`
		DecidedAt   *time.Time `ch:"decided_at"`
		DecidedBy   string     `ch:"decided_by"`
		ReceiptAt   *time.Time `ch:"receipt_at"`
		Reasons     []string   `ch:"reasons"`
		Kinds       []string   `ch:"file_kinds"`
		Sizes       []int64    `ch:"file_sizes"`
		BoxX        float64    `ch:"box_x"`
		MissingTime time.Time  `ch:"due"`
		Trial       bool       `ch:"trial"`
		Decided     string     `ch:"decided"`
		Proposed    string     `ch:"proposed"`
		Grounds     string     `ch:"grounds"`
		Deviation   string     `ch:"deviation_reason"`
		Rejection   string     `ch:"reject_reason"`
	}
	var got analyst
	err := conn.QueryRow(t.Context(), `SELECT state, opened_at, section_name, plate, plate_read, plate_accepted, stop_end,
		since, decided_at, decided_by, receipt_at, reasons, file_kinds, file_sizes, box_x, due,
		trial, decided, proposed, grounds, deviation_reason, reject_reason FROM cases_latest`).ScanStruct(&got)
	decided := opened.Add(time.Minute)
	want := analyst{
		State: "confirmed", OpenedAt: opened, Section: "清江东路", Plate: "川A12345", PlateRead: "川A1234S",
		Since: opened.Add(-time.Minute), DecidedAt: &decided, DecidedBy: "officer/li",
		Reasons: []string{"no_window", "period_ran_out"}, Kinds: []string{"scene_begin"}, Sizes: []int64{4711}, BoxX: 0.25,
		MissingTime: time.Unix(0, 0),
		Decided:     "confirmed", Proposed: "warn", Grounds: "first", Deviation: "blocked a bus",
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}

	var hour struct {
		Section   string    `ch:"section_name"`
		Hour      time.Time `ch:"hour"`
		Cases     uint64    `ch:"cases"`
		Confirmed uint64    `ch:"confirmed"`
		Seconds   float64   `ch:"median_seconds_to_decision"`
	}
	err = conn.QueryRow(t.Context(), `SELECT section_name, hour, cases, confirmed, median_seconds_to_decision FROM cases_by_section_hour`).ScanStruct(&hour)
	if err != nil || hour.Cases != 1 || hour.Confirmed != 1 || hour.Seconds != 60 || hour.Hour.Hour() != 7 {
		t.Errorf("by hour: %+v, %v", hour, err)
	}
}

// A plate's violations are those that an officer confirmed or warned of, in
// any section, from the span's first moment until before its last.
func TestOffences(t *testing.T) {
	conn := migrated(t)
	cases := NewCases(conn)
	start := time.Date(2026, 11, 23, 8, 0, 0, 1000, time.UTC)
	var batch []kafka.Message
	add := func(e enforce.Event) {
		batch = append(batch, kafka.Message{Event: e, Position: kafka.Position{Offset: int64(len(batch))}})
	}
	decide := func(id string, kind enforce.EventType, plate string) {
		add(enforce.Event{
			ID: id + "-" + string(kind), Case: id, Type: kind, Actor: "officer/li", At: start, Revision: 1,
			Decision: &enforce.Decision{Plate: plate, Reason: "-"},
		})
	}
	for i, id := range []string{"c0", "c1", "c2", "c3", "c4", "c5"} {
		add(suspicion(id, start.Add(time.Minute+time.Duration(i)*time.Microsecond))) // stands for a minute by then
	}
	decide("c0", enforce.Confirmed, "川A12345")
	decide("c1", enforce.Warned, "川A12345")
	decide("c2", enforce.Rejected, "川A12345")
	decide("c3", enforce.Confirmed, "川A12346")
	decide("c4", enforce.Warned, "\t\n\r\x00'\"\\")
	decide("c5", enforce.Confirmed, "川A12345")
	if err := NewSink(conn, prometheus.NewRegistry()).Store(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		plate       string
		from, until time.Duration
		want        []string
	}{
		"all":             {"川A12345", 0, time.Hour, []string{"c5", "c1", "c0"}},
		"to the boundary": {"川A12345", time.Microsecond, 5 * time.Microsecond, []string{"c1"}},
		"another plate":   {"川A12346", 0, time.Hour, []string{"c3"}},
		"no such plate":   {"川' OR 1", 0, time.Hour, nil},
		"as it was typed": {"\t\n\r\x00'\"\\", 0, time.Hour, []string{"c4"}},
	} {
		t.Run(name, func(t *testing.T) {
			found, err := cases.Offences(t.Context(), test.plate, enforce.Span{From: start.Add(test.from), Until: start.Add(test.until)})
			var got []string
			for _, c := range found {
				got = append(got, c.ID)
			}
			if diff := cmp.Diff(test.want, got); err != nil || diff != "" {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
		})
	}
}

// The sink behind the real log: a batch whose offsets were not committed comes
// again after a restart, and nothing doubles.
func TestSinkStoresRedeliveredEventsOnce(t *testing.T) {
	conn := migrated(t)
	broker, err := kafka.OpenBroker(kafka.BrokerConfig{Dir: t.TempDir()}, testLog(t))
	if err != nil {
		t.Fatal(err)
	}
	defer broker.Close()
	cfg := kafka.DefaultConfig()
	cfg.Brokers, cfg.SpoolDir = []string{broker.Addr()}, filepath.Join(t.TempDir(), "spool")
	caseLog, err := kafka.NewLog(cfg, testLog(t), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	defer caseLog.Close()
	go func() { _ = caseLog.Run(t.Context()) }()
	opened := time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)
	if err := caseLog.Append(t.Context(), suspicion("c", opened), suspicion("d", opened)); err != nil {
		t.Fatal(err)
	}

	sink, cases := NewSink(conn, prometheus.NewRegistry()), NewCases(conn)
	first, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	err = caseLog.Consume(first, "sink", func(ctx context.Context, batch []kafka.Message) error {
		if err := sink.Store(ctx, batch); err != nil {
			return err
		}
		if _, err := cases.Case(ctx, "c"); err != nil {
			return nil //nolint:nilerr // it is in another batch
		}
		cancel() // as if the process ended before the commit
		return errors.New("ended")
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	last := suspicion("e", opened)
	if err := caseLog.Append(t.Context(), last); err != nil {
		t.Fatal(err)
	}
	second, cancelSecond := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- caseLog.Consume(second, "sink", sink.Store) }()
	eventually(t, "everything is stored", func() bool {
		counts, err := cases.Counts(t.Context())
		return err == nil && counts[enforce.StateSuspected] == 3
	})
	eventually(t, "what came again was passed over", func() bool { return testutil.ToFloat64(sink.metrics.known) > 0 })
	cancelSecond()
	<-ended
	for _, table := range []string{"cases", "case_events"} {
		var n uint64
		if err := conn.QueryRow(t.Context(), "SELECT count() FROM "+table).Scan(&n); err != nil || n != 3 {
			t.Errorf("%d rows in %s, %v; want 3", n, table, err)
		}
	}
}

func suspicion(id string, at time.Time) enforce.Event {
	return enforce.Event{ID: id + "-suspected", Case: id, Type: enforce.Suspected, At: at, Actor: "camera/c1", Violation: &enforce.Violation{
		ID: id, Camera: enforce.CameraRef{ID: "c1", Name: "东口", Place: "清江东路 12 号"},
		Section: enforce.SectionRef{ID: "s1", Name: "清江东路", TimeZone: "Asia/Shanghai"},
		Zone:    enforce.ZoneRef{ID: "z1"}, Policy: "p1", Code: "1039", Class: detect.Car,
		Plate: plate.Read{Text: "川A1234S", Kind: plate.Blue, Confidence: 0.4, Chars: []float64{0.9, 0.4}},
		Box:   detect.Box{X: 0.25, Y: 0.5, W: 0.1, H: 0.1}, StopID: "stop", StopStart: at.Add(-time.Minute), Since: at.Add(-time.Minute),
		Reasons:  []enforce.Reason{{Code: enforce.NoWindow}, {Code: enforce.PeriodRanOut, From: at.Add(-time.Minute), Until: at, Required: time.Minute}},
		Evidence: enforce.Evidence{Manifest: "ab", Files: []enforce.File{{Kind: enforce.SceneBegin, SHA256: "cd", Size: 4711, ArrivalTime: at}}},
	}}
}

// randomEvent is any event on one of a few cases; most are possible.
func randomEvent(random *rand.Rand, ledger *enforce.Ledger, n int) enforce.Event {
	id := fmt.Sprint("case", random.IntN(60))
	at := time.Date(2026, 11, 23, 8, 0, n, random.IntN(1e6)*1000, time.UTC)
	c, exists := ledger.Case(id)
	e := enforce.Event{ID: fmt.Sprint("event", n), Case: id, At: at, Actor: "officer/li", Revision: c.Revision - random.IntN(2)*random.IntN(2)}
	kind := random.IntN(7)
	if !exists {
		kind *= random.IntN(2)
	}
	switch kind {
	case 0:
		opened := suspicion(id, at)
		opened.Violation.Trial = random.IntN(6) == 0
		return opened
	case 1:
		e.Type, e.StopEnd = enforce.StopEnded, &at
	case 2:
		e.Type, e.Decision = enforce.Confirmed, &enforce.Decision{Plate: "川A12345"}
	case 3:
		e.Type, e.Decision = enforce.Rejected, &enforce.Decision{Reason: "it's \"loading\"\n"}
		if random.IntN(4) > 0 {
			e.Revision += 7 // void: a rejected case is closed for good
		}
	case 6:
		e.Type, e.Decision = enforce.Warned, &enforce.Decision{Plate: "川A12345", Proposed: enforce.Penalise, Reason: "corrected at once"}
		if random.IntN(4) > 0 {
			e.Revision += 7
		}
	case 4:
		e.Type, e.Failure = enforce.UploadFailed, &enforce.Failure{Attempt: n, Error: "busy"}
	case 5:
		e.Type = enforce.Receipted
		e.Receipt = &enforce.Receipt{Platform: "ga/t 1400", ID: id, Accepted: random.IntN(3) == 0, Code: "0", Message: "好", At: at.Add(time.Nanosecond)}
	}
	return e
}
