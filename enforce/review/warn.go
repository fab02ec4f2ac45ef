package review

import (
	"net/http"

	"tidewatch/enforce"
)

// warn takes an officer's word that the case is a violation for which a
// warning is enough, and of which vehicle.
func (s *Server) warn(w http.ResponseWriter, r *http.Request) error {
	return s.decide(w, r, enforce.Warned, (*form).checkPlate)
}
