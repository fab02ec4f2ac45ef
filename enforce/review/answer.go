package review

import (
	"errors"
	"net/http"
	"strings"

	"tidewatch/enforce"
)

// handler answers a request or says why it could not.
type handler func(w http.ResponseWriter, r *http.Request) error

// status is an error that is the visitor's, not ours: it is shown and not
// logged.
type status int

func (s status) Error() string { return http.StatusText(int(s)) }

// otherwise answers what no route is for: it says which methods the address
// knows, if any.
func otherwise(mux *http.ServeMux) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		var allowed []string
		for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost} {
			other := r.Clone(r.Context())
			other.Method = method
			if _, pattern := mux.Handler(other); pattern != "/" {
				allowed = append(allowed, method)
			}
		}
		if len(allowed) == 0 {
			return status(http.StatusNotFound)
		}
		w.Header().Set("Allow", strings.Join(allowed, ", "))
		return status(http.StatusMethodNotAllowed)
	}
}

// answered turns a handler's error into a page, and logs it where it is ours.
func (s *Server) answered(handle handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := handle(w, r)
		if err == nil || r.Context().Err() != nil {
			return // nobody waits for the answer any more
		}
		var code status
		switch {
		case errors.As(err, &code):
		case errors.Is(err, enforce.ErrNoCase):
			code = http.StatusNotFound
		default:
			code = http.StatusInternalServerError
			s.Logger.Error("answer request", "method", r.Method, "route", r.Pattern, "error", err)
		}
		s.errorPage(w, r, code)
	})
}

// errorPage is the last resort and so returns no error.
func (s *Server) errorPage(w http.ResponseWriter, r *http.Request, code status) {
	known := map[status]string{
		http.StatusBadRequest: "error.400", http.StatusForbidden: "error.403", http.StatusNotFound: "error.404",
		http.StatusMethodNotAllowed: "error.405", http.StatusRequestTimeout: "error.408",
		http.StatusRequestEntityTooLarge: "error.413",
	}
	key, ok := known[code]
	if !ok {
		key = "error.500"
	}
	if err := s.show(w, r, int(code), page{Name: "error", Title: key, Body: key}); err != nil {
		s.Logger.Error("show error page", "error", err)
	}
}
