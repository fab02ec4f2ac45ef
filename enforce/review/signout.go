package review

import "net/http"

func (s *Server) signOut(w http.ResponseWriter, r *http.Request) error {
	if name := s.signedIn(r); name != "" {
		s.Gate.SignedOut(name, s.cfg.Proxies.Client(r))
	}
	if err := s.forget(w, r); err != nil {
		return err
	}
	http.Redirect(w, r, "/sign-in", http.StatusSeeOther)
	return nil
}
