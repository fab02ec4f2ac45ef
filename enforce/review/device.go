package review

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"time"
)

// deviceKept is how long a browser stays a known device after a sign-in:
// browsers keep no cookie for longer.
const deviceKept = 400 * 24 * time.Hour

// deviceCookie is the name of the cookie by which a device is known to an
// account. Each account has its own, since officers share computers.
func (s *Server) deviceCookie(name string) string {
	sum := sha256.Sum256([]byte(name))
	return cookieName(s.cfg, "tidewatch_device_"+hex.EncodeToString(sum[:6]))
}

// device is what makes a browser a known device of an account, empty if it is
// none.
func (s *Server) device(r *http.Request, name string) string {
	cookie, err := r.Cookie(s.deviceCookie(name))
	if err != nil {
		return ""
	}
	return cookie.Value
}

// know makes the browser a known device of an account.
func (s *Server) know(w http.ResponseWriter, name, device string) {
	http.SetCookie(w, &http.Cookie{
		Name: s.deviceCookie(name), Value: device, Path: "/", MaxAge: int(deviceKept.Seconds()),
		HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: s.cfg.SecureCookies,
	})
}
