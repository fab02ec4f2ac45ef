package review

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"tidewatch/enforce/accounts"
)

// signInView is what the sign-in page shows.
type signInView struct {
	Name, Next string
	Problem    string // key of the catalog
	Seconds    int    // until the next attempt
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
	device, err := s.Gate.SignIn(r.Context(), accounts.Attempt{
		Name: view.Name, Password: r.PostFormValue("password"),
		Address: s.cfg.Proxies.Client(r), Device: s.device(r, view.Name),
	})
	code := http.StatusUnprocessableEntity
	var soon accounts.TooSoonError
	switch {
	case err == nil:
		return s.begin(w, r, view, device)
	case errors.As(err, &soon):
		view.Problem, view.Seconds, code = "sign_in.too_soon", seconds(soon.Wait), http.StatusTooManyRequests
	case errors.Is(err, accounts.ErrBusy):
		view.Problem, view.Seconds, code = "sign_in.busy", seconds(busyFor), http.StatusServiceUnavailable
	case errors.Is(err, accounts.ErrBadSignIn):
		view.Problem = "sign_in.wrong"
	default:
		return err
	}
	if view.Seconds > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(view.Seconds))
	}
	return s.show(w, r, code, page{Name: "sign_in", Title: "sign_in.title", Body: view})
}

// busyFor is after how long it is worth trying again when too many sign in.
const busyFor = 5 * time.Second

// seconds is a time to wait in whole seconds.
func seconds(d time.Duration) int { return int((d + time.Second - 1) / time.Second) }

// begin opens an officer's session under a new token, and makes the device a
// known one.
func (s *Server) begin(w http.ResponseWriter, r *http.Request, view signInView, device string) error {
	if err := s.sessions.RenewToken(r.Context()); err != nil {
		return fmt.Errorf("renew session: %w", err)
	}
	s.sessions.Put(r.Context(), officerKey, view.Name)
	s.sessions.Put(r.Context(), usedKey, s.Now().Unix())
	s.know(w, view.Name, device)
	http.Redirect(w, r, view.Next, http.StatusSeeOther)
	return nil
}
