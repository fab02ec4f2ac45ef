package authors

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"tidewatch/durable"
	"tidewatch/enforce"
	"tidewatch/enforce/proof"
	"tidewatch/secret"
)

func (a *Authors) secretPath(role proof.Role) string { return a.path(string(role) + ".key") }

// readSecrets reads the secret keys that there are.
func (a *Authors) readSecrets() error {
	for _, role := range proof.Roles {
		secret, err := a.secret(role)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		if err := a.take(role, secret); err != nil {
			return err
		}
	}
	return nil
}

// secret reads a key that nobody else may read.
func (a *Authors) secret(role proof.Role) (string, error) {
	text, err := secret.Read(a.secretPath(role))
	if err != nil {
		return "", fmt.Errorf("read key of the %s: %w", role, err)
	}
	return strings.TrimSpace(string(text)), nil
}

// makeSecret makes the key of a role, which is not on the disk yet.
func (a *Authors) makeSecret(role proof.Role) (string, error) {
	secret, _, err := note.GenerateKey(rand.Reader, a.cfg.Root.Name()+"/"+string(role))
	if err != nil {
		return "", fmt.Errorf("make key of the %s: %w", role, err)
	}
	return secret, a.take(role, secret)
}

func (a *Authors) take(role proof.Role, secret string) error {
	signer, err := note.NewSigner(secret)
	if err != nil { // the error of the library does not repeat the key
		return fmt.Errorf("read key %s: %w; restore it from the backup of keys/", a.secretPath(role), err)
	}
	a.secrets[role], a.signers[role] = secret, signer
	return nil
}

func (a *Authors) saveSecrets(made map[proof.Role]string) error {
	for role, secret := range made {
		if err := save(a.secretPath(role), []byte(secret+"\n"), 0o600); err != nil {
			return err
		}
	}
	return nil
}

func nameOf(s note.Signer) string { return fmt.Sprintf("%s+%08x", s.Name(), s.KeyHash()) }

func parse(raw []byte) (e enforce.Event, err error) {
	if err = json.Unmarshal(raw, &e); err != nil {
		return e, err
	}
	return e, e.Complete()
}

// save writes a file so that it is there whole or not at all.
func save(path string, text []byte, mode fs.FileMode) error {
	if err := durable.Replace(path, text, mode); err != nil {
		return fmt.Errorf("save keys: %w", err)
	}
	return nil
}
