package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"strings"
	"time"
)

// ErrNotWhole says that the database lacks or misstates something that it was
// given. It is a view of the case log and can be built anew from it.
var ErrNotWhole = errors.New("the database is not whole")

// tables are what migrations make, but for views.
var tables = []string{"case_events", "cases", "migrations", "tidewatch_database"}

var views = []string{"cases_by_section_hour", "cases_latest"}

// Whole checks what the database can tell of itself: that every table and view
// is there, that every part of a table has its checksums, and that each case
// stands where its events took it. It reads everything. An ErrNotWhole says
// what is amiss; any other error, that it could not be told.
func Whole(ctx context.Context, conn Conn) error {
	present, err := relations(ctx, conn)
	if err != nil {
		return fmt.Errorf("check the database: %w", err)
	}
	for _, name := range slices.Concat(tables, views) {
		if !slices.Contains(present, name) {
			return fmt.Errorf("%w: %s is missing", ErrNotWhole, name)
		}
	}
	for _, name := range tables {
		if err := wholeTable(ctx, conn, name); err != nil {
			return err
		}
	}
	for _, name := range views {
		if err := conn.Exec(ctx, "SELECT * FROM "+name+" LIMIT 1 FORMAT Null"); err != nil {
			return amiss(ctx, name, err)
		}
	}
	return consistent(ctx, conn)
}

// relations are the names of all tables and views.
func relations(ctx context.Context, conn Conn) (names []string, err error) {
	var rows []struct {
		Name string `ch:"name"`
	}
	err = conn.Select(ctx, &rows, "SELECT name FROM system.tables WHERE database = currentDatabase()")
	for _, row := range rows {
		names = append(names, row.Name)
	}
	return names, err
}

func wholeTable(ctx context.Context, conn Conn, name string) error {
	var rows []struct {
		Part    string `ch:"part_path"`
		Passed  bool   `ch:"is_passed"`
		Message string `ch:"message"`
	}
	if err := conn.Select(ctx, &rows, "CHECK TABLE "+name+" SETTINGS check_query_single_value_result = 0"); err != nil {
		return amiss(ctx, name, err)
	}
	for _, row := range rows {
		if !row.Passed {
			return fmt.Errorf("%w: %s, part %s: %s", ErrNotWhole, name, row.Part, row.Message)
		}
	}
	return nil
}

// amiss tells a table that cannot be read from a database that does not answer.
func amiss(ctx context.Context, name string, err error) error {
	if ctx.Err() != nil || unreachable(err) {
		return fmt.Errorf("check %s: %w", name, err)
	}
	return fmt.Errorf("%w: %s: %w", ErrNotWhole, name, err)
}

// unreachable says whether an error is one of the connection.
func unreachable(err error) bool {
	text := err.Error()
	return strings.Contains(text, "dial ") || strings.Contains(text, "EOF") || strings.Contains(text, "connection re")
}

const strays = `
SELECT count() FROM
(
    SELECT case_id, max(log_offset) AS newest FROM case_events FINAL WHERE outcome = 'applied' GROUP BY case_id
) AS e
FULL JOIN (SELECT case_id, log_offset FROM cases FINAL) AS c USING (case_id)
WHERE coalesce(toInt64(newest), -1) != coalesce(toInt64(log_offset), -1)
SETTINGS join_use_nulls = 1`

// consistent checks that each case is as new as the newest event that changed
// it. Between the two inserts of a batch it is not, so it looks again.
func consistent(ctx context.Context, conn Conn) error {
	var apart uint64
	for try := range 4 {
		if err := conn.QueryRow(ctx, strays).Scan(&apart); err != nil {
			return amiss(ctx, "cases", err)
		}
		if apart == 0 {
			return nil
		}
		pause(ctx, 250*time.Millisecond<<try)
	}
	return fmt.Errorf("%w: %d cases do not stand where their events took them", ErrNotWhole, apart)
}

// Digest is what a number of events come to, in any order.
type Digest struct {
	Events uint64
	Sum    uint64 // of the CRC-32 of their IDs
}

// Add counts an event.
func (d *Digest) Add(id string) {
	d.Events++
	d.Sum += uint64(crc32.ChecksumIEEE([]byte(id)))
}

// Extent is what the database has of a partition of the case log.
type Extent struct {
	Last int64 // offset of the newest event
	Digest
}

// Stored is what the database has of each partition of the case log.
func Stored(ctx context.Context, conn Conn) (map[int]Extent, error) {
	const query = `SELECT log_partition, max(log_offset) AS last, count() AS events, sum(toUInt64(CRC32(event_id))) AS ids FROM
		(SELECT DISTINCT log_partition, log_offset, event_id FROM case_events) GROUP BY log_partition`
	var rows []struct {
		Partition uint32 `ch:"log_partition"`
		Last      uint64 `ch:"last"`
		Events    uint64 `ch:"events"`
		IDs       uint64 `ch:"ids"`
	}
	if err := conn.Select(ctx, &rows, query); err != nil {
		return nil, amiss(ctx, "case_events", err)
	}
	stored := map[int]Extent{}
	for _, row := range rows {
		stored[int(row.Partition)] = Extent{int64(row.Last), Digest{row.Events, row.IDs}}
	}
	return stored, nil
}

// Empty removes all tables and views, so that Migrate makes them anew and the
// case log is read again from its beginning.
func Empty(ctx context.Context, conn Conn) error {
	present, err := relations(ctx, conn)
	if err != nil {
		return fmt.Errorf("empty the database: %w", err)
	}
	for _, name := range present {
		if err := conn.Exec(ctx, "DROP TABLE IF EXISTS `"+name+"` SYNC SETTINGS max_table_size_to_drop = 0"); err != nil {
			return fmt.Errorf("empty the database: %w", err)
		}
	}
	return nil
}
