package clickhouse

import (
	"net"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// What answers at the address of the database and is none is said to be none.
func TestAddressesOfOthers(t *testing.T) {
	secure := httptest.NewTLSServer(nil)
	defer secure.Close()
	tests := map[string]struct {
		answer string // of a plain server; empty: an HTTPS one
		tls    bool
		want   string
	}{
		"HTTP, as to garbage": {
			"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n", false,
			"migrate clickhouse: clickhouse.address answers HTTP: give the native port (usually 9000, with TLS 9440)",
		},
		"TLS, asked without": {
			"\x15\x03\x03\x00\x02\x02\x46", false,
			"migrate clickhouse: clickhouse.address answers TLS: set clickhouse.tls",
		},
		"SSH": {
			"SSH-2.0-OpenSSH_9.2p1\r\n", false,
			"migrate clickhouse: clickhouse.address answers something that is not ClickHouse: give its native port",
		},
		"no TLS, asked with": {
			"HTTP/1.1 400 Bad Request\r\n\r\n", true,
			"migrate clickhouse: clickhouse.address does not speak TLS",
		},
		"a certificate of nobody": {
			"", true,
			"migrate clickhouse: the certificate of clickhouse is signed by nobody whom we trust: give its authority as clickhouse.ca_file",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			address := secure.Listener.Addr().String()
			if test.answer != "" {
				address = answering(t, test.answer)
			}
			conn, err := Open(Config{Addresses: []string{address}, Database: "tidewatch", TLS: test.tls})
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if err := Migrate(t.Context(), conn); err == nil || !strings.HasPrefix(err.Error(), test.want) {
				t.Errorf("error %v, want %s", err, test.want)
			}
		})
	}
}

// answering listens, and answers the first bytes of each connection so.
func answering(t *testing.T, with string) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan struct{})
	t.Cleanup(func() { listener.Close(); <-served })
	go func() {
		defer close(served)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			_ = conn.SetDeadline(time.Now().Add(time.Minute))
			_, _ = conn.Read(make([]byte, 1000))
			_, _ = conn.Write([]byte(with))
			_ = conn.Close()
		}
	}()
	return listener.Addr().String()
}
