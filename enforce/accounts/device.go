package accounts

import (
	"crypto/hmac"
	"crypto/rand"
	"encoding/base64"
	"strings"
)

// A device is known by a token ID.SEAL that only we can have made, for one
// account and as long as its password is the same.

// device is the token of a device for an account.
func (o *Officers) device(name, id string) string {
	return id + "." + base64.RawURLEncoding.EncodeToString(o.seal(name, id))
}

// deviceOf is the ID of the device that an attempt comes from, and whether it
// is one on which the account has been used. One that is not gets a new ID.
func (o *Officers) deviceOf(a Attempt) (id string, known bool) {
	id, sealed, _ := strings.Cut(a.Device, ".")
	sum, err := base64.RawURLEncoding.DecodeString(sealed)
	// The seal is always worked out, so that it takes as long without a token.
	genuine := hmac.Equal(sum, o.seal(a.Name, id))
	if err != nil || !genuine {
		return rand.Text(), false
	}
	return id, true
}
