package clickhouse

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
)

// explain says what is behind an error of the first words with a server, where
// something else answers than ClickHouse's native protocol.
func explain(err error) error {
	var plain tls.RecordHeaderError
	var unknown x509.UnknownAuthorityError
	switch {
	case err == nil:
		return nil
	case strings.Contains(err.Error(), "unexpected packet [72]"): // the H of HTTP
		return errors.New("clickhouse.address answers HTTP: give the native port (usually 9000, with TLS 9440)")
	case strings.Contains(err.Error(), "unexpected packet [21]"): // an alert of TLS
		return errors.New("clickhouse.address answers TLS: set clickhouse.tls, or give the port without (usually 9000)")
	case strings.Contains(err.Error(), "unexpected packet ["):
		return fmt.Errorf("clickhouse.address answers something that is not ClickHouse: give its native port (usually 9000, with TLS 9440): %w", err)
	case errors.As(err, &plain):
		return errors.New("clickhouse.address does not speak TLS: give the port that does (usually 9440), or leave out clickhouse.tls")
	case errors.As(err, &unknown):
		return fmt.Errorf("the certificate of clickhouse is signed by nobody whom we trust: give its authority as clickhouse.ca_file: %w", err)
	}
	return err
}
