package viid

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/icholy/digest"

	"tidewatch/enforce/police"
)

func TestFindChallenge(t *testing.T) {
	want := &digest.Challenge{Realm: "myrealm", Nonce: "0a1b2c", Algorithm: "MD5", QOP: []string{"auth"}}
	for name, header := range map[string]string{
		"as it should be":         `Digest realm="myrealm", nonce="0a1b2c", qop="auth", algorithm=MD5`,
		"single quotes":           `Digest realm='myrealm',qop='auth',nonce='0a1b2c'`,
		"both quotes":             `Digest realm="myrealm", qop='auth', nonce='0a1b2c', algorithm="MD5"`,
		"no quotes":               `Digest realm=myrealm,qop=auth,nonce=0a1b2c`,
		"no algorithm":            `Digest realm="myrealm",qop="auth",nonce="0a1b2c"`,
		"blanks about equals":     `digest realm = "myrealm" ,  nonce = '0a1b2c' , qop = auth`,
		"something unknown in it": `Digest realm="myrealm", nonce="0a1b2c", qop="auth", charset=UTF-8, x=y`,
	} {
		t.Run(name, func(t *testing.T) {
			got, err := findChallenge(http.Header{"Www-Authenticate": {`Basic realm="x"`, header}})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestAChallengeThatCannotBeAnsweredIsCalledThat is not to be taken for a platform
// that cannot be reached.
func TestAChallengeThatCannotBeAnsweredIsCalledThat(t *testing.T) {
	for name, test := range map[string]struct{ header, words string }{
		"none":              {"", "refuses without one"},
		"another scheme":    {`Bearer realm="x"`, "wants Bearer"},
		"another algorithm": {`Digest realm="x", nonce="y", algorithm=SM3`, "algorithm SM3"},
		"no nonce":          {`Digest realm="x"`, "wants Digest"},
		"noise":             {"Digest \x80\x81", "wants Digest"},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if test.header != "" {
					w.Header().Set("WWW-Authenticate", test.header)
				}
				w.WriteHeader(http.StatusUnauthorized)
			}))
			defer server.Close()
			p := newPlatform(t)
			c := p.client(t, nil, func(cfg *Config) { cfg.URL = server.URL })
			_, err := c.register(t.Context())
			if police.KindOf(err) != police.Unwelcome || !strings.Contains(err.Error(), test.words) {
				t.Errorf("got %v, want %q", err, test.words)
			}
		})
	}
}

func FuzzChallenge(f *testing.F) {
	f.Add(`Digest realm='myrealm',qop='auth',nonce='0a1b2c3d4e5f'`)
	f.Fuzz(func(t *testing.T, header string) {
		c, err := findChallenge(http.Header{"Www-Authenticate": {header}})
		if err == nil && (c.Nonce == "" || c.Realm == "" || !digest.CanDigest(c)) {
			t.Errorf("took %+v", c)
		}
	})
}
