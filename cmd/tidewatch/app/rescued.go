package app

import (
	"errors"
	"net/http"

	"tidewatch/rescue"
)

// rescued answers requests whose handler panics, and tells of them: net/http
// would hang up, and no metric would know. A request has no state to begin anew
// with, so all others go on.
func (a *App) rescued(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := &begunAnswer{ResponseWriter: w}
		err := rescue.Do(func() error { next.ServeHTTP(answer, r); return nil })
		if err == nil {
			return
		}
		if value, ok := rescue.From(err).Value.(error); ok && errors.Is(value, http.ErrAbortHandler) {
			panic(http.ErrAbortHandler)
		}
		tellPanic(a.log.With("page", r.Pattern), "a page failed", err, a.panics.WithLabelValues("pages", ""))
		if answer.begun {
			panic(http.ErrAbortHandler) // half an answer must not look like a whole one
		}
		http.Error(w, "This page failed through a fault of Tidewatch, which is in its log. Go back and see whether what you did is there before you do it again.", http.StatusInternalServerError)
	})
}

// begunAnswer knows whether anything of an answer has been sent.
type begunAnswer struct {
	http.ResponseWriter
	begun bool
}

func (b *begunAnswer) WriteHeader(status int) {
	b.begun = true
	b.ResponseWriter.WriteHeader(status)
}

func (b *begunAnswer) Write(data []byte) (int, error) {
	b.begun = true
	return b.ResponseWriter.Write(data)
}

// Unwrap is for http.ResponseController.
func (b *begunAnswer) Unwrap() http.ResponseWriter { return b.ResponseWriter }
