package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"syscall"

	"tidewatch/cmd/trialrig"
	"tidewatch/enforce"
)

const terminate = syscall.SIGTERM

func asTimeout(err error, target *net.Error) bool { return errors.As(err, target) }

// pages are attempts over the officers' pages.
func pages() []attempt {
	all := []attempt{
		{name: "pages: decide without a session", try: func(ctx context.Context, w *world) result {
			o := &trialrig.Officer{Pages: w.Pages}
			for _, what := range []string{"confirm", "warn", "reject"} {
				_, _ = o.Do(ctx, http.MethodPost, "/cases/"+w.Cases[crossCase]+"/"+what, url.Values{"plate": {"川A12345"}, "reason": {"unclear"}, "revision": {"1"}, "sure": {"yes"}})
			}
			return refused("all three")
		}, after: unmoved(crossCase)},
		{name: "pages: decide from another site in an officer's browser", by: insider, after: crossSite},
		{name: "pages: under another host's name", try: func(ctx context.Context, w *world) result {
			o := &trialrig.Officer{Pages: w.Pages}
			for _, host := range []string{"evil.example", "evil.example:" + portOf(w.Pages), "169.254.169.254", ""} {
				answer, err := o.Do(ctx, http.MethodGet, "/sign-in", nil, func(r *http.Request) { r.Host = host })
				if err == nil && answer.Status < 400 && host != "" {
					return gotIn("%q is answered with %d", host, answer.Status)
				}
			}
			return refused("all of them")
		}},
		{name: "pages: leave for another site after the sign-in", by: insider, after: leave},
		{name: "pages: evidence in a browser's cache after signing out", by: insider, after: cached},
		{name: "pages: a form of a megabyte", try: func(ctx context.Context, w *world) result {
			return wantStatus(ctx, w, http.StatusRequestEntityTooLarge, http.MethodPost, "/sign-in", url.Values{"name": {strings.Repeat("x", 1<<20)}})
		}},
		{name: "pages: PUT", try: func(ctx context.Context, w *world) result {
			return wantStatus(ctx, w, http.StatusMethodNotAllowed, http.MethodPut, "/sign-in", nil)
		}},
		{name: "pages: DELETE of the queue", try: func(ctx context.Context, w *world) result {
			return wantStatus(ctx, w, http.StatusMethodNotAllowed, http.MethodDelete, "/", nil)
		}},
		{name: "pages: POST to the queue", try: func(ctx context.Context, w *world) result {
			return wantStatus(ctx, w, http.StatusMethodNotAllowed, http.MethodPost, "/", url.Values{})
		}},
		{name: "pages: paths that lead out", try: leadOut},
	}
	for _, path := range []string{"/metrics", "/readyz", "/healthz", "/cameras.json", "/debug/pprof/", "/debug/pprof/heap", "/debug/vars"} {
		all = append(all, attempt{name: "pages: " + path + " without a session", try: func(ctx context.Context, w *world) result {
			answer, err := (&trialrig.Officer{Pages: w.Pages}).Do(ctx, http.MethodGet, path, nil)
			if err == nil && (answer.Status < 300 || answer.Status == http.StatusServiceUnavailable) {
				return gotIn("status %d", answer.Status)
			}
			return refused("status %d", answer.Status)
		}})
	}
	for _, odd := range oddPlates {
		all = append(all, attempt{name: "pages: a plate with " + odd.what, by: insider, after: func(ctx context.Context, s *site) result {
			return s.oddPlate(ctx, odd.plate)
		}})
	}
	return all
}

// oddPlates are none, however sure an officer is.
var oddPlates = []struct{ what, plate string }{
	{"a mark that turns the writing around", "川A\u202e54321"},
	{"a mark for left to right", "\u200e川A12345"},
	{"a NUL", "川A\x0012345"},
	{"a line break", "川A\n12345"},
	{"a byte that is no text", "川A\xff1234"},
	{"an invisible space", "川A\u200b12345"},
	{"a combining mark", "川A1\u0301234"},
	{"emoji", "川A🚗12"},
	{"markup", "<b>川A</b>"},
	{"a quote", `川A"1'23`},
	{"a full-width semicolon", "川A；1234"},
}

// oddPlate confirms a plate that is none.
func (s *site) oddPlate(ctx context.Context, plate string) result {
	id := s.world.Cases[plateCase]
	for _, sure := range []string{"", "yes"} {
		answer, err := s.officer.Decide(ctx, id, "confirm", url.Values{"plate": {plate}, "sure": {sure}})
		if err != nil {
			return refused("%v", err)
		}
		if state := s.state(ctx, id); state != string(enforce.StateSuspected) {
			// The next one needs a case that is open.
			s.world.Cases[plateCase] = s.spare(ctx)
			return gotIn("it was confirmed: the case is %s", state)
		}
		if sure != "" {
			return refused("status %d", answer.Status)
		}
	}
	return result{}
}

// spare is a case that is still suspected and that nothing else is tried on.
func (s *site) spare(ctx context.Context) string {
	open, _ := s.officer.Cases(ctx, "suspected")
	for i, id := range s.world.Cases {
		if i > guessCase {
			for _, o := range open {
				if o == id {
					return id
				}
			}
		}
	}
	return s.world.Cases[plateCase]
}

