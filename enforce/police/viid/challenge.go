package viid

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"github.com/icholy/digest"
)

// errChallenge says that a platform wants to know who asks, in a way that we
// cannot answer.
var errChallenge = errors.New("the platform's challenge cannot be answered")

// parameter finds one parameter of a challenge. Values stand in double quotes, as
// they should, in single ones, or in none.
var parameter = regexp.MustCompile(`([A-Za-z0-9_-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|([^\s,"']+))`)

// findChallenge takes the first digest challenge that can be answered. It reads
// them as they are written by real servers, who are careless about case, blanks
// and quotes, and expect an algorithm in the answer although they named none.
func findChallenge(header http.Header) (*digest.Challenge, error) {
	var schemes []string
	for _, value := range header.Values("WWW-Authenticate") {
		scheme, parameters, _ := strings.Cut(strings.TrimSpace(value), " ")
		if !strings.EqualFold(scheme, "Digest") {
			schemes = append(schemes, printable(scheme))
			continue
		}
		challenge := parseChallenge(parameters)
		if challenge.Realm != "" && challenge.Nonce != "" && digest.CanDigest(challenge) {
			return challenge, nil
		}
		schemes = append(schemes, fmt.Sprintf("Digest of algorithm %s and qop %s",
			printable(challenge.Algorithm), printable(strings.Join(challenge.QOP, ","))))
	}
	if len(schemes) == 0 {
		return nil, fmt.Errorf("%w: it refuses without one", errChallenge)
	}
	return nil, fmt.Errorf("%w: it wants %s, and we know Digest with MD5 or SHA-256", errChallenge, strings.Join(schemes, ", "))
}

func parseChallenge(text string) *digest.Challenge {
	c := &digest.Challenge{Algorithm: "MD5"}
	for _, found := range parameter.FindAllStringSubmatch(text, -1) {
		value := strings.TrimSpace(found[2] + found[3] + found[4])
		switch strings.ToLower(found[1]) {
		case "realm":
			c.Realm = value
		case "nonce":
			c.Nonce = value
		case "opaque":
			c.Opaque = value
		case "algorithm":
			c.Algorithm = value
		case "qop":
			for qop := range strings.SplitSeq(value, ",") {
				c.QOP = append(c.QOP, strings.TrimSpace(qop))
			}
		}
	}
	return c
}

// printable is a word of a platform, fit for a log.
func printable(word string) string {
	word = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, word)
	return word[:min(len(word), 40)]
}
