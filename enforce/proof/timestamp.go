package proof

import (
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"github.com/digitorus/pkcs7"
	"github.com/digitorus/timestamp"
)

// CheckTimestamp holds an authority's answer (RFC 3161) against what it was
// asked to confirm, and returns the time that it says. Without roots nobody is
// trusted: then it checks all but who the authority is.
func CheckTimestamp(answer, confirmed []byte, roots *x509.CertPool) (time.Time, error) {
	stamp, err := timestamp.ParseResponse(answer)
	if err != nil {
		return time.Time{}, fmt.Errorf("is not a timestamp whose signature holds: %w", err)
	}
	if len(stamp.Certificates) == 0 {
		return time.Time{}, errors.New("holds no certificate of its authority")
	}
	if stamp.HashAlgorithm != crypto.SHA256 && stamp.HashAlgorithm != crypto.SHA384 && stamp.HashAlgorithm != crypto.SHA512 {
		return time.Time{}, fmt.Errorf("uses %s, which is not safe any more", stamp.HashAlgorithm)
	}
	hash := stamp.HashAlgorithm.New()
	hash.Write(confirmed)
	if string(hash.Sum(nil)) != string(stamp.HashedMessage) {
		return time.Time{}, errors.New("confirms something else")
	}
	token, err := pkcs7.Parse(stamp.RawToken)
	if err == nil {
		err = token.VerifyWithOpts(x509.VerifyOptions{
			Roots: roots, Intermediates: pool(token.Certificates), CurrentTime: stamp.Time,
			KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageTimeStamping},
		})
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("is not signed by a trusted authority: %w", err)
	}
	return stamp.Time.UTC(), nil
}

func pool(certificates []*x509.Certificate) *x509.CertPool {
	p := x509.NewCertPool()
	for _, c := range certificates {
		p.AddCert(c)
	}
	return p
}
