package kafka

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"

	kafkasasl "github.com/segmentio/kafka-go/sasl"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

// The ways to sign in.
const (
	Plain       = "plain"
	ScramSHA256 = "scram-sha-256"
	ScramSHA512 = "scram-sha-512"
)

// Mechanisms are the ways to sign in, the best first.
var Mechanisms = []string{ScramSHA512, ScramSHA256, Plain}

// Security says who we are to a Kafka of the operator's, and whom we trust.
// The password is never logged, never in an error.
type Security struct {
	Username  string // empty: nobody signs in
	Password  string
	Mechanism string // one of Mechanisms

	TLS      bool
	CAFile   string // PEM of the brokers' authority; empty: the system's
	CertFile string // PEM of our own certificate, where brokers ask for one
	KeyFile  string
}

// login is nil where nobody signs in.
func (s Security) login() sasl.Mechanism {
	if s.Username == "" {
		return nil
	}
	switch s.Mechanism {
	case ScramSHA256:
		return scram.Auth{User: s.Username, Pass: s.Password}.AsSha256Mechanism()
	case ScramSHA512:
		return scram.Auth{User: s.Username, Pass: s.Password}.AsSha512Mechanism()
	}
	return plain.Auth{User: s.Username, Pass: s.Password}.AsMechanism()
}

// tls is nil without TLS.
func (s Security) tls() (*tls.Config, error) {
	if !s.TLS {
		return nil, nil
	}
	cfg := &tls.Config{MinVersion: tls.VersionTLS12}
	if s.CAFile != "" {
		text, err := os.ReadFile(s.CAFile)
		if err != nil {
			return nil, fmt.Errorf("read the authority of kafka: %w", err)
		}
		if cfg.RootCAs = x509.NewCertPool(); !cfg.RootCAs.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("read the authority of kafka: %s holds no certificate in PEM", s.CAFile)
		}
	}
	if s.CertFile == "" {
		return cfg, nil
	}
	if _, err := s.certificate(nil); err != nil {
		return nil, err
	}
	cfg.GetClientCertificate = s.certificate
	return cfg, nil
}

// certificate is our own, read anew for each connection: it may be renewed.
func (s Security) certificate(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
	pair, err := tls.LoadX509KeyPair(s.CertFile, s.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("read our certificate for kafka: %w", err)
	}
	return &pair, nil
}

// signIn is login for kafka-go.
func (s Security) signIn() kafkasasl.Mechanism {
	if login := s.login(); login != nil {
		return signIn{login}
	}
	return nil
}

// signIn lets one client library sign in as the other does.
type signIn struct{ sasl.Mechanism }

// Start implements the mechanism of kafka-go.
func (s signIn) Start(ctx context.Context) (kafkasasl.StateMachine, []byte, error) {
	session, first, err := s.Authenticate(ctx, "")
	return exchange{session}, first, err
}

type exchange struct{ sasl.Session }

// Next implements the state machine of kafka-go.
func (e exchange) Next(_ context.Context, challenge []byte) (bool, []byte, error) {
	return e.Challenge(challenge)
}
