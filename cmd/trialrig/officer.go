package trialrig

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Officer is somebody who uses the pages, without a browser.
type Officer struct {
	Pages   string
	Cookies map[string]string
	From    string // the address that requests come from; empty: any
}

// Answer is what the pages answered.
type Answer struct {
	Status int
	Header http.Header
	Body   string
}

// Do sends one request and keeps the cookies. A cookie for TLS alone is sent
// all the same: what lies between browser and proxy is not tried here.
func (o *Officer) Do(ctx context.Context, method, path string, form url.Values, change ...func(*http.Request)) (Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, 40*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, o.Pages+path, strings.NewReader(form.Encode()))
	if err != nil {
		return Answer{}, err
	}
	if form != nil {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for name, value := range o.Cookies {
		request.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	for _, f := range change {
		f(request)
	}
	response, err := o.client().Do(request)
	if err != nil {
		return Answer{}, err
	}
	defer response.Body.Close()
	o.keep(response.Cookies())
	body, err := io.ReadAll(io.LimitReader(response.Body, 8<<20))
	return Answer{response.StatusCode, response.Header, string(body)}, err
}

func (o *Officer) keep(cookies []*http.Cookie) {
	for _, c := range cookies {
		if o.Cookies == nil {
			o.Cookies = map[string]string{}
		}
		if c.MaxAge < 0 || c.Value == "" {
			delete(o.Cookies, c.Name)
			continue
		}
		o.Cookies[c.Name] = c.Value
	}
}

// client follows no redirection and keeps no connection.
func (o *Officer) client() *http.Client {
	dialer := &net.Dialer{Timeout: 10 * time.Second}
	if o.From != "" {
		dialer.LocalAddr = &net.TCPAddr{IP: net.ParseIP(o.From)}
	}
	return &http.Client{
		Transport:     &http.Transport{DialContext: dialer.DialContext, DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// SignIn reports whether a name and a password let somebody in.
func (o *Officer) SignIn(ctx context.Context, name, password string) (bool, error) {
	answer, err := o.Do(ctx, http.MethodPost, "/sign-in", url.Values{"name": {name}, "password": {password}})
	return err == nil && answer.Status == http.StatusSeeOther, err
}

var (
	caseLink     = regexp.MustCompile(`href="/cases/([^"/?#]+)"`)
	caseRevision = regexp.MustCompile(`name="revision" value="(\d+)"`)
	caseState    = regexp.MustCompile(`class="state ([a-z]+)"`)
)

// Cases are the IDs that the queue shows of a state.
func (o *Officer) Cases(ctx context.Context, state string) ([]string, error) {
	answer, err := o.Do(ctx, http.MethodGet, "/?state="+state, nil)
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, found := range caseLink.FindAllStringSubmatch(answer.Body, -1) {
		if !slices.Contains(ids, found[1]) {
			ids = append(ids, found[1])
		}
	}
	return ids, nil
}

// Case is a case's state and revision, as its page shows them. The revision is
// empty where nothing can be decided.
func (o *Officer) Case(ctx context.Context, id string) (state, revision string, err error) {
	answer, err := o.Do(ctx, http.MethodGet, "/cases/"+id, nil)
	if err != nil || answer.Status != http.StatusOK {
		return "", "", fmt.Errorf("case %s: status %d, %w", id, answer.Status, err)
	}
	if found := caseState.FindStringSubmatch(answer.Body); found != nil {
		state = found[1]
	}
	if found := caseRevision.FindStringSubmatch(answer.Body); found != nil {
		revision = found[1]
	}
	return state, revision, nil
}

// Decide sends a decision on a case as it stands: confirm, warn or reject. The
// plate is confirmed as it is typed.
func (o *Officer) Decide(ctx context.Context, id, what string, form url.Values) (Answer, error) {
	_, revision, err := o.Case(ctx, id)
	if err != nil {
		return Answer{}, err
	}
	form.Set("revision", revision)
	return o.Do(ctx, http.MethodPost, "/cases/"+id+"/"+what, form)
}

// Sent is a case as the police platform lists it.
type Sent struct {
	ID, Plate string
	Received  int // how often
}

// AtThePolice is what the police platform has received.
func AtThePolice(police string) ([]Sent, error) {
	client := &http.Client{Timeout: 10 * time.Second}
	response, err := client.Get(police + "/api/vehicles") //nolint:noctx // it has a timeout
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	var list []Sent
	return list, json.NewDecoder(response.Body).Decode(&list)
}
