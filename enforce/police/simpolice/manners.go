package simpolice

import (
	"net/http"
	"time"
)

// Manners are lasting habits of a platform that real ones have.
type Manners struct {
	TextCodes    bool   // StatusCode as text
	Nulls        bool   // Id and RequestURL null
	EpochTimes   bool   // LocalTime in milliseconds since 1970
	OneStatus    bool   // a single status for all vehicles
	NoUnregister bool   // UnRegister is 404
	Challenge    string // WWW-Authenticate with %s for the nonce; empty for a plain one
}

// Trouble is what befalls one upload of vehicles.
type Trouble struct {
	Code      int           // answer this status code, and keep nothing
	HTTP      int           // answer this HTTP status with Body, and keep nothing
	Body      string        //
	Delay     time.Duration // before anything else
	Lost      bool          // keep it, then cut the connection without an answer
	EmptyList bool          // keep nothing and answer an empty list of statuses
}

// ParseError is the answer of a real server to what it could not parse.
var ParseError = Trouble{HTTP: http.StatusOK, Body: `{"msg":"操作失败","code":500}`}

// Behave sets the manners.
func (s *Server) Behave(m Manners) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.manners = m
}

// Trouble lines up troubles for the next uploads, one each.
func (s *Server) Trouble(next ...Trouble) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.troubles = append(s.troubles, next...)
}

func (s *Server) nextTrouble() Trouble {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.troubles) == 0 {
		return Trouble{}
	}
	next := s.troubles[0]
	s.troubles = s.troubles[1:]
	return next
}
