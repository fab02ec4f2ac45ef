// Package stamp has an authority outside of the system confirm when evidence
// was signed (RFC 3161). An authority that cannot be reached keeps no case
// waiting: what is not confirmed now is confirmed later, and counted until then.
package stamp

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"time"

	"github.com/digitorus/timestamp"

	"tidewatch/enforce/proof"
)

// Authority is where timestamps come from.
type Authority struct {
	URL   string
	Roots *x509.CertPool // who must have signed its certificate; nil: anybody
	HTTP  *http.Client
}

// maxAnswer bounds an answer: with its certificates it is a few kilobytes.
const maxAnswer = 256 << 10

// Confirm asks the authority to confirm that data is there now, and returns its
// answer, which is checked, and the time that it says.
func (a Authority) Confirm(ctx context.Context, data []byte) (answer []byte, at time.Time, err error) {
	nonce, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 64))
	if err != nil {
		return nil, at, err
	}
	hash := sha256.Sum256(data)
	query, err := (&timestamp.Request{
		HashAlgorithm: crypto.SHA256, HashedMessage: hash[:], Certificates: true, Nonce: nonce,
	}).Marshal()
	if err == nil {
		answer, err = a.ask(ctx, query)
	}
	if err != nil {
		return nil, at, fmt.Errorf("ask for a timestamp: %w", err)
	}
	at, answered, err := proof.CheckTimestamp(answer, data, a.Roots)
	if err != nil {
		return nil, at, fmt.Errorf("the authority's answer %w", err)
	}
	if answered == nil || answered.Cmp(nonce) != 0 {
		return nil, at, errors.New("the authority's answer is to another question")
	}
	return answer, at, nil
}

func (a Authority) ask(ctx context.Context, query []byte) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, a.URL, bytes.NewReader(query))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/timestamp-query")
	response, err := a.HTTP.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the authority answers %s", response.Status)
	}
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	if err == nil && len(answer) > maxAnswer {
		err = fmt.Errorf("the authority answers with more than %d bytes", maxAnswer)
	}
	return answer, err
}
