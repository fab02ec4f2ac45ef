package clickhouse

import (
	"context"
	"fmt"
)

// DatabaseID tells this database, which must be migrated, from every other,
// the one before it at the same address included. A place in the case log
// holds for one database alone: a new one must read the log from its beginning.
func DatabaseID(ctx context.Context, conn Conn) (string, error) {
	const once = `INSERT INTO tidewatch_database (id, made_at)
		SELECT generateUUIDv4(), now64(6) WHERE (SELECT count() FROM tidewatch_database) = 0`
	if err := conn.Exec(ctx, once); err != nil {
		return "", fmt.Errorf("give the database an ID: %w", err)
	}
	var id string
	row := conn.QueryRow(ctx, "SELECT toString(id) FROM tidewatch_database ORDER BY made_at, id LIMIT 1")
	if err := row.Scan(&id); err != nil {
		return "", fmt.Errorf("read the database's ID: %w", err)
	}
	return id, nil
}
