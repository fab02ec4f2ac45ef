package proof

import (
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"
	"sync"
	"time"

	"github.com/digitorus/pkcs7"
	"github.com/digitorus/timestamp"
)

// parsing lets one timestamp be parsed at a time: the library counts, for all
// together, how deep it is.
var parsing sync.Mutex

// CheckTimestamp holds an authority's answer (RFC 3161) against what it was
// asked to confirm, and returns the time that it says. Without roots nobody is
// trusted: then it checks all but who the authority is. The nonce is the one that
// it was asked with, nil if none.
func CheckTimestamp(answer, confirmed []byte, roots *x509.CertPool) (at time.Time, nonce *big.Int, err error) {
	parsing.Lock()
	defer parsing.Unlock()
	stamp, err := timestamp.ParseResponse(answer)
	if err != nil {
		return at, nil, fmt.Errorf("is not a timestamp whose signature holds: %w", err)
	}
	if len(stamp.Certificates) == 0 {
		return at, nil, errors.New("holds no certificate of its authority")
	}
	if stamp.HashAlgorithm != crypto.SHA256 && stamp.HashAlgorithm != crypto.SHA384 && stamp.HashAlgorithm != crypto.SHA512 {
		return at, nil, fmt.Errorf("uses %s, which is not safe any more", stamp.HashAlgorithm)
	}
	hash := stamp.HashAlgorithm.New()
	hash.Write(confirmed)
	if string(hash.Sum(nil)) != string(stamp.HashedMessage) {
		return at, nil, errors.New("confirms something else")
	}
	token, err := pkcs7.Parse(stamp.RawToken)
	if err == nil {
		err = token.VerifyWithOpts(x509.VerifyOptions{
			Roots: roots, Intermediates: pool(token.Certificates), CurrentTime: stamp.Time,
			KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageTimeStamping},
		})
	}
	if err != nil {
		return at, nil, fmt.Errorf("is not signed by a trusted authority: %w", err)
	}
	return stamp.Time.UTC(), stamp.Nonce, nil
}

func pool(certificates []*x509.Certificate) *x509.CertPool {
	p := x509.NewCertPool()
	for _, c := range certificates {
		p.AddCert(c)
	}
	return p
}
