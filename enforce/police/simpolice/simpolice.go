// Package simpolice is the other side of GA/T 1400: a police platform to try
// uploads against. It checks what it gets more strictly than real platforms
// do, keeps it, shows it on a page, and misbehaves on request as real ones
// were seen to.
//
// It is for demonstration and tests. It shares no code with the client, so
// that both cannot be wrong in the same way.
package simpolice

import (
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Config says who may upload and where it is kept.
type Config struct {
	DeviceID string // the 20 digits that may register
	Username string
	Password string
	Data     string // journal file; empty keeps nothing over a restart
	Logger   *slog.Logger
}

// maxRequest is the largest request body, in bytes.
const maxRequest = 128 << 20

// Server is the platform. It is an http.Handler.
type Server struct {
	config Config
	mux    *http.ServeMux

	mu         sync.Mutex
	nonces     []string // challenges not yet answered, newest last
	registered bool
	manners    Manners
	troubles   []Trouble
	store      store
	calls      map[string]int
}

// New reads what an earlier server kept, if anything.
func New(config Config) (*Server, error) {
	if !digits(config.DeviceID, 20) {
		return nil, fmt.Errorf("device id %q: must be 20 digits", config.DeviceID)
	}
	if config.Username == "" || config.Password == "" {
		return nil, fmt.Errorf("account: user name and password must be set")
	}
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Server{config: config, mux: http.NewServeMux(), calls: map[string]int{}}
	if err := s.store.open(config.Data); err != nil {
		return nil, fmt.Errorf("open journal %q: %w", config.Data, err)
	}
	s.mux.HandleFunc("POST /VIID/System/Register", s.register)
	s.mux.HandleFunc("POST /VIID/System/UnRegister", s.unregister)
	s.mux.HandleFunc("POST /VIID/System/Keepalive", s.keepalive)
	s.mux.HandleFunc("GET /VIID/System/Time", s.time)
	s.mux.HandleFunc("POST /VIID/MotorVehicles", s.vehicles)
	s.mux.HandleFunc("GET /api/vehicles", s.list)
	s.mux.HandleFunc("GET /pictures/{sha256}", s.picture)
	s.mux.HandleFunc("GET /{$}", s.page)
	return s, nil
}

// Close closes the journal.
func (s *Server) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.store.close()
}

func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxRequest)
	s.mu.Lock()
	s.calls[r.URL.Path]++
	s.mu.Unlock()
	s.mux.ServeHTTP(w, r)
}

// Calls counts the requests for a path, refused ones included.
func (s *Server) Calls(path string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls[path]
}

// Registered reports whether the device is registered.
func (s *Server) Registered() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.registered
}

// Forget loses the registration, as a restart does.
func (s *Server) Forget() { s.setRegistered(false) }

func (s *Server) setRegistered(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.registered = on
}

// known reports whether a call comes from the registered device, and answers
// it if not.
func (s *Server) known(w http.ResponseWriter, r *http.Request) bool {
	if r.Header.Get("User-Identify") == s.config.DeviceID && s.Registered() {
		return true
	}
	w.WriteHeader(http.StatusUnauthorized)
	return false
}

// body reads a request of the right media type.
func body(r *http.Request) ([]byte, error) {
	media, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if charset := strings.ToLower(params["charset"]); err != nil || media != "application/viid+json" ||
		!slices.Contains([]string{"", "utf-8"}, charset) {
		return nil, fmt.Errorf("media type must be application/VIID+JSON")
	}
	return io.ReadAll(r.Body)
}

// now is the platform's clock, local time of China.
func now() time.Time { return time.Now().In(china) }

var china = time.FixedZone("CST", 8*60*60)
