package clickhouse

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

// bait is what the engine is asked to get at: a file that anybody may read, a
// server that anybody may connect to, and a folder that anybody may write to.
type bait struct {
	secret  string // what the file says
	file    string
	folder  string
	server  string
	knocked atomic.Int32
}

func layBait(t *testing.T) *bait {
	t.Helper()
	b := &bait{secret: "SECRET-" + t.Name(), folder: filepath.Join(t.TempDir(), "drop")}
	b.file = filepath.Join(t.TempDir(), "secret.csv")
	if err := os.WriteFile(b.file, []byte(b.secret+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(b.folder, 0o777); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	b.server = listener.Addr().String()
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			b.knocked.Add(1)
			conn.Close()
		}
	}()
	return b
}

// check fails the test if anything of the bait was taken.
func (b *bait) check(t *testing.T) {
	t.Helper()
	if n := b.knocked.Load(); n > 0 {
		t.Errorf("the engine connected to a server %d times", n)
	}
	if left, err := os.ReadDir(b.folder); err != nil || len(left) > 0 {
		t.Errorf("the engine wrote %v, %v", left, err)
	}
}

// arguments are what functions are called with that take a path, a URL, an
// address or a command.
func (b *bait) arguments() []string {
	drop := filepath.Join(b.folder, "dropped.csv")
	return []string{
		quoted(b.file),
		quoted(b.file, "LineAsString", "s String"),
		quoted(drop, "LineAsString", "s String"),
		quoted("/proc/self/environ", "LineAsString", "s String"),
		quoted("file://"+b.file, "LineAsString", "s String"),
		quoted("http://"+b.server+"/x", "LineAsString", "s String"),
		quoted("http://" + b.server + "/x"),
		quoted(b.server, "system", "one", "default", ""),
		quoted(b.server, "id", "s", "s String"),
		quoted("127.0.0.1:9000", "system", "one", "default", ""),
		quoted("127.0.0.1:9000", "system", "one", "tidewatch", "guessed"), // a wrong password ends the engine
		quoted("default", "tidewatch", "cases"),
		quoted("cp "+b.file+" "+drop, "LineAsString", "s String"),
		"'SELECT file(''" + b.file + "'')'",
	}
}

func quoted(texts ...string) string { return "'" + strings.Join(texts, "', '") + "'" }

// statements are all that a user of the engine could try to get at the bait:
// every function, table function and kind of table that it has.
func (b *bait) statements(t *testing.T, own Conn) []string {
	t.Helper()
	drop := filepath.Join(b.folder, "dropped.csv")
	all := []string{
		"SELECT 1 INTO OUTFILE '" + drop + "'",
		"SELECT * FROM '" + b.file + "'",
		"CREATE TEMPORARY TABLE t (s String) ENGINE = File(LineAsString, 0)",
		"CREATE TABLE t (s String) ENGINE = MergeTree ORDER BY s SETTINGS disk = disk(type = 'local', path = '" + b.folder + "/')",
		"ATTACH TABLE t FROM '" + b.folder + "' (s String) ENGINE = MergeTree ORDER BY s",
		"CREATE DATABASE d ENGINE = Filesystem('" + filepath.Dir(b.file) + "')",
		"CREATE DATABASE d ENGINE = SQLite('" + b.file + "')",
		"CREATE DATABASE d ENGINE = MySQL('" + b.server + "', 'd', 'u', 'p')",
		"CREATE DATABASE d ENGINE = Overlay('default', 'tidewatch')",
		"CREATE FUNCTION f AS x -> file(x)",
		"CREATE NAMED COLLECTION c AS url = 'http://" + b.server + "/'",
		"CREATE USER u IDENTIFIED BY 'p'",
		"CREATE MODEL m",
		"SET max_memory_usage_for_user = 0, user_files_path = '/'",
		"SELECT catboostEvaluate('" + b.file + "', 1)",
		"SELECT s FROM input('s String')",
	}
	for _, target := range []string{"File('" + drop + "')", "Disk('default', 'x')", "S3('http://" + b.server + "/x', 'u', 'p')"} {
		all = append(all,
			"BACKUP DATABASE tidewatch TO "+target,
			"BACKUP TABLE system.one TO "+target,
			"RESTORE DATABASE tidewatch FROM "+target)
	}
	for _, source := range []string{
		"FILE(path '" + b.file + "' format 'LineAsString')",
		"HTTP(url 'http://" + b.server + "/' format 'LineAsString')",
		"EXECUTABLE(command 'cat " + b.file + "' format 'LineAsString')",
		"CLICKHOUSE(host '127.0.0.1' port 9000 user 'default' table 'one' db 'system')",
	} {
		all = append(all, "CREATE DICTIONARY d (s String) PRIMARY KEY s SOURCE("+source+") LAYOUT(COMPLEX_KEY_DIRECT())")
	}
	for _, name := range names(t, own, "SELECT name FROM system.table_functions") {
		for _, args := range b.arguments() {
			call := name + "(" + args + ")"
			all = append(all,
				"SELECT toString(tuple(*)) FROM "+call+" LIMIT 3",
				"INSERT INTO FUNCTION "+call+" SELECT 'x'")
		}
	}
	for _, name := range names(t, own, "SELECT name FROM system.table_engines") {
		for _, args := range b.arguments() {
			all = append(all, "CREATE TEMPORARY TABLE t (s String) ENGINE = "+name+"("+args+")")
		}
	}
	for _, name := range names(t, own, "SELECT name FROM system.functions WHERE NOT is_aggregate AND match(name, '^[a-zA-Z0-9_]+$')") {
		for _, args := range []string{quoted(b.file), quoted("http://"+b.server+"/", b.file)} {
			all = append(all, "SELECT toString("+name+"("+args+"))")
		}
	}
	for _, name := range names(t, own, "SELECT privilege::String FROM system.privileges WHERE startsWith(privilege::String, 'SYSTEM ') AND NOT endsWith(privilege::String, 'LISTEN')") {
		all = append(all, name, name+" tidewatch.cases")
	}
	return all
}

