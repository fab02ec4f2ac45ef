package clickhouse

import (
	"context"
	"fmt"
)

// Ends are the offsets after the last event that is stored of each partition.
func (c *Cases) Ends(ctx context.Context) (map[int]int64, error) {
	var rows []struct {
		Partition uint32 `ch:"log_partition"`
		End       uint64 `ch:"end"`
	}
	const query = "SELECT log_partition, max(log_offset) + 1 AS end FROM case_events GROUP BY log_partition"
	if err := c.conn.Select(ctx, &rows, query); err != nil {
		return nil, fmt.Errorf("look up how far events are stored: %w", err)
	}
	ends := make(map[int]int64, len(rows))
	for _, row := range rows {
		ends[int(row.Partition)] = int64(row.End)
	}
	return ends, nil
}

// Stored returns every event that is stored of a partition as the case log held
// it, by offset.
func (c *Cases) Stored(ctx context.Context, partition int) (map[int64][]byte, error) {
	rows, err := c.conn.Query(ctx, `
		SELECT log_offset, payload FROM case_events FINAL
		WHERE log_partition = ? ORDER BY log_offset`, uint32(partition))
	if err != nil {
		return nil, fmt.Errorf("read the stored events of partition %d: %w", partition, err)
	}
	defer rows.Close()
	events := map[int64][]byte{}
	for rows.Next() {
		var offset uint64
		var payload string
		if err := rows.Scan(&offset, &payload); err != nil {
			return nil, fmt.Errorf("read the stored events of partition %d: %w", partition, err)
		}
		events[int64(offset)] = []byte(payload)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read the stored events of partition %d: %w", partition, err)
	}
	return events, nil
}

// All calls visit for every event that is stored, but for those that this system
// did not write, in the order of the log's partitions, until it fails.
func (c *Cases) All(ctx context.Context, visit func(payload []byte) error) error {
	rows, err := c.conn.Query(ctx, `
		SELECT payload FROM case_events FINAL WHERE outcome != 'unproven'
		ORDER BY log_partition, log_offset, case_id`)
	if err != nil {
		return fmt.Errorf("read the stored events: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var payload string
		if err := rows.Scan(&payload); err != nil {
			return fmt.Errorf("read the stored events: %w", err)
		}
		if err := visit([]byte(payload)); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("read the stored events: %w", err)
	}
	return nil
}

// storedEvents are the IDs of the events that are stored of cases.
func storedEvents(ctx context.Context, conn Conn, cases []string) (map[string]bool, error) {
	var rows []struct {
		CaseID  string `ch:"case_id"`
		EventID string `ch:"event_id"`
	}
	if err := conn.Select(ctx, &rows, "SELECT DISTINCT case_id, event_id FROM case_events WHERE case_id IN (?)", cases); err != nil {
		return nil, err
	}
	events := make(map[string]bool, len(rows))
	for _, row := range rows {
		events[eventKey(row.CaseID, row.EventID)] = true
	}
	return events, nil
}

func eventKey(caseID, eventID string) string { return caseID + "\x00" + eventID }
