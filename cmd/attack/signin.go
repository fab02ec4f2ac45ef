package main

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"tidewatch/cmd/trialrig"
)

// The addresses of this machine's loopback that people come from.
const (
	guesserAddress  = "127.0.66.6"
	deviceAddress   = "127.0.0.1"
	elsewhere       = "127.0.7.7"
	guessingLasts   = 15 * time.Second
	signInMayTake   = 10 * time.Second
	guesserParallel = 8
)

// signIns are attempts at the officers' accounts.
func signIns() []attempt {
	return []attempt{
		// These come first: a name that many guess at is answered later, known or not.
		{name: "sign-in: names told apart by the answer", try: namesByAnswer},
		{name: "sign-in: names told apart by time", try: namesByTime},
		{name: "sign-in: names told apart by who is locked out", try: namesByLock},
		{name: "sign-in: a guesser keeps the right password out", try: guess, during: func(ctx context.Context, s *site) result {
			time.Sleep(3 * time.Second) // the guesser is well under way
			known := &trialrig.Officer{Pages: s.world.Pages, Cookies: withoutSession(s.officer.Cookies), From: deviceAddress}
			return s.comesIn(ctx, known, "the known device").and(
				s.comesIn(ctx, &trialrig.Officer{Pages: s.world.Pages, From: elsewhere}, "another address"))
		}},
		{name: "sign-in: a guesser on the officer's own machine keeps him out", try: func(ctx context.Context, w *world) result {
			return guessFrom(ctx, w, deviceAddress)
		}, during: func(ctx context.Context, s *site) result {
			time.Sleep(3 * time.Second)
			known := &trialrig.Officer{Pages: s.world.Pages, Cookies: withoutSession(s.officer.Cookies), From: deviceAddress}
			return s.comesIn(ctx, known, "the known device")
		}},
		{name: "sign-in: nothing is written down of failures", after: func(_ context.Context, s *site) result {
			if !strings.Contains(s.system.Output(), guesserAddress) {
				return gotIn("the log does not name the guesser's address")
			}
			return refused("the log names %s", guesserAddress)
		}},
		{name: "sign-in: an empty password, other spellings of the name", try: spelled},
		{name: "session: one that was fixed before the sign-in", by: insider, after: fixation},
		{name: "session: one that has signed out", by: insider, after: signedOut},
		{name: "session: a made-up token", try: madeUp},
		{name: "session: a cookie that scripts, other sites or plain HTTP get", by: insider, after: cookieMarks},
	}
}

// guess tries wrong passwords for the officer for a while.
func guess(ctx context.Context, w *world) result { return guessFrom(ctx, w, guesserAddress) }

func guessFrom(ctx context.Context, w *world, address string) result {
	ctx, cancel := context.WithTimeout(ctx, guessingLasts)
	defer cancel()
	var group sync.WaitGroup
	var mu sync.Mutex
	tried, in := 0, 0
	for i := range guesserParallel {
		group.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				o := &trialrig.Officer{Pages: w.Pages, From: address}
				ok, _ := o.SignIn(ctx, "officer", fmt.Sprintf("guess-%d-%d", i, n))
				mu.Lock()
				tried++
				if ok {
					in++
				}
				mu.Unlock()
			}
		})
	}
	group.Wait()
	if in > 0 {
		return gotIn("a wrong password was taken")
	}
	return refused("%d guesses", tried)
}

// comesIn tells whether the right password is taken soon.
func (s *site) comesIn(ctx context.Context, o *trialrig.Officer, who string) result {
	begin := time.Now()
	for {
		in, err := o.SignIn(ctx, "officer", s.password)
		switch {
		case in:
			return refused("%s came in after %s", who, time.Since(begin).Round(100*time.Millisecond))
		case time.Since(begin) > signInMayTake || ctx.Err() != nil:
			return gotIn("the right password from %s was refused for %s (%v)", who, time.Since(begin).Round(time.Second), err)
		}
		time.Sleep(500 * time.Millisecond)
	}
}

