package simcam

import (
	"fmt"
	"sync/atomic"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/auth"
	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/liberrors"
)

const realm = "simcam"

// Digest is the only method: cameras in the field refuse Basic.
var (
	digestMD5 = []auth.VerifyMethod{auth.VerifyMethodDigestMD5}
	digestSHA = []auth.VerifyMethod{auth.VerifyMethodDigestSHA256}
)

// challenge is what a connection's digests must answer.
type challenge struct {
	nonce string
	uses  int         // requests that it was good for
	stale atomic.Bool // it is good for none any more
}

// renew begins with a fresh nonce.
func (c *challenge) renew() (err error) {
	c.nonce, err = auth.GenerateNonce()
	c.uses = 0
	c.stale.Store(false)
	return err
}

// expired reports whether the nonce is no longer good.
func (c *challenge) expired(faults Faults) bool {
	return c.stale.Load() || faults.NonceUses > 0 && c.uses >= faults.NonceUses
}

// authorize returns nil for a request with the right credentials, else how to
// refuse it. Whoever gives wrong ones is cut off.
func (s *Server) authorize(conn *gortsplib.ServerConn, request *base.Request, faults Faults) (*base.Response, error) {
	password := s.cfg.Password
	if faults.Password != "" {
		password = faults.Password
	}
	c := conn.UserData().(*challenge)
	digest, algorithm := digestMD5, ""
	if faults.SHA256 {
		digest, algorithm = digestSHA, `, algorithm="SHA-256", stale="FALSE"`
	}
	good := auth.Verify(request, s.cfg.Username, password, digest, realm, c.nonce) == nil
	expired := good && c.expired(faults)
	switch {
	case expired:
		if err := c.renew(); err != nil {
			return &base.Response{StatusCode: base.StatusInternalServerError}, err
		}
	case good:
		c.uses++
		return nil, nil
	case len(request.Header["Authorization"]) > 0:
		return &base.Response{StatusCode: base.StatusUnauthorized}, liberrors.ErrServerAuth{}
	}
	offer := fmt.Sprintf(`Digest realm="%s", nonce="%s"`, realm, c.nonce) + algorithm
	if expired {
		offer += `, stale="true"`
	}
	return &base.Response{
		StatusCode: base.StatusUnauthorized,
		Header:     base.Header{"WWW-Authenticate": base.HeaderValue{offer}},
	}, nil
}