func names(t *testing.T, conn Conn, query string) []string {
	t.Helper()
	var rows []string
	if err := conn.QueryRow(t.Context(), "SELECT groupArray(*) FROM ("+query+")").Scan(&rows); err != nil || len(rows) < 10 {
		t.Fatalf("%s: %v, %v", query, rows, err)
	}
	return rows
}

// said is what a statement brings back, its error included.
func said(ctx context.Context, conn Conn, statement string) string {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	rows, err := conn.Query(ctx, statement)
	if err != nil {
		return err.Error()
	}
	defer rows.Close()
	var all strings.Builder
	for rows.Next() {
		var values []any
		for _, column := range rows.ColumnTypes() {
			values = append(values, reflect.New(column.ScanType()).Interface())
		}
		if err := rows.Scan(values...); err != nil {
			return err.Error()
		}
		for _, value := range values {
			fmt.Fprintln(&all, reflect.ValueOf(value).Elem())
		}
	}
	return fmt.Sprint(all.String(), rows.Err())
}

// Neither the analyst nor the user that needs no password gets at anything
// outside the engine's own folders, whatever the engine has been made to do.
func TestEngineReachesNothingOutside(t *testing.T) {
	t.Parallel()
	silent := slog.New(slog.DiscardHandler) // the engine complains of thousands of statements
	e, err := StartEngine(t.Context(), testEngineConfig(t), silent, prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	own := openConn(t, e.Config())
	if err := Migrate(t.Context(), own); err != nil {
		t.Fatal(err)
	}
	nobody := e.Config()
	nobody.User, nobody.Password, nobody.Database = "default", "", "default"
	b := layBait(t)
	statements := b.statements(t, own)
	t.Logf("%d statements", len(statements))
	inside := filepath.Join(e.cfg.Dir, "data", "inside")
	if err := os.WriteFile(inside, []byte(b.secret), 0o600); err != nil {
		t.Fatal(err)
	}
	var users sync.WaitGroup
	for user, cfg := range map[string]Config{"analyst": e.analyst(), "default": nobody} {
		users.Go(func() {
			conn := openConn(t, cfg)
			if !strings.Contains(said(t.Context(), conn, "SELECT file('"+inside+"')"), b.secret) {
				t.Errorf("%s: the engine's own file was not read, so what follows shows nothing", user)
			}
			for _, statement := range statements {
				answer := strings.ReplaceAll(said(t.Context(), conn, statement), b.file, "")
				if strings.Contains(answer, b.secret) {
					t.Errorf("%s: %s: %.300s", user, statement, answer)
				}
			}
		})
	}
	users.Wait()
	b.check(t)
	if e.Health() != nil || testutil.ToFloat64(e.metrics.restarts) > 0 {
		t.Errorf("afterwards: %v, %v restarts", e.Health(), testutil.ToFloat64(e.metrics.restarts))
	}
}
