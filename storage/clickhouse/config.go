// Package clickhouse keeps what became of every case where analysts can ask:
// a batching sink from the case log, the queries of the review pages, and a
// ClickHouse engine of its own for those who run none.
//
// Every table is a view of the case log and can be built anew from it. The
// sink commits a log offset only after its rows are stored, and a redelivered
// event changes nothing.
package clickhouse

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// Config says where the database is.
type Config struct {
	Addresses []string // host:port of the native protocol
	Database  string
	User      string
	Password  string // never logged, never in an error
	TLS       bool
	CAFile    string // PEM; without it the system's authorities count

	// Dial connects where an address is not enough; nil: by TCP.
	Dial func(context.Context) (net.Conn, error)
}

// DSN is the configuration as one line, password included, as clickhouse-go
// and most clients read it.
func (c Config) DSN() string {
	u := url.URL{Scheme: "clickhouse", User: url.UserPassword(c.User, c.Password), Path: "/" + c.Database}
	if len(c.Addresses) > 0 {
		u.Host = c.Addresses[0]
	}
	if c.TLS {
		u.RawQuery = "secure=true"
	}
	return u.String()
}

// Conn is a pool of connections to the database.
type Conn = driver.Conn

// Open prepares a pool of connections; the first use connects. The database
// itself must exist.
func Open(cfg Config) (Conn, error) {
	if len(cfg.Addresses) == 0 || cfg.Database == "" {
		return nil, errors.New("open clickhouse: address and database must be set")
	}
	for _, address := range cfg.Addresses {
		if _, _, err := net.SplitHostPort(address); err != nil {
			return nil, fmt.Errorf("open clickhouse: %w", err)
		}
	}
	encryption, err := cfg.encryption()
	if err != nil {
		return nil, fmt.Errorf("open clickhouse: %w", err)
	}
	options := &clickhouse.Options{
		Addr:         cfg.Addresses,
		Auth:         clickhouse.Auth{Database: cfg.Database, Username: cfg.User, Password: cfg.Password},
		TLS:          encryption,
		Compression:  &clickhouse.Compression{Method: clickhouse.CompressionLZ4},
		DialTimeout:  5 * time.Second,
		MaxOpenConns: 8,
		MaxIdleConns: 4,
		Settings: clickhouse.Settings{
			"async_insert": 0, // an insert must be stored when it returns
			"do_not_merge_across_partitions_select_final": 1,
		},
	}
	if cfg.Dial != nil {
		options.DialContext = func(ctx context.Context, _ string) (net.Conn, error) { return cfg.Dial(ctx) }
	}
	conn, err := clickhouse.Open(options)
	if err != nil {
		return nil, fmt.Errorf("open clickhouse: %w", err)
	}
	return conn, nil
}

func (c Config) encryption() (*tls.Config, error) {
	if !c.TLS {
		return nil, nil
	}
	cfg := &tls.Config{MinVersion: tls.VersionTLS12}
	if c.CAFile == "" {
		return cfg, nil
	}
	pem, err := os.ReadFile(c.CAFile)
	if err != nil {
		return nil, fmt.Errorf("read authorities: %w", err)
	}
	cfg.RootCAs = x509.NewCertPool()
	if !cfg.RootCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("read authorities: %s holds no certificate", c.CAFile)
	}
	return cfg, nil
}
