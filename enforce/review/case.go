package review

import (
	"fmt"
	"net/http"

	"tidewatch/enforce"
)

// caseFile shows one case whole.
func (s *Server) caseFile(w http.ResponseWriter, r *http.Request) error {
	c, err := s.Records.Case(r.Context(), r.PathValue("id"))
	if err != nil {
		return fmt.Errorf("find case: %w", err)
	}
	return s.showCase(w, r, http.StatusOK, c, newForm(c))
}

// toCase answers a form's address, which the address bar holds after a decision
// that came to nothing.
func toCase(w http.ResponseWriter, r *http.Request) error {
	http.Redirect(w, r, casePath(r.PathValue("id")), http.StatusSeeOther)
	return nil
}

// showCase shows a case with its form as far as it is filled in.
func (s *Server) showCase(w http.ResponseWriter, r *http.Request, code int, c enforce.Case, f form) error {
	history, err := s.Records.History(r.Context(), c.ID)
	if err != nil {
		return fmt.Errorf("read history of case %s: %w", c.ID, err)
	}
	text := catalogs[languageOf(r)]
	view := text.caseView(c, history, s.Now())
	typed := f.Plate
	if !view.Open {
		typed = c.Plate()
	}
	bears, err := s.bearingOf(r.Context(), c, typed)
	if err != nil {
		return err
	}
	view.Bearing = text.bearing(bears, c)
	view.Form = f
	if s.Previews != nil {
		view.offerPreviews(c)
	}
	if view.Newer, view.Older, err = s.neighbours(r.Context(), c); err != nil {
		return err
	}
	p := page{Name: "case", Title: "case.title", Body: view, Live: s.cfg.Refresh, Form: view.Open}
	return s.show(w, r, code, p)
}
