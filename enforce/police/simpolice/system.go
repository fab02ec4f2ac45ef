package simpolice

import (
	"crypto/md5" //nolint:gosec // GA/T 1400 asks for digest with MD5
	"crypto/rand"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/icholy/digest"
)

// maxNonces bounds the challenges that wait for an answer.
const maxNonces = 100

// register wants the device in the first, unauthenticated request already, and
// says 404 to an unknown device and 400, without a word, to a wrong password,
// like servers seen in the field.
func (s *Server) register(w http.ResponseWriter, r *http.Request) {
	if device, ok := s.device(w, r, "RegisterObject"); ok && s.authenticated(w, r) {
		s.setRegistered(true)
		s.config.Logger.Info("device registered", "device", device)
		s.one(w, r, device, statusOK, "注册成功")
	}
}

func (s *Server) unregister(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	missing := s.manners.NoUnregister
	s.mu.Unlock()
	if missing {
		http.NotFound(w, r)
		return
	}
	if device, ok := s.device(w, r, "UnRegisterObject"); ok && s.known(w, r) && s.authenticated(w, r) {
		s.setRegistered(false)
		s.config.Logger.Info("device unregistered", "device", device)
		s.one(w, r, device, statusOK, "注销成功")
	}
}

func (s *Server) keepalive(w http.ResponseWriter, r *http.Request) {
	if !s.known(w, r) {
		return
	}
	if device, ok := s.device(w, r, "KeepaliveObject"); ok {
		s.one(w, r, device, statusOK, "保活成功")
	}
}

func (s *Server) time(w http.ResponseWriter, _ *http.Request) {
	write(w, map[string]any{"SystemTimeObject": map[string]any{
		"VIIDServerID": s.config.DeviceID, "TimeMode": "1",
		"LocalTime": now().Format("20060102150405"), "TimeZone": "+08:00",
	}})
}

// device reads the device out of a system call's object, and answers the call
// if it is not ours.
func (s *Server) device(w http.ResponseWriter, r *http.Request, object string) (string, bool) {
	var named map[string]struct{ DeviceID string }
	text, err := body(r)
	if err == nil {
		err = json.Unmarshal(text, &named)
	}
	switch device := named[object].DeviceID; {
	case err != nil || device == "":
		w.WriteHeader(http.StatusBadRequest)
	case device != s.config.DeviceID || r.Header.Get("User-Identify") != device:
		w.WriteHeader(http.StatusNotFound)
	default:
		return device, true
	}
	return "", false
}

// authenticated checks a digest, and answers the call if there is none or it
// is wrong. A nonce is good once.
func (s *Server) authenticated(w http.ResponseWriter, r *http.Request) bool {
	given, err := digest.ParseCredentials(r.Header.Get("Authorization"))
	if err != nil {
		w.Header().Set("WWW-Authenticate", s.challenge())
		w.WriteHeader(http.StatusUnauthorized)
		return false
	}
	if !s.spend(given.Nonce) || !s.right(given, r) {
		w.WriteHeader(http.StatusBadRequest)
		return false
	}
	return true
}

// right computes the digest afresh (RFC 2617, MD5, qop=auth).
func (s *Server) right(given *digest.Credentials, r *http.Request) bool {
	if given.Username != s.config.Username || given.URI != r.URL.RequestURI() || given.QOP != "auth" ||
		given.Nc != 1 || given.Cnonce == "" || !slices.Contains([]string{"", "MD5"}, strings.ToUpper(given.Algorithm)) {
		return false
	}
	who := md5Hex(given.Username, given.Realm, s.config.Password)
	what := md5Hex(r.Method, given.URI)
	want := md5Hex(who, given.Nonce, fmt.Sprintf("%08x", given.Nc), given.Cnonce, given.QOP, what)
	return subtle.ConstantTimeCompare([]byte(want), []byte(given.Response)) == 1
}

func md5Hex(parts ...string) string {
	sum := md5.Sum([]byte(strings.Join(parts, ":"))) //nolint:gosec // see above
	return hex.EncodeToString(sum[:])
}

// challenge makes a nonce and puts it into a challenge.
func (s *Server) challenge() string {
	nonce := rand.Text()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.nonces = append(s.nonces, nonce)
	if len(s.nonces) > maxNonces {
		s.nonces = s.nonces[1:]
	}
	form := s.manners.Challenge
	if form == "" {
		form = `Digest realm="viid", qop="auth", nonce="%s", algorithm=MD5`
	}
	return strings.Replace(form, "%s", nonce, 1)
}

// spend uses up a nonce and reports whether it was one of ours.
func (s *Server) spend(nonce string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.Index(s.nonces, nonce)
	if i < 0 {
		return false
	}
	s.nonces = slices.Delete(s.nonces, i, i+1)
	return true
}
