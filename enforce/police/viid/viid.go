// Package viid is a client of police platforms that speak GA/T 1400 (VIID).
//
// It takes nothing for success but a response status that says so of what was
// sent: real servers answer HTTP 200 to what they could not read. It registers
// again whenever the platform has forgotten it.
package viid

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"

	"github.com/icholy/digest"
	"github.com/prometheus/client_golang/prometheus"

	"tidewatch/enforce/police"
)

// The system calls and the one for vehicles.
const (
	registerPath   = "/VIID/System/Register"
	keepalivePath  = "/VIID/System/Keepalive"
	unregisterPath = "/VIID/System/UnRegister"
	vehiclesPath   = "/VIID/MotorVehicles"
)

const (
	mediaType = "application/VIID+JSON"
	maxAnswer = 1 << 20 // bytes of a response; what is longer is cut off
)

// Files opens pieces of evidence by their SHA-256 in hex.
type Files interface {
	Open(ctx context.Context, sha256 string) (io.ReadSeekCloser, error)
}

// Dependencies are what a client works with.
type Dependencies struct {
	Files   Files
	Logger  *slog.Logger
	Metrics prometheus.Registerer
}

// Client is one device's connection to a platform.
type Client struct {
	config  Config
	files   Files
	logger  *slog.Logger
	metrics metrics
	session session

	transport *http.Transport
	plain     http.Client // for registered calls
	digest    http.Client // answers a challenge; for Register and UnRegister
}

// New checks the configuration and makes a client; nothing is sent before Run
// or Submit.
func New(config Config, deps Dependencies) (*Client, error) {
	if err := config.validate(); err != nil {
		return nil, fmt.Errorf("configure the police platform: %w", err)
	}
	c := &Client{config: config.filled(), files: deps.Files, logger: deps.Logger, session: newSession()}
	c.metrics = newMetrics(deps.Metrics, c.session.on)
	c.transport = http.DefaultTransport.(*http.Transport).Clone()
	c.plain = c.client(c.transport)
	c.digest = c.client(&digest.Transport{
		Username: config.Username, Password: config.Password,
		Transport: c.transport, FindChallenge: findChallenge,
		// A server that does not know an old nonce may answer it like a wrong
		// password, so every call asks for a new one.
		NoReuse: true,
	})
	return c, nil
}

func (c *Client) client(transport http.RoundTripper) http.Client {
	return http.Client{
		Transport: transport, Timeout: c.config.Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// answer is a response as far as it can be trusted.
type answer struct {
	http     int
	statuses statuses
	unclear  error // why there are no statuses
}

// post sends one object. Its error means that there was no answer.
func (c *Client) post(ctx context.Context, client *http.Client, path string, object any) (answer, error) {
	body, err := json.Marshal(object)
	if err != nil {
		return answer{}, &police.Problem{Kind: police.Other, Err: fmt.Errorf("write request: %w", err)}
	}
	address, err := url.JoinPath(c.config.URL, path)
	if err != nil {
		return answer{}, &police.Problem{Kind: police.Other, Err: err}
	}
	// The body's reader can be rewound, so the first, unauthenticated POST
	// carries it too: servers read the device from it before they challenge.
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return answer{}, &police.Problem{Kind: police.Other, Err: err}
	}
	req.Header.Set("Content-Type", mediaType)
	req.Header.Set("Accept", mediaType)
	req.Header.Set("User-Identify", c.config.DeviceID)
	res, err := client.Do(req)
	if errors.Is(err, errChallenge) {
		return answer{}, &police.Problem{Kind: police.Unwelcome, Err: err}
	}
	if err != nil {
		return answer{}, &police.Problem{Kind: police.Unreachable, Err: err}
	}
	defer func() { _ = res.Body.Close() }()
	return read(res)
}

func read(res *http.Response) (answer, error) {
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return answer{}, &police.Problem{Kind: police.Unreachable, Err: fmt.Errorf("read response: %w", err)}
	}
	a := answer{http: res.StatusCode}
	a.statuses, a.unclear = parseAnswer(body)
	return a, nil
}

// unwelcome reports whether the platform says that it does not know us.
func (a answer) unwelcome() bool {
	return a.http == http.StatusUnauthorized || a.http == http.StatusForbidden
}

// about is the status of what was sent under an ID, or a problem.
func (a answer) about(id string) (status, error) {
	found, err := a.statuses.about(id)
	if a.unclear != nil {
		err = a.unclear
	}
	if err == nil && a.http/100 != 2 && found.Code == codeOK {
		err = errors.New("a status of success in an HTTP error")
	}
	if err != nil {
		return status{}, &police.Problem{Kind: police.Unclear, Err: fmt.Errorf("HTTP %d: %w", a.http, err)}
	}
	return found, nil
}
