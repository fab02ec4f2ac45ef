package review

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/alexedwards/scs/v2"
	"github.com/alexedwards/scs/v2/memstore"
)

const (
	officerKey = "officer"
	flashKey   = "flash"
)

// newSessions keeps sessions in memory: a restart signs everybody out. The
// manager is spelled out, and its store without a sweeper, because scs.New
// starts a goroutine that nothing can stop; what stays behind is a few hundred
// bytes for each sign-in.
func newSessions(cfg Config) *scs.SessionManager {
	return &scs.SessionManager{
		Lifetime: cfg.SessionLifetime,
		Store:    memstore.NewWithCleanupInterval(0),
		Codec:    scs.GobCodec{},
		Cookie: scs.SessionCookie{
			Name: "tidewatch_session", Path: "/",
			HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: cfg.SecureCookies,
		},
		ErrorFunc: func(w http.ResponseWriter, _ *http.Request, _ error) {
			http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		},
	}
}

// officer lets only signed-in officers through; others sign in first and then
// come to where they wanted to go.
func (s *Server) officer(next handler) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if s.signedIn(r) != "" {
			return next(w, r)
		}
		target := "/sign-in"
		if back := s.pageOf(r); back != "/" {
			target += "?" + url.Values{"next": {back}}.Encode()
		}
		http.Redirect(w, r, target, http.StatusSeeOther)
		return nil
	}
}

// signedIn is the name of the officer who asks, empty if nobody is signed in.
func (s *Server) signedIn(r *http.Request) string {
	return s.sessions.GetString(r.Context(), officerKey)
}

// pageOf is the address of the page that a request belongs to: its own for a
// page, the case's for a decision about it.
func (s *Server) pageOf(r *http.Request) string {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return r.URL.RequestURI()
	}
	if id := r.PathValue("id"); id != "" {
		return casePath(id)
	}
	return "/"
}

// localPath returns a path on this server, and the queue for anything else: a
// link from elsewhere must not lead an officer away after signing in.
func localPath(path string) string {
	u, err := url.Parse(path)
	if err != nil || u.Scheme != "" || u.Host != "" || !strings.HasPrefix(path, "/") ||
		strings.HasPrefix(path, "//") || strings.Contains(path, `\`) {
		return "/"
	}
	return u.RequestURI()
}
