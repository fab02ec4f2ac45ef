package web

import (
	"net/http"
	"time"
)

// piece is how much of an answer is written in one go.
const piece = 32 << 10

// paced gives each piece of an answer its own time, so that a client may take
// long for the whole, and one that takes nothing is let go.
func paced(limit time.Duration, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(&pacer{w, http.NewResponseController(w), limit}, r)
	})
}

// pacer has no ReadFrom, so that files are written in pieces too.
type pacer struct {
	http.ResponseWriter
	control *http.ResponseController
	limit   time.Duration
}

func (p *pacer) extend() {
	// The error says that there is no connection to set the time of, in a test.
	_ = p.control.SetWriteDeadline(time.Now().Add(p.limit))
}

// WriteHeader begins the answer.
func (p *pacer) WriteHeader(status int) {
	p.extend()
	p.ResponseWriter.WriteHeader(status)
}

// Write writes piece by piece.
func (p *pacer) Write(data []byte) (written int, err error) {
	for {
		p.extend()
		n, err := p.ResponseWriter.Write(data[:min(len(data), piece)])
		written += n
		data = data[n:]
		if err != nil || len(data) == 0 {
			return written, err
		}
	}
}

// Unwrap lets http.ResponseController reach the connection.
func (p *pacer) Unwrap() http.ResponseWriter { return p.ResponseWriter }
