package review

import (
	"net/http"

	"tidewatch/enforce"
)

// reject closes a case on an officer's word, with the ground for it.
func (s *Server) reject(w http.ResponseWriter, r *http.Request) error {
	return s.decide(w, r, enforce.Rejected, (*form).checkReason)
}
