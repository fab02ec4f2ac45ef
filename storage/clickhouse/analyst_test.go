package clickhouse

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/google/go-cmp/cmp"
)

// ClickHouse's own error codes.
const (
	accessDenied        = 497
	readOnly            = 164
	settingConstraint   = 452
	memoryLimitExceeded = 241
	queryWasCancelled   = 394
)

// analystOf connects the way an analyst does: by what the file says.
func analystOf(t *testing.T, e *Engine) Conn {
	t.Helper()
	info, err := os.Stat(e.dsnFile())
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("dsn file: %v, %v; want one for its owner alone", info, err)
	}
	dsn, err := os.ReadFile(e.dsnFile())
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(dsn), e.Config().Password) {
		t.Error("the dsn file holds the owner's password")
	}
	options, err := clickhouse.ParseDSN(strings.TrimSpace(string(dsn)))
	if err != nil {
		t.Fatal(err)
	}
	options.Settings = clickhouse.Settings{"max_execution_time": 60, "max_threads": 2} // clients set a few
	conn, err := clickhouse.Open(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// refusal is the code that ClickHouse gives, 0 where it gives none.
func refusal(err error) int32 {
	var exception *clickhouse.Exception
	if errors.As(err, &exception) {
		return exception.Code
	}
	return 0
}

func TestAnalystReads(t *testing.T) {
	t.Parallel()
	e := startEngine(t, testEngineConfig(t))
	own := openConn(t, e.Config())
	if err := Migrate(t.Context(), own); err != nil {
		t.Fatal(err)
	}
	if err := own.Exec(t.Context(), "INSERT INTO cases (case_id, log_offset, section_id) VALUES ('a', 1, 's'), ('b', 2, 's')"); err != nil {
		t.Fatal(err)
	}
	analyst := analystOf(t, e)
	for _, query := range []string{
		"SELECT count() FROM cases_latest",
		"SELECT sum(cases) FROM cases_by_section_hour",
		"SELECT count() FROM cases FINAL",
		"SELECT count() + 2 FROM case_events",
		"SELECT countIf(name = 'cases_latest') + 1 FROM system.tables",
	} {
		var n uint64
		if err := analyst.QueryRow(t.Context(), query).Scan(&n); err != nil || n != 2 {
			t.Errorf("%s: %d, %v; want 2", query, n, err)
		}
	}
}

func TestAnalystChangesNothing(t *testing.T) {
	t.Parallel()
	e := startEngine(t, testEngineConfig(t))
	own := openConn(t, e.Config())
	if err := Migrate(t.Context(), own); err != nil {
		t.Fatal(err)
	}
	if err := own.Exec(t.Context(), "INSERT INTO cases (case_id) VALUES ('kept')"); err != nil {
		t.Fatal(err)
	}
	users := filepath.Join(e.cfg.Dir, "etc", "users.xml")
	analyst := analystOf(t, e)
	denied := []int32{accessDenied, readOnly, settingConstraint}
	for _, statement := range []string{
		"INSERT INTO cases (case_id) VALUES ('forged')",
		"INSERT INTO cases (case_id) SELECT 'forged'",
		"DROP TABLE cases",
		"DROP VIEW cases_latest",
		"DROP DATABASE tidewatch",
		"TRUNCATE TABLE cases",
		"TRUNCATE TABLE tidewatch_database",
		"ALTER TABLE cases DELETE WHERE 1",
		"ALTER TABLE cases UPDATE state = 'rejected' WHERE 1",
		"ALTER TABLE cases DROP COLUMN state",
		"DELETE FROM cases WHERE 1",
		"OPTIMIZE TABLE cases FINAL",
		"RENAME TABLE cases TO gone",
		"DETACH TABLE cases",
		"CREATE TABLE t (n UInt32) ENGINE = MergeTree ORDER BY n",
		"CREATE VIEW v AS SELECT 1",
		"CREATE USER other",
		"GRANT ALL ON *.* TO analyst",
		"SYSTEM SHUTDOWN",
		"SYSTEM STOP LISTEN TCP",
		"KILL QUERY WHERE user = 'default' SYNC",
		"SET readonly = 0",
		fmt.Sprintf("SET max_memory_usage = %d", e.cfg.MemoryLimit),
		"SET max_memory_usage_for_user = 0",
		"SELECT * FROM file('" + users + "', 'LineAsString', 's String')",
		"SELECT * FROM url('http://127.0.0.1:1/', 'LineAsString', 's String')",
		"SELECT * FROM remote('" + e.conn.Addresses[0] + "', 'tidewatch', 'cases', 'tidewatch', 'guess')",
		"SELECT * FROM system.users",
		"SELECT * FROM system.grants",
		"SELECT * FROM system.processes",
		"SELECT * FROM system.server_settings",
		"SHOW CREATE USER tidewatch",
	} {
		if err := analyst.Exec(t.Context(), statement); !slices.Contains(denied, refusal(err)) {
			t.Errorf("%s: %v, want it denied", statement, err)
		}
	}
	var names []string
	if err := own.QueryRow(t.Context(), "SELECT groupArray(case_id) FROM cases_latest").Scan(&names); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"kept"}, names); diff != "" {
		t.Errorf("afterwards (-want +got):\n%s", diff)
	}
	if e.Health() != nil {
		t.Errorf("afterwards the engine is down: %v", e.Health())
	}
}

// One great query leaves the officers their room.
func TestAnalystsMemoryIsBounded(t *testing.T) {
	t.Parallel()
	e := startEngine(t, testEngineConfig(t))
	own, analyst := openConn(t, e.Config()), analystOf(t, e)
	const great = "SELECT length(groupArray(number)) FROM numbers(20000000) SETTINGS max_threads = 1" // 384 MB at its peak
	if err := analyst.Exec(t.Context(), great); refusal(err) != memoryLimitExceeded {
		t.Errorf("the analyst's great query: %v, want the memory limit", err)
	}
	if err := own.Exec(t.Context(), great); err != nil {
		t.Errorf("the owner's great query: %v", err)
	}
}
