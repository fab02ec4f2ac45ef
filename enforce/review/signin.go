package review

import (
	"errors"
	"fmt"
	"net/http"
)

// signInView is what the sign-in page shows.
type signInView struct {
	Name, Next string
	Problem    string // key of the catalog
}

func (s *Server) signInForm(w http.ResponseWriter, r *http.Request) error {
	next := localPath(r.FormValue("next"))
	if s.signedIn(r) != "" {
		http.Redirect(w, r, next, http.StatusSeeOther)
		return nil
	}
	return s.show(w, r, http.StatusOK, page{Name: "sign_in", Title: "sign_in.title", Body: signInView{Next: next}})
}

func (s *Server) signIn(w http.ResponseWriter, r *http.Request) error {
	view := signInView{Name: r.PostFormValue("name"), Next: localPath(r.PostFormValue("next"))}
	err := s.Officers.SignIn(r.Context(), view.Name, r.PostFormValue("password"))
	code := http.StatusUnprocessableEntity
	switch {
	case err == nil:
		return s.begin(w, r, view)
	case errors.Is(err, ErrTooSoon):
		s.metrics.signInFailures.WithLabelValues("backoff").Inc()
		view.Problem, code = "sign_in.too_soon", http.StatusTooManyRequests
	case errors.Is(err, ErrBadSignIn):
		s.metrics.signInFailures.WithLabelValues("password").Inc()
		view.Problem = "sign_in.wrong"
	default:
		return err
	}
	return s.show(w, r, code, page{Name: "sign_in", Title: "sign_in.title", Body: view})
}

// begin opens an officer's session under a new token.
func (s *Server) begin(w http.ResponseWriter, r *http.Request, view signInView) error {
	if err := s.sessions.RenewToken(r.Context()); err != nil {
		return fmt.Errorf("renew session: %w", err)
	}
	s.sessions.Put(r.Context(), officerKey, view.Name)
	http.Redirect(w, r, view.Next, http.StatusSeeOther)
	return nil
}