// unmoved tells of a case that should still be suspected.
func unmoved(of int) func(context.Context, *site) result {
	return func(ctx context.Context, s *site) result {
		if state := s.state(ctx, s.world.Cases[of]); state != string(enforce.StateSuspected) {
			return gotIn("case %s is %s", s.world.Cases[of], state)
		}
		return result{}
	}
}

func crossSite(ctx context.Context, s *site) result {
	id := s.world.Cases[crossCase]
	_, revision, _ := s.officer.Case(ctx, id)
	form := url.Values{"plate": {"川A12345"}, "sure": {"yes"}, "revision": {revision}}
	var status []string
	for _, header := range [][2]string{
		{"Origin", "https://evil.example"}, {"Origin", "null"}, {"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"},
	} {
		answer, _ := s.officer.Do(ctx, http.MethodPost, "/cases/"+id+"/confirm", form, func(r *http.Request) { r.Header.Set(header[0], header[1]) })
		status = append(status, fmt.Sprint(answer.Status))
	}
	return refused("status %s", strings.Join(status, ", ")).and(unmoved(crossCase)(ctx, s))
}

func leave(ctx context.Context, s *site) result {
	for _, next := range []string{"//evil.example", "https://evil.example", `/\evil.example`, "/%5cevil.example", "javascript:alert(1)", "\t//evil.example"} {
		o := &trialrig.Officer{Pages: s.world.Pages, Cookies: withoutSession(s.officer.Cookies), From: deviceAddress}
		answer, err := o.Do(ctx, http.MethodPost, "/sign-in", url.Values{"name": {"officer"}, "password": {s.password}, "next": {next}})
		if err != nil {
			return refused("%v", err)
		}
		to, err := url.Parse(answer.Header.Get("Location"))
		if err != nil || to.Host != "" || to.Scheme != "" || strings.HasPrefix(answer.Header.Get("Location"), `/\`) {
			return gotIn("%s leads to %s", next, answer.Header.Get("Location"))
		}
	}
	return refused("all of them")
}

var fileLink = regexp.MustCompile(`/cases/[^"]+/files/[0-9a-f]{64}`)

// cached tells whether evidence may stay in a browser that has signed out.
func cached(ctx context.Context, s *site) result {
	page, err := s.officer.Do(ctx, http.MethodGet, "/cases/"+s.world.Cases[keptCase], nil)
	if err != nil {
		return refused("%v", err)
	}
	if !strings.Contains(page.Header.Get("Cache-Control"), "no-store") {
		return gotIn("the page of a case: Cache-Control %q", page.Header.Get("Cache-Control"))
	}
	link := fileLink.FindString(page.Body)
	if link == "" {
		return gotIn("no file of evidence was found on the page: this attempt could not be made")
	}
	file, err := s.officer.Do(ctx, http.MethodGet, link, nil)
	if err != nil {
		return refused("%v", err)
	}
	if strings.Contains(file.Header.Get("Cache-Control"), "no-store") {
		return refused("it is not stored")
	}
	o := &trialrig.Officer{Pages: s.world.Pages, Cookies: withoutSession(s.officer.Cookies), From: deviceAddress}
	_, _ = o.SignIn(ctx, "officer", s.password)
	out, _ := o.Do(ctx, http.MethodPost, "/sign-out", url.Values{})
	if strings.Contains(out.Header.Get("Clear-Site-Data"), `"cache"`) {
		return refused("signing out clears it")
	}
	return gotIn("Cache-Control %q, and signing out clears nothing", file.Header.Get("Cache-Control"))
}

func wantStatus(ctx context.Context, w *world, want int, method, path string, form url.Values) result {
	answer, err := (&trialrig.Officer{Pages: w.Pages}).Do(ctx, method, path, form)
	if err != nil {
		return refused("%v", err)
	}
	if answer.Status != want {
		return gotIn("status %d, want %d", answer.Status, want)
	}
	return refused("status %d", answer.Status)
}

func leadOut(ctx context.Context, w *world) result {
	o := &trialrig.Officer{Pages: w.Pages}
	for _, path := range []string{
		"/assets/../../../etc/passwd", "/assets/..%2f..%2f..%2fetc%2fpasswd", "/assets/%2e%2e/%2e%2e/etc/passwd", "//etc/passwd",
		"/cases/..%2f..%2fkeys/files/signing.key", "/cases/x/files/..%2f..%2fkeys%2fsigning.key", "/cases/" + w.Cases[0] + "/files/" + strings.Repeat("0", 64),
	} {
		answer, err := o.Do(ctx, http.MethodGet, path, nil)
		if err == nil && (answer.Status == http.StatusOK || w.holds(answer.Body) != "" || strings.Contains(answer.Body, "root:")) {
			return gotIn("%s is answered with %d", path, answer.Status)
		}
	}
	return refused("all of them")
}

func portOf(address string) string {
	_, port, _ := net.SplitHostPort(hostOf(address))
	return port
}
