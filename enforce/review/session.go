package review

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/alexedwards/scs/v2/memstore"
)

const (
	officerKey = "officer"
	flashKey   = "flash"
	usedKey    = "used" // when a page was last asked for, in seconds since 1970
)

// renewed marks what a page asks for by itself: that is no use of the session.
// A script says so by a header, a page without one in the address.
const (
	renewedHeader = "Tidewatch-Renewed"
	renewedQuery  = "renewed"
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
			Name: cookieName(cfg, "tidewatch_session"), Path: "/",
			HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: cfg.SecureCookies,
		},
		ErrorFunc: func(w http.ResponseWriter, _ *http.Request, _ error) {
			http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		},
	}
}

// cookieName is the name under which a browser keeps a cookie. Over TLS no other
// server of the domain, and nobody on the way, can set one of that name.
func cookieName(cfg Config, name string) string {
	if cfg.SecureCookies {
		return "__Host-" + name
	}
	return name
}

// officer lets only signed-in officers through; others sign in first and then
// come to where they wanted to go. Who asks for a page uses the session.
func (s *Server) officer(next handler) handler {
	return s.within(func(w http.ResponseWriter, r *http.Request) error {
		if r.Header.Get(renewedHeader) == "" && !r.URL.Query().Has(renewedQuery) {
			s.use(r)
		}
		return next(w, r)
	})
}

// within lets only signed-in officers through, and is for what belongs to a
// page.
func (s *Server) within(next handler) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if s.signedIn(r) != "" {
			return next(w, r)
		}
		if err := s.forget(w, r); err != nil {
			return err
		}
		target := "/sign-in"
		if back := s.pageOf(r); back != "/" {
			target += "?" + url.Values{"next": {back}}.Encode()
		}
		http.Redirect(w, r, target, http.StatusSeeOther)
		return nil
	}
}

// signedIn is the name of the officer who asks, empty if nobody is signed in or
// the session has been idle for too long.
func (s *Server) signedIn(r *http.Request) string {
	if s.idle(r) > s.cfg.SessionIdle {
		return ""
	}
	return s.sessions.GetString(r.Context(), officerKey)
}

// idle is for how long nobody has asked for a page.
func (s *Server) idle(r *http.Request) time.Duration {
	return s.Now().Sub(time.Unix(s.sessions.GetInt64(r.Context(), usedKey), 0))
}

// use notes that somebody is there. Once a minute is enough.
func (s *Server) use(r *http.Request) {
	if s.idle(r) >= min(time.Minute, s.cfg.SessionIdle/2) {
		s.sessions.Put(r.Context(), usedKey, s.Now().Unix())
	}
}

// forget ends what is left of a session: whoever comes next to this browser
// finds nothing of it. The device stays known.
func (s *Server) forget(w http.ResponseWriter, r *http.Request) error {
	if len(r.CookiesNamed(s.sessions.Cookie.Name)) == 0 {
		return nil
	}
	w.Header().Set("Clear-Site-Data", `"cache"`)
	if err := s.sessions.Destroy(r.Context()); err != nil {
		return fmt.Errorf("end session: %w", err)
	}
	return nil
}

// pageOf is the address of the page that a request belongs to: its own for a
// page, the case's for a decision about it.
func (s *Server) pageOf(r *http.Request) string {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return withoutMark(r.URL).RequestURI()
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

// withoutMark is an address without the mark of what a page asks for by itself.
func withoutMark(u *url.URL) *url.URL {
	query := u.Query()
	if !query.Has(renewedQuery) {
		return u
	}
	query.Del(renewedQuery)
	plain := *u
	plain.RawQuery = query.Encode()
	return &plain
}