// withoutSession is what a browser keeps when its session has ended.
func withoutSession(cookies map[string]string) map[string]string {
	kept := map[string]string{}
	for name, value := range cookies {
		if !strings.Contains(name, "session") {
			kept[name] = value
		}
	}
	return kept
}

// failure is what a failed sign-in shows, but for the name itself.
func failure(ctx context.Context, w *world, from, name string) (string, time.Duration) {
	o := &trialrig.Officer{Pages: w.Pages, From: from}
	begin := time.Now()
	answer, err := o.Do(ctx, http.MethodPost, "/sign-in", url.Values{"name": {name}, "password": {"wrong"}})
	if err != nil {
		return err.Error(), time.Since(begin)
	}
	took := time.Since(begin)
	return fmt.Sprintf("%d %s %s", answer.Status, answer.Header.Get("Retry-After"), strings.ReplaceAll(answer.Body, name, "NAME")), took
}

// address is one of many of this machine.
func address(network, host int) string { return fmt.Sprintf("127.%d.%d.9", network, host) }

func namesByAnswer(ctx context.Context, w *world) result {
	known, _ := failure(ctx, w, address(10, 1), "officer")
	unknown, _ := failure(ctx, w, address(10, 2), "nobody1")
	if known != unknown {
		return gotIn("the answers differ: %s", firstDifference(known, unknown))
	}
	return refused("the answers are the same")
}

// namesByLock fails often under a known and an unknown name, each from an
// address of its own, and then under others from fresh addresses. How soon each
// is made to wait differs a little, as a busy machine takes its time.
func namesByLock(ctx context.Context, w *world) result {
	var waits [2]int
	var others [2][]string
	for i, name := range []string{"officer", "nobody2"} {
		for range 9 {
			if text, _ := failure(ctx, w, address(11, i+1), name); strings.HasPrefix(text, "429") {
				waits[i]++
			}
		}
		for _, other := range []string{"nobody3", "nobody4"} {
			text, _ := failure(ctx, w, address(11, i+11), other+name)
			others[i] = append(others[i], text[:min(3, len(text))])
		}
	}
	const little = 4
	if waits[0]-waits[1] > little || waits[1]-waits[0] > little || !slices.Equal(others[0], others[1]) {
		return gotIn("after a known name: %d waits, then %v; after an unknown one: %d waits, then %v", waits[0], others[0], waits[1], others[1])
	}
	return refused("%d and %d waits of 9", waits[0], waits[1])
}

// namesByTime compares the shortest times of known and unknown names: what a
// busy machine adds is not in them.
func namesByTime(ctx context.Context, w *world) result {
	shortest := [2]time.Duration{math.MaxInt64, math.MaxInt64}
	for round := range 8 {
		for i, name := range []string{"officer", "nobody5"} {
			_, took := failure(ctx, w, address(20+i, round+1), name)
			shortest[i] = min(shortest[i], took)
		}
	}
	known, unknown := shortest[0], shortest[1]
	apart := max(known, unknown) - min(known, unknown)
	if apart > 25*time.Millisecond && apart > min(known, unknown)/2 {
		return gotIn("a known name takes %s, an unknown one %s", known, unknown)
	}
	return refused("%s and %s", known.Round(time.Millisecond), unknown.Round(time.Millisecond))
}

func spelled(ctx context.Context, w *world) result {
	tries := 0
	for i, name := range []string{"officer", "Officer", "officer ", "officer\x00", "", "admin", "root", "' OR 1=1 --"} {
		for _, password := range []string{"", "officer", "password", "\x00"} {
			tries++
			o := &trialrig.Officer{Pages: w.Pages, From: address(30, i+1)}
			if in, _ := o.SignIn(ctx, name, password); in {
				return gotIn("%q with %q", name, password)
			}
		}
	}
	return result{Why: "all refused", Tries: tries}
}

