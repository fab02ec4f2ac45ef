package review

import (
	"net/http"

	"tidewatch/enforce"
)

// confirm takes an officer's word that the case is a violation, and of which
// vehicle.
func (s *Server) confirm(w http.ResponseWriter, r *http.Request) error {
	return s.decide(w, r, enforce.Confirmed, (*form).checkPlate)
}
