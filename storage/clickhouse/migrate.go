package clickhouse

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"time"
)

//go:embed sql/*.sql
var migrations embed.FS

// What stands in the way of a migration.
var (
	ErrChanged = errors.New("migration was changed after it was applied")
	ErrUnknown = errors.New("migration was applied by another version of tidewatch")
)

const createMigrations = `CREATE TABLE IF NOT EXISTS migrations
(
    name       String COMMENT 'file of the statement',
    checksum   String COMMENT 'SHA-256 of its text',
    applied_at DateTime64(6, 'UTC') COMMENT 'when it was applied'
)
ENGINE = ReplacingMergeTree ORDER BY name
COMMENT 'The statements that made this database what it is'`

// Migrate brings the database's tables up to this version. It may be run
// again at any time: what was applied stays.
func Migrate(ctx context.Context, conn Conn) error {
	return migrate(ctx, conn, migrations)
}

// migrate applies the statements of sql/*.sql, one in each file, in the order
// of their names. A statement that was cut short is run again, so each must
// bear it.
func migrate(ctx context.Context, conn Conn, files fs.FS) error {
	if err := conn.Exec(ctx, createMigrations); err != nil {
		return fmt.Errorf("migrate clickhouse: %w", explain(err))
	}
	known, err := knownMigrations(ctx, conn)
	if err != nil {
		return fmt.Errorf("migrate clickhouse: %w", err)
	}
	paths, err := fs.Glob(files, "sql/*.sql") // sorted
	if err != nil {
		return fmt.Errorf("migrate clickhouse: %w", err)
	}
	for _, file := range paths {
		name := path.Base(file)
		if err := apply(ctx, conn, files, file, known[name]); err != nil {
			return fmt.Errorf("migrate clickhouse: %s: %w", name, err)
		}
		delete(known, name)
	}
	for name := range known {
		return fmt.Errorf("migrate clickhouse: %s: %w", name, ErrUnknown)
	}
	return nil
}

// knownMigrations returns the checksums of what was applied, by name.
func knownMigrations(ctx context.Context, conn Conn) (map[string]string, error) {
	var rows []struct {
		Name     string `ch:"name"`
		Checksum string `ch:"checksum"`
	}
	if err := conn.Select(ctx, &rows, "SELECT name, checksum FROM migrations FINAL"); err != nil {
		return nil, err
	}
	applied := map[string]string{}
	for _, row := range rows {
		applied[row.Name] = row.Checksum
	}
	return applied, nil
}

// apply runs one file's statement, unless it is known with the same checksum.
func apply(ctx context.Context, conn Conn, files fs.FS, file, known string) error {
	statement, err := fs.ReadFile(files, file)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(statement)
	checksum := hex.EncodeToString(sum[:])
	switch known {
	case checksum:
		return nil
	case "":
	default:
		return ErrChanged
	}
	if err := conn.Exec(ctx, string(statement)); err != nil {
		return err
	}
	return conn.Exec(ctx, "INSERT INTO migrations (name, checksum, applied_at) VALUES (?, ?, fromUnixTimestamp64Micro(?))",
		path.Base(file), checksum, time.Now().UnixMicro())
}