func firstDifference(a, b string) string {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return fmt.Sprintf("%q and %q", a[max(0, i-20):min(len(a), i+40)], b[max(0, i-20):min(len(b), i+40)])
		}
	}
	return fmt.Sprintf("%d and %d bytes", len(a), len(b))
}

// sessionOf finds the session among cookies.
func sessionOf(cookies map[string]string) (name, value string) {
	for name, value := range cookies {
		if strings.Contains(name, "session") {
			return name, value
		}
	}
	return "", ""
}

func fixation(ctx context.Context, s *site) result {
	name, _ := sessionOf(s.officer.Cookies)
	o := &trialrig.Officer{Pages: s.world.Pages, Cookies: withoutSession(s.officer.Cookies), From: deviceAddress}
	_, _ = o.Do(ctx, http.MethodPost, "/language", url.Values{"language": {"en"}})
	if o.Cookies[name] == "" {
		o.Cookies[name] = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	}
	fixed := o.Cookies[name]
	if in, err := o.SignIn(ctx, "officer", s.password); !in {
		return refused("the sign-in failed: %v", err)
	}
	if o.Cookies[name] == fixed {
		return gotIn("the session kept its token")
	}
	return s.passes(ctx, name, fixed)
}

func signedOut(ctx context.Context, s *site) result {
	o := &trialrig.Officer{Pages: s.world.Pages, Cookies: withoutSession(s.officer.Cookies), From: deviceAddress}
	if in, err := o.SignIn(ctx, "officer", s.password); !in {
		return refused("the sign-in failed: %v", err)
	}
	name, token := sessionOf(o.Cookies)
	if _, err := o.Do(ctx, http.MethodPost, "/sign-out", url.Values{}); err != nil {
		return refused("%v", err)
	}
	return s.passes(ctx, name, token)
}

// passes tells whether a token opens a page.
func (s *site) passes(ctx context.Context, name, token string) result {
	o := &trialrig.Officer{Pages: s.world.Pages, Cookies: map[string]string{name: token}}
	answer, err := o.Do(ctx, http.MethodGet, "/", nil)
	if err == nil && answer.Status == http.StatusOK {
		return gotIn("the token opens the pages")
	}
	return refused("status %d", answer.Status)
}

func madeUp(ctx context.Context, w *world) result {
	for _, name := range []string{"tidewatch_session", "__Host-tidewatch_session"} {
		for _, token := range []string{"officer", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "../../etc/passwd", ""} {
			o := &trialrig.Officer{Pages: w.Pages, Cookies: map[string]string{name: token}}
			if answer, err := o.Do(ctx, http.MethodGet, "/", nil); err == nil && answer.Status == http.StatusOK {
				return gotIn("%s=%s", name, token)
			}
		}
	}
	return refused("all of them")
}

func cookieMarks(ctx context.Context, s *site) result {
	o := &trialrig.Officer{Pages: s.world.Pages, Cookies: withoutSession(s.officer.Cookies), From: deviceAddress}
	answer, err := o.Do(ctx, http.MethodPost, "/sign-in", url.Values{"name": {"officer"}, "password": {s.password}})
	if err != nil {
		return refused("%v", err)
	}
	var missing []string
	for _, cookie := range answer.Header.Values("Set-Cookie") {
		name, rest, _ := strings.Cut(cookie, "=")
		for _, mark := range []string{"HttpOnly", "SameSite=", "Secure", "Path=/"} {
			if !strings.Contains(rest, mark) {
				missing = append(missing, name+" without "+mark)
			}
		}
		if strings.Contains(name, "session") && !strings.HasPrefix(name, "__Host-") {
			missing = append(missing, name+" without __Host-")
		}
	}
	if answer.Header.Get("Strict-Transport-Security") == "" {
		missing = append(missing, "no Strict-Transport-Security")
	}
	if len(missing) > 0 {
		return gotIn("%s", strings.Join(missing, ", "))
	}
	return refused("all marked")
}
