package review

import (
	"fmt"
	"net/http"
)

// look shows what the plate that an officer typed bears on the case. Nothing is
// decided by it.
func (s *Server) look(w http.ResponseWriter, r *http.Request) error {
	c, err := s.caseOf(r)
	if err != nil {
		return fmt.Errorf("find case: %w", err)
	}
	f := typedForm(r)
	if !open(c) || c.Revision != f.Revision {
		f.Problem, f.Revision = "decide.stale", c.Revision
		return s.showCase(w, r, http.StatusConflict, c, f)
	}
	if _, valid := f.checkPlate(); !valid {
		return s.showCase(w, r, http.StatusUnprocessableEntity, c, f)
	}
	f.Looked = true
	return s.showCase(w, r, http.StatusOK, c, f)
}
