package onvif

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha1" // the standard wants it
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/icholy/digest"
	"golang.org/x/text/encoding/htmlindex"

	"tidewatch/ingest"
)

// session asks one device.
type session struct {
	username, password string
	timeout            time.Duration
	now                func() time.Time

	open    *http.Client  // without an account
	client  *http.Client  // with the account, if there is one
	device  *url.URL      // where the device speaks ONVIF, once reached
	ahead   time.Duration // the device's clock minus ours
	refused bool          // the account was refused when asking for the clock
}

func newSession(cfg Config, now func() time.Time) *session {
	s := &session{username: cfg.Username, password: cfg.Password, timeout: cfg.Timeout, now: now}
	// No proxy: cameras are near. No redirects: they would carry the digest off.
	transport := &http.Transport{MaxResponseHeaderBytes: 64 << 10}
	s.open = &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	s.client = s.open
	if s.username != "" {
		s.client = &http.Client{
			Transport:     &digest.Transport{Username: s.username, Password: s.password, Transport: transport},
			CheckRedirect: s.open.CheckRedirect,
		}
	}
	return s
}

func (s *session) close() { s.open.CloseIdleConnections() }

type caller func(ctx context.Context, u *url.URL, request, response any) error

// callOpenly asks without an account.
func (s *session) callOpenly(ctx context.Context, u *url.URL, request, response any) error {
	return s.exchange(ctx, s.open, u, nil, request, response)
}

// call asks with the account, if there is one.
func (s *session) call(ctx context.Context, u *url.URL, request, response any) error {
	if s.username == "" {
		return s.callOpenly(ctx, u, request, response)
	}
	return s.exchange(ctx, s.client, u, s.token(), request, response)
}

func (s *session) exchange(ctx context.Context, client *http.Client, u *url.URL, t *token, request, response any) error {
	text, err := envelope(t, request)
	if err != nil {
		return err
	}
	asked, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	status, answer, err := post(asked, client, u, text)
	if err != nil {
		return classify(ctx, err)
	}
	return open(status, answer, response)
}

// longestAnswer is far beyond what cameras send, a few kilobytes a profile.
const longestAnswer = 1 << 20

func post(ctx context.Context, client *http.Client, u *url.URL, text []byte) (status int, answer []byte, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), bytes.NewReader(text))
	if err != nil {
		return 0, nil, errURL
	}
	request.Header.Set("Content-Type", "application/soap+xml; charset=utf-8")
	response, err := client.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer response.Body.Close()
	answer, err = io.ReadAll(io.LimitReader(response.Body, longestAnswer+1))
	if len(answer) > longestAnswer {
		return 0, nil, errTooLong
	}
	return response.StatusCode, answer, err
}

// token is a WS-UsernameToken with a digest of the password.
type token struct {
	XMLName  xml.Name `xml:"http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd Security"`
	Must     string   `xml:"s:mustUnderstand,attr"`
	Username string   `xml:"UsernameToken>Username"`
	Password typed    `xml:"UsernameToken>Password"`
	Nonce    encoded  `xml:"UsernameToken>Nonce"`
	Created  created  `xml:"UsernameToken>Created"`
}

type typed struct {
	Type string `xml:"Type,attr"`
	Text string `xml:",chardata"`
}

type encoded struct {
	Encoding string `xml:"EncodingType,attr"`
	Text     string `xml:",chardata"`
}

type created struct {
	Space string `xml:"xmlns,attr"`
	Text  string `xml:",chardata"`
}

// token is fresh for each question. A device refuses one that was not made just
// now by its own clock, so that clock's time is written.
func (s *session) token() *token {
	nonce := make([]byte, 16)
	_, _ = rand.Read(nonce) // it never fails
	at := s.now().Add(s.ahead).UTC().Format("2006-01-02T15:04:05.000Z")
	sum := sha1.Sum([]byte(string(nonce) + at + s.password))
	return &token{
		Must:     "1",
		Username: s.username,
		Password: typed{"http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordDigest", base64.StdEncoding.EncodeToString(sum[:])},
		Nonce:    encoded{"http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#Base64Binary", base64.StdEncoding.EncodeToString(nonce)},
		Created:  created{"http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd", at},
	}
}

