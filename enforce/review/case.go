package review

import (
	"fmt"
	"net/http"
	"regexp"

	"tidewatch/enforce"
)

// caseForm is what the ID of a case looks like: nothing else is asked for.
var caseForm = regexp.MustCompile(`^[0-9A-Za-z_-]{1,64}$`)

// caseOf is the case that a request is about.
func (s *Server) caseOf(r *http.Request) (enforce.Case, error) {
	id := r.PathValue("id")
	if !caseForm.MatchString(id) {
		return enforce.Case{}, enforce.ErrNoCase
	}
	return s.Records.Case(r.Context(), id)
}

// caseFile shows one case whole.
func (s *Server) caseFile(w http.ResponseWriter, r *http.Request) error {
	c, err := s.caseOf(r)
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
