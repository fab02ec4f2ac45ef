package clickhouse

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"tidewatch/enforce"
)

// Cases answers what officers ask. It shows what the sink has stored, which is
// a moment behind the case log.
type Cases struct {
	conn Conn
}

// NewCases reads over conn, whose database must be migrated.
func NewCases(conn Conn) *Cases { return &Cases{conn} }

// List returns at most limit cases in a state, or in any where state is empty,
// that were opened before a moment, or at any time where it is zero; the
// newest first.
func (c *Cases) List(ctx context.Context, state enforce.State, limit int, before time.Time) ([]enforce.Case, error) {
	until := int64(1) << 52 // microseconds: the year 2112
	if !before.IsZero() {
		until = before.UnixMicro()
	}
	var rows []struct {
		Payload string `ch:"payload"`
	}
	err := c.conn.Select(ctx, &rows, `
		SELECT payload FROM cases FINAL
		WHERE (state = ? OR ? = '') AND opened_at < fromUnixTimestamp64Micro(?)
		ORDER BY opened_at DESC, case_id LIMIT ?`,
		string(state), string(state), until, limit)
	if err != nil {
		return nil, fmt.Errorf("list cases: %w", err)
	}
	cases := make([]enforce.Case, len(rows))
	for i, row := range rows {
		if cases[i], err = fromCasePayload(row.Payload); err != nil {
			return nil, fmt.Errorf("list cases: %w", err)
		}
	}
	return cases, nil
}

// Counts returns how many cases are in each state that has any.
func (c *Cases) Counts(ctx context.Context) (map[enforce.State]int, error) {
	var rows []struct {
		State string `ch:"state"`
		Count uint64 `ch:"n"`
	}
	if err := c.conn.Select(ctx, &rows, "SELECT state, count() AS n FROM cases FINAL GROUP BY state"); err != nil {
		return nil, fmt.Errorf("count cases: %w", err)
	}
	counts := map[enforce.State]int{}
	for _, row := range rows {
		counts[enforce.State(row.State)] = int(row.Count)
	}
	return counts, nil
}

// Case returns a case as it stands; the error is enforce.ErrNoCase where none
// has the ID.
func (c *Cases) Case(ctx context.Context, id string) (enforce.Case, error) {
	stored, err := storedCases(ctx, c.conn, []string{id})
	if err != nil {
		return enforce.Case{}, fmt.Errorf("read case %s: %w", id, err)
	}
	found, ok := stored[id]
	if !ok {
		return enforce.Case{}, fmt.Errorf("read case %s: %w", id, enforce.ErrNoCase)
	}
	return found.Case, nil
}

// History returns every event of a case in the order of the log, with what
// each did; the error is enforce.ErrNoCase where nothing is known of it.
func (c *Cases) History(ctx context.Context, id string) ([]enforce.Recorded, error) {
	var rows []struct {
		Payload string `ch:"payload"`
		Outcome string `ch:"outcome"`
	}
	err := c.conn.Select(ctx, &rows, `
		SELECT payload, outcome FROM case_events FINAL
		WHERE case_id = ? ORDER BY log_partition, log_offset`, id)
	if err != nil {
		return nil, fmt.Errorf("read history of case %s: %w", id, err)
	}
	if len(rows) == 0 {
		return nil, fmt.Errorf("read history of case %s: %w", id, enforce.ErrNoCase)
	}
	history := make([]enforce.Recorded, len(rows))
	for i, row := range rows {
		if history[i], err = fromEventPayload(row.Payload, row.Outcome); err != nil {
			return nil, fmt.Errorf("read history of case %s: %w", id, err)
		}
	}
	return history, nil
}

// maxOffences bounds how many violations of one plate are told.
const maxOffences = 100

// parameter writes a text as the database reads parameters.
var parameter = strings.NewReplacer(`\`, `\\`, "\t", `\t`, "\n", `\n`, "\r", `\r`, "\x00", `\0`)

// Offences returns the newest cases of a plate that officers confirmed or
// warned of and whose unpermitted stretch began in a span of time.
func (c *Cases) Offences(ctx context.Context, plate string, span enforce.Span) ([]enforce.Case, error) {
	var rows []struct {
		Payload string `ch:"payload"`
	}
	// As parameters, since the database repeats a query that fails in its error,
	// and no plate may stand in a log.
	ctx = clickhouse.Context(ctx, clickhouse.WithParameters(clickhouse.Parameters{
		"plate": parameter.Replace(plate), "states": settled(), "limit": strconv.Itoa(maxOffences),
		"from": strconv.FormatInt(span.From.UnixMicro(), 10), "until": strconv.FormatInt(span.Until.UnixMicro(), 10),
	}))
	err := c.conn.Select(ctx, &rows, `
		SELECT payload FROM cases FINAL
		WHERE plate_confirmed = {plate:String} AND has(splitByChar(',', {states:String}), state)
			AND since >= fromUnixTimestamp64Micro({from:Int64}) AND since < fromUnixTimestamp64Micro({until:Int64})
		ORDER BY since DESC, case_id LIMIT {limit:UInt32}`)
	if err != nil {
		return nil, fmt.Errorf("list the violations of a plate: %w", err)
	}
	cases := make([]enforce.Case, len(rows))
	for i, row := range rows {
		if cases[i], err = fromCasePayload(row.Payload); err != nil {
			return nil, fmt.Errorf("list the violations of a plate: %w", err)
		}
	}
	return cases, nil
}

// settled are the states of cases that count in later ones, joined by commas.
func settled() string {
	var states []string
	for _, state := range enforce.States {
		if (enforce.Case{State: state}).Settled() {
			states = append(states, string(state))
		}
	}
	return strings.Join(states, ",")
}

// stored is a case with the place of the event that made it so.
type stored struct {
	enforce.Case
	at enforce.Position
}

// holds reports whether what stands at a place is in a case already. Others may
// write of a case into another partition than its own.
func (s stored) holds(at enforce.Position) bool {
	return s.ID != "" && at.Partition == s.at.Partition && at.Offset <= s.at.Offset
}

func storedCases(ctx context.Context, conn Conn, ids []string) (map[string]stored, error) {
	var rows []struct {
		CaseID    string `ch:"case_id"`
		Partition uint32 `ch:"log_partition"`
		Offset    uint64 `ch:"log_offset"`
		Payload   string `ch:"payload"`
	}
	if err := conn.Select(ctx, &rows, "SELECT case_id, log_partition, log_offset, payload FROM cases FINAL WHERE case_id IN (?)", ids); err != nil {
		return nil, err
	}
	cases := make(map[string]stored, len(rows))
	for _, row := range rows {
		c, err := fromCasePayload(row.Payload)
		if err != nil {
			return nil, err
		}
		cases[row.CaseID] = stored{c, enforce.Position{Partition: int(row.Partition), Offset: int64(row.Offset)}}
	}
	return cases, nil
}