// spaces are the prefixes that questions are written with: ours and those of
// the library's types.
var spaces = []xml.Attr{
	{Name: xml.Name{Local: "xmlns:s"}, Value: "http://www.w3.org/2003/05/soap-envelope"},
	{Name: xml.Name{Local: "xmlns:tds"}, Value: nsDevice},
	{Name: xml.Name{Local: "xmlns:trt"}, Value: nsMedia},
	{Name: xml.Name{Local: "xmlns:tr2"}, Value: nsMedia2},
	{Name: xml.Name{Local: "xmlns:onvif"}, Value: "http://www.onvif.org/ver10/schema"},
}

// envelope writes a question.
func envelope(t *token, request any) ([]byte, error) {
	type body struct{ Content any }
	type header struct{ Token *token }
	e := struct {
		XMLName xml.Name   `xml:"s:Envelope"`
		Spaces  []xml.Attr `xml:",any,attr"`
		Header  *header    `xml:"s:Header"`
		Body    body       `xml:"s:Body"`
	}{Spaces: spaces, Body: body{request}}
	if t != nil {
		e.Header = &header{t}
	}
	text, err := xml.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("write question: %w", err)
	}
	return append([]byte(xml.Header), text...), nil
}

// open reads an answer. What a fault says in words is not repeated.
func open(status int, answer []byte, response any) error {
	if status == http.StatusUnauthorized || status == http.StatusForbidden {
		return fault{ingest.ErrUnauthorized}
	}
	var e struct {
		XMLName xml.Name `xml:"Envelope"`
		Body    struct {
			Fault *struct {
				Codes []string `xml:"Code>Subcode>Value"`
				Inner []string `xml:"Code>Subcode>Subcode>Value"`
				Old   string   `xml:"faultcode"` // of SOAP 1.1
			}
			Content []byte `xml:",innerxml"`
		}
	}
	err := decode(answer, &e)
	switch {
	case err == nil && e.Body.Fault != nil:
		return faultOf(append(append(e.Body.Fault.Codes, e.Body.Fault.Inner...), e.Body.Fault.Old))
	case status == http.StatusNotFound:
		return errNoService
	case status != http.StatusOK:
		return fmt.Errorf("%w: HTTP status %d", errProtocol, status)
	case err != nil || decode(e.Body.Content, response) != nil:
		return errProtocol
	}
	return nil
}

// decode reads XML in the encodings that cameras use.
func decode(text []byte, into any) error {
	d := xml.NewDecoder(bytes.NewReader(text))
	d.CharsetReader = func(label string, in io.Reader) (io.Reader, error) {
		known, err := htmlindex.Get(label)
		if err != nil {
			return nil, err
		}
		return known.NewDecoder().Reader(in), nil
	}
	return d.Decode(into)
}

// fault is what a device that speaks ONVIF refuses or cannot tell.
type fault struct{ error }

func (f fault) Unwrap() error { return f.error }

func isFault(err error) bool { return errors.As(err, new(fault)) }

// answered says that the device answered, be it nonsense, so that it may answer
// another question.
func answered(err error) bool {
	return isFault(err) || errors.Is(err, errProtocol) || errors.Is(err, errTooLong) || errors.Is(err, errNoService)
}

// faultOf tells refusals of the account and of the question from all others.
func faultOf(codes []string) error {
	for _, code := range codes {
		switch code = code[strings.LastIndexByte(code, ':')+1:]; strings.TrimSpace(code) {
		case "NotAuthorized", "FailedAuthentication", "InvalidSecurity", "OperationProhibited":
			return fault{ingest.ErrUnauthorized}
		case "ActionNotSupported", "UnknownAction", "NoSuchService", "OptionalActionNotImplemented":
			return fault{errUnsupported}
		}
	}
	return fault{errFault}
}
