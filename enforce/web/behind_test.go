package web

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// A proxy that nobody has configured is spoken of, though not at every request.
func TestNoticeProxies(t *testing.T) {
	var said bytes.Buffer
	now := time.Date(2026, 11, 27, 8, 0, 0, 0, time.UTC)
	served := 0
	handler := noticeProxies(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { served++ }),
		Proxies{netip.MustParsePrefix("192.0.2.0/24")}, slog.New(slog.NewTextHandler(&said, nil)), func() time.Time { return now })
	for i, each := range []struct {
		peer, header string
		later        time.Duration
		warnings     int // so far
	}{
		{"198.51.100.1:999", "", 0, 0},
		{"192.0.2.1:999", "203.0.113.9", 0, 0},
		{"198.51.100.1:999", "203.0.113.9", 0, 1},
		{"198.51.100.2:999", "203.0.113.9", remindEvery - 1, 1},
		{"198.51.100.2:999", "203.0.113.9", 1, 2},
	} {
		now = now.Add(each.later)
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = each.peer
		if each.header != "" {
			r.Header.Set("X-Forwarded-For", each.header)
		}
		handler.ServeHTTP(httptest.NewRecorder(), r)
		if got := strings.Count(said.String(), "proxies does not name"); got != each.warnings || served != i+1 {
			t.Errorf("request %d: %d warnings, %d served; want %d and %d", i, got, served, each.warnings, i+1)
		}
	}
	if !strings.Contains(said.String(), "peer=198.51.100.1") {
		t.Errorf("it does not say which: %s", &said)
	}
}
