package clickhouse

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/ext"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

// tap keeps what a client sends.
type tap struct {
	net.Conn
	sent *bytes.Buffer
}

func (t tap) Write(p []byte) (int, error) {
	t.sent.Write(p)
	return t.Conn.Write(p)
}

// session is all that an analyst's client sends for one query with a table of
// its own, over one connection.
func session(t *testing.T, cfg Config, method clickhouse.CompressionMethod) []byte {
	t.Helper()
	var sent bytes.Buffer
	conn, err := clickhouse.Open(&clickhouse.Options{
		Addr: cfg.Addresses, Auth: clickhouse.Auth{Database: cfg.Database, Username: cfg.User, Password: cfg.Password},
		Compression: &clickhouse.Compression{Method: method},
		DialContext: func(ctx context.Context, address string) (net.Conn, error) {
			conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
			return tap{conn, &sent}, err
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	table, err := ext.NewTable("t", ext.Column("n", "UInt64"))
	if err != nil {
		t.Fatal(err)
	}
	for n := range 100 {
		if err := table.Append(uint64(n)); err != nil {
			t.Fatal(err)
		}
	}
	ctx := clickhouse.Context(t.Context(), clickhouse.WithExternalTable(table), clickhouse.WithParameters(clickhouse.Parameters{"least": "0"}))
	var sum uint64
	if err := conn.QueryRow(ctx, "SELECT sum(n) FROM t WHERE n >= {least:UInt64}").Scan(&sum); err != nil || sum != 4950 {
		t.Fatalf("the query that is to be broken: %d, %v", sum, err)
	}
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	return sent.Bytes()
}

// ending is how an analyst breaks off.
type ending struct {
	name string
	end  func(*net.TCPConn)
}

var endings = []ending{
	{"gone", func(c *net.TCPConn) { _ = c.Close() }},
	{"reset", func(c *net.TCPConn) { _ = c.SetLinger(0); _ = c.Close() }},
	{"half closed", func(c *net.TCPConn) { _ = c.CloseWrite(); hear(c); _ = c.Close() }},
	{"reset after the answer", func(c *net.TCPConn) { hear(c); _ = c.SetLinger(0); _ = c.Close() }},
}

// hear waits for the beginning of an answer, if there is one, and no longer
// than is of use here.
func hear(c *net.TCPConn) {
	_ = c.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	_, _ = c.Read(make([]byte, 4096))
}

// breakOff says something to the guard and breaks off.
func breakOff(t *testing.T, address string, text []byte, e ending) {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = conn.Write(text)
	e.end(conn.(*net.TCPConn))
}

// An analyst who breaks off, wherever that is, or who says what no client says,
// ends nothing but his own connection: the same process goes on answering the
// system.
func TestAnalystCannotEndTheEngine(t *testing.T) {
	t.Parallel()
	cfg := testEngineConfig(t)
	e := startEngine(t, cfg)
	pid, address := enginePID(t, cfg.Dir), e.analyst().Addresses[0]
	own := openConn(t, e.Config())
	lives := func(after string) {
		t.Helper()
		if err := own.Ping(t.Context()); err != nil || testutil.ToFloat64(e.metrics.restarts) > 0 {
			t.Fatalf("after %s the engine is gone: %v", after, err)
		}
	}
	for name, method := range map[string]clickhouse.CompressionMethod{"plain": clickhouse.CompressionNone, "lz4": clickhouse.CompressionLZ4} {
		whole := session(t, e.analyst(), method)
		for cut := range whole {
			if cut < 150 || cut%7 == 0 { // each byte of the greetings
				how := endings[cut%len(endings)]
				breakOff(t, address, whole[:cut], how)
				lives(fmt.Sprintf("%s: %d bytes, %s", name, cut, how.name))
			}
		}
		greeted := bytes.Index(whole, []byte(e.guard.password)) + len(e.guard.password)
		random := rand.New(rand.NewPCG(1, 2))
		for n := range 200 {
			garbled := bytes.Clone(whole)
			at := greeted + random.IntN(len(garbled)-greeted)
			copy(garbled[at:], bytes.Repeat([]byte{byte(random.IntN(256))}, 1+random.IntN(9)))
			breakOff(t, address, garbled, endings[n%len(endings)])
			lives(fmt.Sprintf("%s: garbled at byte %d", name, at))
		}
	}
	for _, revision := range []uint64{0, 54000, quotaKeyRevision - 1, quotaKeyRevision, newestRevision, newestRevision + 1, 60000, 1 << 62} {
		greeting := hello{"client", 2, 50, min(revision, quotaKeyRevision-1), "tidewatch", analystUser, e.guard.password}
		greeting.revision = revision
		for what, rest := range map[string]string{
			"nothing": "", "half a key": "\x05a", "an endless key": "\xff\xff\xff\xff\xff\xff\xff\xff\x7f", "a key of 300 MB": "\x80\x80\x80\x90\x01aaa",
			"chunks": "\x00\x07chunked\x07chunked\xff\xff\xff", "another greeting": "\x00\x03abc", "a packet that does not exist": "\x00\x4d",
			"a query without end": "\x00\x01\xff\xff\xff\xff\xff\xff\xff\xff\x7f", "data": "\x00\x02\x00\x01\x02\x03",
		} {
			for _, how := range endings {
				text := bytes.TrimSuffix(greeting.encode(), []byte{0})
				if revision < quotaKeyRevision {
					text = greeting.encode()
				}
				breakOff(t, address, append(text, rest...), how)
				lives(fmt.Sprintf("revision %d, %s, %s", revision, what, how.name))
			}
		}
	}
	if now := enginePID(t, cfg.Dir); now != pid {
		t.Errorf("the engine's process is %d, it was %d", now, pid)
	}
	if err := openConn(t, e.analyst()).Ping(t.Context()); err != nil {
		t.Errorf("an analyst who means it: %v", err)
	}
}

// The system itself breaks connections off, too, as when an officer leaves a
// page before it is there.
func TestBrokenPassagesDoNotEndTheEngine(t *testing.T) {
	t.Parallel()
	e := startEngine(t, testEngineConfig(t))
	greeting := hello{"client", 2, 50, 54460, e.conn.Database, e.conn.User, e.conn.Password}.encode()
	for _, said := range [][]byte{nil, greeting, append(bytes.Clone(greeting), 1)} {
		for range 50 {
			conn, err := e.dial(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			_, _ = conn.Write(said)
			_ = conn.Close()
		}
	}
	if err := e.ask(t.Context()); err != nil || testutil.ToFloat64(e.metrics.restarts) > 0 {
		t.Errorf("the engine is gone: %v", err)
	}
}

// However much analysts ask at once, the system is answered.
func TestAnalystsLeaveRoom(t *testing.T) {
	t.Parallel()
	e := startEngine(t, testEngineConfig(t))
	own := openConn(t, e.Config())
	ctx, end := context.WithCancel(t.Context())
	var all sync.WaitGroup
	defer all.Wait()
	defer end()
	for _, query := range []string{
		"SELECT sum(sipHash64(number)) FROM numbers_mt(1000000000000)",
		"SELECT length(groupArray(number)) FROM numbers(1000000000)",
		"SELECT number FROM numbers(100000000) ORDER BY sipHash64(number) SETTINGS max_bytes_before_external_sort = 1000000",
		"SELECT sum(sipHash64(number)) FROM numbers_mt(1000000000000)",
	} {
		for range 3 {
			conn := openConn(t, e.analyst())
			all.Go(func() {
				for ctx.Err() == nil {
					_ = conn.Exec(ctx, query)
				}
			})
		}
	}
	eventually(t, "analysts' queries", func() bool {
		var n uint64
		return own.QueryRow(t.Context(), "SELECT count() FROM system.processes WHERE user = 'analyst'").Scan(&n) == nil && n >= 4
	})
	for range 20 {
		if err := own.Exec(t.Context(), "SELECT sum(number) FROM numbers_mt(1000000)"); err != nil {
			t.Errorf("the owner's query: %v", err)
		}
	}
	if err := e.ask(t.Context()); err != nil || testutil.ToFloat64(e.metrics.restarts) > 0 {
		t.Errorf("afterwards: %v", err)
	}
}

// An analyst cannot give himself more than he has.
func TestAnalystsLimitsStay(t *testing.T) {
	t.Parallel()
	cfg := testEngineConfig(t)
	e := startEngine(t, cfg)
	analyst := openConn(t, e.analyst())
	for _, setting := range []string{
		"max_memory_usage = 0", "max_memory_usage_for_user = 0", "max_untracked_memory = 100000000000",
		"max_execution_time = 0", "max_execution_time = 301", "max_threads = 5000", "max_concurrent_queries_for_user = 0",
		"max_temporary_data_on_disk_size_for_user = 0", "max_temporary_data_on_disk_size_for_query = 1000", "readonly = 0",
		"memory_tracker_fault_probability = 1",
	} {
		if err := analyst.Exec(t.Context(), "SELECT 1 SETTINGS "+setting); refusal(err) != settingConstraint && refusal(err) != readOnly {
			t.Errorf("%s: %v, want it refused", setting, err)
		}
	}
	if err := analyst.Exec(t.Context(), "SELECT 1 SETTINGS max_execution_time = 60, max_threads = 1"); err != nil {
		t.Errorf("less than he has: %v", err)
	}
	var disk uint64
	if err := analyst.QueryRow(t.Context(), "SELECT toUInt64(getSetting('max_temporary_data_on_disk_size_for_user'))").Scan(&disk); err != nil || disk != cfg.MemoryLimit {
		t.Errorf("queries may take %d bytes of the disk, %v", disk, err)
	}
}
