// Package review is where officers decide: web pages for the queue of
// suspected violations, for each case with its evidence and its record, for the
// cameras, and for what is wrong with the system as a whole.
//
// Nothing is decided here but by a signed-in officer's request, and a decision
// is an event in the case log and nothing else. The pages work without
// JavaScript, in Chinese and in English, and load nothing from elsewhere.
package review

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/prometheus/client_golang/prometheus"

	"tidewatch/enforce"
	"tidewatch/enforce/accounts"
	"tidewatch/enforce/web"
)

// Config sets how the pages behave.
type Config struct {
	// SecureCookies is set where browsers come over TLS.
	SecureCookies bool
	// Proxies are those that are believed to say whom they speak for.
	Proxies web.Proxies
	// SessionLifetime is how long an officer stays signed in at most, and
	// SessionIdle without asking for a page.
	SessionLifetime, SessionIdle time.Duration
	// PageSize is the number of cases on one page of the queue.
	PageSize int
	// Refresh is how often the queue renews itself in the browser.
	Refresh time.Duration
	// DecisionWait is how long a decision may take to show in the case before
	// the officer is told that it is still on its way.
	DecisionWait time.Duration
	// TimeZone is that of the clock on pages before there is any case.
	TimeZone *time.Location
}

// DefaultConfig is what a bureau on one machine wants.
func DefaultConfig() Config {
	return Config{
		SessionLifetime: 12 * time.Hour,
		SessionIdle:     30 * time.Minute,
		PageSize:        50,
		Refresh:         15 * time.Second,
		DecisionWait:    10 * time.Second,
		TimeZone:        time.Local,
	}
}

// Cases lists cases.
type Cases interface {
	// List returns up to limit cases in a state, the newest first by OpenedAt,
	// only those opened before a moment where it is not zero.
	List(ctx context.Context, state enforce.State, limit int, before time.Time) ([]enforce.Case, error)
	// Counts returns the number of cases in each state.
	Counts(ctx context.Context) (map[enforce.State]int, error)
}

// Records gives one case whole. Both methods return an enforce.ErrNoCase for
// an ID that is not known.
type Records interface {
	Case(ctx context.Context, id string) (enforce.Case, error)
	// History returns every event of the case in the log's order.
	History(ctx context.Context, id string) ([]enforce.Recorded, error)
}

// Log takes events into the case log; they are safe once it returns nil.
type Log interface {
	Append(ctx context.Context, events ...enforce.Event) error
}

// Files opens stored evidence by its SHA-256 in hex; an fs.ErrNotExist says
// that it is not there.
type Files interface {
	Open(ctx context.Context, sha256 string) (io.ReadSeekCloser, error)
}

// Gate decides who is let in, and writes it down.
type Gate interface {
	// SignIn returns what makes the device a known one, or one of the errors of
	// the package accounts.
	SignIn(ctx context.Context, a accounts.Attempt) (device string, err error)
	SignedOut(name string, address netip.Addr)
}

// Dependencies is what the pages stand on. All but Offences, Exemptions, Cameras,
// System, Previews and Now must be set.
type Dependencies struct {
	Cases    Cases
	Records  Records
	Log      Log
	Files    Files
	Offences Offences // nil: a vehicle's past is not told, and no measure is proposed
	// Exemptions is the list of exempt vehicles now in force; nil: there is none.
	Exemptions func() enforce.Exemptions
	Cameras    Cameras // nil: there is no page of cameras
	// System tells what is not well with the system as a whole, the gravest
	// first; nil: there is no page of it.
	System   func(context.Context) []Condition
	Gate     Gate
	Previews Previews // nil: clips are shown as they are
	Logger   *slog.Logger
	Metrics  prometheus.Registerer
	Now      func() time.Time // time.Now where nil
}

// Server answers officers' requests.
type Server struct {
	Dependencies
	cfg      Config
	sessions *scs.SessionManager
	pages    pages
	assets   assets
	previews *previews
	metrics  *metrics
}

// New prepares the pages. Nothing runs until the Handler is served.
func New(cfg Config, deps Dependencies) *Server {
	if deps.Now == nil {
		deps.Now = time.Now
	}
	assets := loadAssets()
	return &Server{
		Dependencies: deps,
		cfg:          cfg,
		sessions:     newSessions(cfg),
		pages:        loadPages(assets),
		assets:       assets,
		previews:     newPreviews(),
		metrics:      newMetrics(deps.Metrics),
	}
}

// Handler serves the pages; it expects to be mounted at the root.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	for pattern, handle := range s.routes() {
		mux.Handle(pattern, s.measured(pattern, s.sessions.LoadAndSave(s.answered(handle))))
	}
	mux.Handle("GET /assets/{name}", s.measured("GET /assets/{name}", s.assets))
	mux.Handle("/", s.measured("/", s.sessions.LoadAndSave(s.answered(otherwise(mux)))))

	protection := http.NewCrossOriginProtection()
	protection.SetDenyHandler(s.refusal(http.StatusForbidden, "cross-origin"))
	return s.secured(web.Whole(protection.Handler(mux), maxForm, func(w http.ResponseWriter, r *http.Request, code int) {
		s.refusal(code, "refused").ServeHTTP(w, r)
	}))
}

// refusal answers with a status and nothing else.
func (s *Server) refusal(code int, route string) http.Handler {
	return s.measured(route, s.sessions.LoadAndSave(s.answered(func(http.ResponseWriter, *http.Request) error {
		return status(code)
	})))
}

// routes are the pages by pattern.
func (s *Server) routes() map[string]handler {
	routes := map[string]handler{
		"GET /sign-in":                   s.signInForm,
		"POST /sign-in":                  s.signIn,
		"POST /sign-out":                 s.signOut,
		"POST /language":                 s.switchLanguage,
		"GET /{$}":                       s.officer(s.queue),
		"GET /cases/{id}":                s.officer(s.caseFile),
		"GET /cases/{id}/confirm":        toCase,
		"GET /cases/{id}/warn":           toCase,
		"GET /cases/{id}/look":           toCase,
		"GET /cases/{id}/reject":         toCase,
		"POST /cases/{id}/confirm":       s.officer(s.confirm),
		"POST /cases/{id}/warn":          s.officer(s.warn),
		"POST /cases/{id}/look":          s.officer(s.look),
		"POST /cases/{id}/reject":        s.officer(s.reject),
		"GET /cases/{id}/files/{sha256}": s.within(s.file),

		"GET /cases/{id}/files/{sha256}/preview": s.within(s.preview),
	}
	if s.Cameras != nil {
		routes["GET /cameras"] = s.officer(s.cameras)
		routes["GET /cameras/{id}"] = s.officer(s.camera)
		routes["GET /cameras/{id}/picture"] = s.within(s.cameraPicture)
	}
	if s.System != nil {
		routes["GET /system"] = s.officer(s.system)
	}
	return routes
}
