package simonvif

import (
	"crypto/sha1" // the standard wants it
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"strings"
	"time"
)

// token is a WS-UsernameToken.
type token struct {
	Username string `xml:"Username"`
	Password struct {
		Type   string `xml:"Type,attr"`
		Digest string `xml:",chardata"`
	} `xml:"Password"`
	Nonce   string `xml:"Nonce"`
	Created string `xml:"http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd Created"`
}

// check says why a token is not good, and takes its nonce if it is.
func (d *Device) check(t token) error {
	created, err := time.Parse(time.RFC3339Nano, t.Created)
	if err != nil {
		return errors.New("no token with a time")
	}
	if d.now().Sub(created).Abs() > d.cfg.Window {
		return errors.New("the token was not made now")
	}
	nonce, err := base64.StdEncoding.DecodeString(t.Nonce)
	if err != nil || len(nonce) == 0 {
		return errors.New("no nonce")
	}
	sum := sha1.Sum([]byte(string(nonce) + t.Created + d.cfg.Password))
	same := subtle.ConstantTimeCompare([]byte(t.Password.Digest), []byte(base64.StdEncoding.EncodeToString(sum[:])))
	if t.Username != d.cfg.Username || !strings.HasSuffix(t.Password.Type, "#PasswordDigest") || same != 1 {
		return errors.New("wrong user name or password")
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.nonces[t.Nonce] {
		return errors.New("the nonce was used before")
	}
	d.nonces[t.Nonce] = true
	return nil
}
