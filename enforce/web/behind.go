package web

import (
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"
)

// remindEvery is how often it is said that a proxy is not configured.
const remindEvery = time.Hour

// noticeProxies warns of a peer that says whom it speaks for and is no proxy of
// ours: it may be one that nobody has configured, and then all who come through
// it count as one address. It may as well be a client that makes that up, so it
// is said now and then, and changes nothing.
func noticeProxies(next http.Handler, ours Proxies, log *slog.Logger, now func() time.Time) http.Handler {
	var quiet atomic.Int64 // until when, in nanoseconds since 1970
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if peer := addressOf(r.RemoteAddr); r.Header.Get("X-Forwarded-For") != "" && !ours.Trust(peer) {
			since, at := quiet.Load(), now()
			if at.UnixNano() >= since && quiet.CompareAndSwap(since, at.Add(remindEvery).UnixNano()) {
				log.Warn("a request came through a proxy that proxies does not name", "peer", peer)
			}
		}
		next.ServeHTTP(w, r)
	})
}
