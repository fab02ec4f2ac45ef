package clickhouse

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/prometheus/client_golang/prometheus"

	"tidewatch/enforce"
)

// Sink stores what happens to cases. What it knows of a case is what the
// database says, so that a partition may move from one worker to another at
// any time, and an event that comes again changes nothing.
type Sink struct {
	conn    Conn
	metrics sinkMetrics
}

// NewSink writes over conn, whose database must be migrated.
func NewSink(conn Conn, reg prometheus.Registerer) *Sink {
	return &Sink{conn: conn, metrics: newSinkMetrics(reg)}
}

// Store applies a batch of events in order; both tables have it when Store
// returns nil. After an error the same batch may be stored again.
func (s *Sink) Store(ctx context.Context, batch []enforce.Checked) error {
	started := time.Now()
	known, err := storedCases(ctx, s.conn, caseIDs(batch))
	if err != nil {
		return fmt.Errorf("read the cases of a batch: %w", err)
	}
	again, err := storedEvents(ctx, s.conn, comeAgain(known, batch))
	if err != nil {
		return fmt.Errorf("read the events of a batch: %w", err)
	}
	work := fold(known, again, batch)
	cases, err := work.caseRows()
	if err != nil {
		return fmt.Errorf("store a batch: %w", err)
	}
	// The events go first: once a case has its new offset, its events up to
	// there are taken for stored.
	if err := insert(ctx, s.conn, "case_events", work.eventRows()); err != nil {
		return err
	}
	if err := insert(ctx, s.conn, "cases", cases); err != nil {
		return err
	}
	s.metrics.count(work, time.Since(started))
	return nil
}

func caseIDs(batch []enforce.Checked) []string {
	var ids []string
	for _, m := range batch {
		ids = append(ids, m.Claim().Case)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// folded is what a batch comes to.
type folded struct {
	messages []enforce.Checked // those not stored before
	outcomes []enforce.Outcome
	known    int // how many were stored before

	cases   map[string]enforce.Case // those that changed
	changed map[string]enforce.Position
}

// comeAgain are the cases of a batch with an event at or before the place that is
// stored with them. It came before, unless the log has lost its end and others
// have the offsets now.
func comeAgain(known map[string]stored, batch []enforce.Checked) (cases []string) {
	for _, m := range batch {
		if id := m.Claim().Case; known[id].holds(m.Position) {
			cases = append(cases, id)
		}
	}
	slices.Sort(cases)
	return slices.Compact(cases)
}

// fold applies a batch to the cases as stored, but for the events that came
// before. The offset stored with a case never falls, as it tells which row is the
// newest.
func fold(known map[string]stored, again map[string]bool, batch []enforce.Checked) folded {
	work := folded{cases: map[string]enforce.Case{}, changed: map[string]enforce.Position{}}
	for _, m := range batch {
		e := m.Claim()
		before := known[e.Case]
		if before.holds(m.Position) && again[eventKey(e.Case, e.ID)] {
			work.known++
			continue
		}
		after, outcome := before.Apply(m)
		work.messages, work.outcomes = append(work.messages, m), append(work.outcomes, outcome)
		if outcome == enforce.Applied {
			newest := m.Position
			newest.Offset = max(before.at.Offset, m.Offset)
			known[after.ID] = stored{after, newest}
			work.cases[after.ID], work.changed[after.ID] = after, newest
		}
	}
	return work
}

func (f folded) eventRows() []eventRow {
	rows := make([]eventRow, len(f.messages))
	for i, m := range f.messages {
		rows[i] = toEventRow(m, f.outcomes[i])
	}
	return rows
}

func (f folded) caseRows() ([]caseRow, error) {
	var rows []caseRow
	for _, id := range slices.Sorted(maps.Keys(f.cases)) {
		row, err := toCaseRow(f.cases[id], f.changed[id])
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// insert stores rows as one block. The token, a hash of the rows, lets the
// database drop a block that it has already.
func insert[Row any](ctx context.Context, conn Conn, table string, rows []Row) error {
	if len(rows) == 0 {
		return nil
	}
	content, err := json.Marshal(rows)
	if err != nil {
		return fmt.Errorf("insert into %s: %w", table, err)
	}
	token := sha256.Sum256(content)
	ctx = clickhouse.Context(ctx, clickhouse.WithSettings(clickhouse.Settings{
		"insert_deduplication_token": hex.EncodeToString(token[:]),
	}))
	batch, err := conn.PrepareBatch(ctx, "INSERT INTO "+table)
	if err != nil {
		return fmt.Errorf("insert into %s: %w", table, err)
	}
	defer batch.Close()
	for i := range rows {
		if err := batch.AppendStruct(&rows[i]); err != nil {
			return fmt.Errorf("insert into %s: %w", table, err)
		}
	}
	if err := batch.Send(); err != nil {
		return fmt.Errorf("insert into %s: %w", table, err)
	}
	return nil
}
