package viid

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"tidewatch/enforce/police"
	"tidewatch/enforce/police/simpolice"
)

// running starts a client's Run and returns how to end it.
func running(t *testing.T, c *Client) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- c.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	t.Cleanup(stop)
	return stop
}

func quick(c *Config) { c.KeepaliveEvery = 10 * time.Millisecond }

func TestRunRegistersKeepsAliveAndUnregisters(t *testing.T) {
	p := newPlatform(t)
	c := p.client(t, nil, quick)
	stop := running(t, c)
	eventually(t, "registered", p.Registered)
	eventually(t, "kept alive", func() bool { return p.Calls(keepalivePath) > 2 })
	p.Forget() // the platform has started again
	eventually(t, "registered again", p.Registered)
	if n := testutil.ToFloat64(c.metrics.requests.WithLabelValues("keepalive", string(police.Unwelcome))); n != 1 {
		t.Errorf("%v keepalives were unwelcome, want 1", n)
	}
	stop()
	if p.Registered() {
		t.Error("still registered after the end")
	}
	if n := strings.Count(p.log.String(), "\n"); n != 1 || !strings.Contains(p.log.String(), "level=INFO") {
		t.Errorf("want one line that says registered, have:\n%s", &p.log)
	}
}

func TestSubmitRegistersAgain(t *testing.T) {
	k, stored := kerbCase(t)
	p := newPlatform(t)
	c := p.client(t, stored)
	for range 3 {
		if receipt, err := c.Submit(t.Context(), k); err != nil || !receipt.Accepted {
			t.Fatalf("receipt %+v, error %v", receipt, err)
		}
		p.Forget()
	}
	// Each registration takes two calls: the challenge and its answer.
	if n := p.Calls(registerPath); n != 6 {
		t.Errorf("%d calls to register", n)
	}
	if got := p.Vehicles(); len(got) != 1 || got[0].Received != 3 {
		t.Errorf("the platform has %+v", got)
	}
}

func TestManySubmissionsRegisterOnce(t *testing.T) {
	k, stored := kerbCase(t)
	p := newPlatform(t)
	c := p.client(t, stored)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if _, err := c.Submit(t.Context(), k); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if n := p.Calls(registerPath); n != 2 {
		t.Errorf("%d calls to register, want the challenge and its answer", n)
	}
}

func TestNotLetIn(t *testing.T) {
	tests := map[string]struct {
		change func(*Config)
		want   string
	}{
		"wrong password": {func(c *Config) { c.Password = "guess-of-mine" }, "username or password refused"},
		"wrong name":     {func(c *Config) { c.Username = "somebody" }, "username or password refused"},
		"wrong device":   {func(c *Config) { c.DeviceID = "51010000005020000002" }, "device not known there"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			k, stored := kerbCase(t)
			p := newPlatform(t)
			c := p.client(t, stored, quick, test.change)
			_, err := c.Submit(t.Context(), k)
			if police.KindOf(err) != police.Unwelcome || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v", err)
			}
			// Cases that wait do not all knock at the door: it would lock the account.
			calls := p.Calls(registerPath)
			c.session.notUntil = time.Now().Add(time.Hour)
			for range 10 {
				if _, again := c.Submit(t.Context(), k); again == nil || again.Error() != err.Error() {
					t.Errorf("error %v, want %v", again, err)
				}
			}
			if n := p.Calls(registerPath); n != calls {
				t.Errorf("%d more calls to register", n-calls)
			}
			c.session.notUntil = time.Time{}
			running(t, c)
			eventually(t, "the log says so", func() bool { return strings.Contains(p.log.String(), test.want) })
			if told := p.log.String() + err.Error(); strings.Contains(told, c.config.Password) {
				t.Errorf("the password was told: %s", told)
			}
		})
	}
}

func TestChallengeThatCannotBeAnswered(t *testing.T) {
	tests := map[string]string{
		"basic":       `Basic realm="viid"`,
		"nothing":     ` `,
		"cut off":     `Digest realm="viid`,
		"other hash":  `Digest realm="viid",nonce="%s",qop="auth",algorithm=MD4`,
		"other guard": `Digest realm="viid",nonce="%s",qop="token"`,
	}
	for name, challenge := range tests {
		t.Run(name, func(t *testing.T) {
			p := newPlatform(t)
			p.Behave(simpolice.Manners{Challenge: challenge})
			_, err := p.client(t, nil).register(t.Context())
			if police.KindOf(err) != police.Unwelcome {
				t.Errorf("error %v", err)
			}
		})
	}
}

func TestBackoff(t *testing.T) {
	for failures, want := range map[int]time.Duration{
		0: 500 * time.Millisecond, 3: 4 * time.Second, 6: 30 * time.Second, 1 << 40: 30 * time.Second,
	} {
		if got := backoff(failures); got != want {
			t.Errorf("after %d failures %v, want %v", failures, got, want)
		}
	}
}
