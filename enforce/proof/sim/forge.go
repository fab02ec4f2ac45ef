package sim

import (
	"crypto/rand"
	"os"

	"golang.org/x/mod/sumdb/note"

	"tidewatch/enforce"
	"tidewatch/enforce/proof"
)

// forge signs a case's manifest with a new key under the store's own name.
func forge(s *Store, c enforce.Case) ([]byte, error) {
	secret, _, err := note.GenerateKey(rand.Reader, s.Keys.Signer.Name())
	if err != nil {
		return nil, err
	}
	signer, err := note.NewSigner(secret)
	if err != nil {
		return nil, err
	}
	manifest, err := os.ReadFile(s.Files.Path(c.Violation.Evidence.Manifest))
	if err != nil {
		return nil, err
	}
	return proof.Sign(signer, manifest, c.ID)
}
