package web

import (
	"errors"
	"io"
	"net/http"
	"os"
	"time"
)

// rest is for how long what is left of a refused body may still come: a client
// that is cut off while it sends does not see the answer.
const rest = 500 * time.Millisecond

// Whole reads the body of each request, forms included, before it is handled:
// one that is too large, does not come in time or is no form is refused with a
// status, which refuse answers. So no handler waits for a client, and what is
// handled has arrived.
func Whole(next http.Handler, most int64, refuse func(w http.ResponseWriter, r *http.Request, status int)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		status := read(w, r, most)
		serve(r.Context())
		control := http.NewResponseController(w)
		if status != 0 {
			// What is left of the body is thrown away, as far as it comes by
			// itself. The error says that there is no connection to set the
			// time of, in a test.
			_ = control.SetReadDeadline(time.Now().Add(rest))
			w.Header().Set("Connection", "close")
			refuse(w, r, status)
			return
		}
		// While it is answered nothing more has to come.
		_ = control.SetReadDeadline(time.Time{})
		next.ServeHTTP(w, r)
	})
}

// read reads a request's body; a status other than 0 says why it could not.
func read(w http.ResponseWriter, r *http.Request, most int64) (status int) {
	if r.ContentLength > most {
		return http.StatusRequestEntityTooLarge
	}
	r.Body = http.MaxBytesReader(w, r.Body, most)
	err := r.ParseForm()
	if _, failed := io.Copy(io.Discard, r.Body); failed != nil {
		err = failed // what kept the form from being read, or came after it
	}
	var large *http.MaxBytesError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &large):
		return http.StatusRequestEntityTooLarge
	case errors.Is(err, os.ErrDeadlineExceeded):
		return http.StatusRequestTimeout
	}
	return http.StatusBadRequest
}
