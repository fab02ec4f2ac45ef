// Package keys keeps the key that evidence is signed with, and the list of the
// public keys that ever were. A key is made at the first start. One that is
// taken away, or another that is configured, begins a new line of the list and
// ends the last one: what was signed before stays good.
package keys

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"

	"tidewatch/enforce/proof"
	"tidewatch/secret"
)

// Names in the folder.
const (
	secretName = "signing.key"
	publicName = "public.keys"
)

// head explains the list to those who open it.
const head = `# Public keys of this system's evidence: key, from when and until when it signs.
# Give this file to whoever shall check exported evidence.
`

// Ring is the key in use, and all public keys.
type Ring struct {
	Signer note.Signer
	Public proof.Keys
}

// Config says where keys are and what they are called.
type Config struct {
	Dir string // of the list, and of a key that is made here
	// Origin is the name of a new key and of the log that it signs.
	Origin string
	// Secret is a key that is kept elsewhere; empty: one is made in Dir.
	Secret string
}

// Open reads the keys, and makes what is missing.
func Open(cfg Config, now time.Time) (*Ring, error) {
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("open keys: %w", err)
	}
	public, err := Public(cfg.Dir)
	if err != nil {
		return nil, err
	}
	private, err := cfg.secret(public)
	if err != nil {
		return nil, err
	}
	signer, err := note.NewSigner(private)
	if err != nil { // the error of the library does not repeat the key
		return nil, fmt.Errorf("read signing key: %w; it must be a line as in %s", err, filepath.Join(cfg.Dir, secretName))
	}
	r := &Ring{signer, public}
	if len(public) > 0 && public[0].Verifier.Name() != signer.Name() {
		return nil, fmt.Errorf("signing key is of %q, and the log of %q: a log keeps its name; make a key with that", signer.Name(), public[0].Verifier.Name())
	}
	return r, r.enter(cfg.Dir, private, now)
}

// Public reads the list of public keys in a folder; without one it is empty.
func Public(dir string) (proof.Keys, error) {
	path := filepath.Join(dir, publicName)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read public keys: %w", err)
	}
	public, err := proof.ParseKeys(string(text))
	if err != nil {
		return nil, fmt.Errorf("read public keys: %s: %w", path, err)
	}
	return public, nil
}

// secret is the signing key; one that is missing is made.
func (cfg Config) secret(public proof.Keys) (string, error) {
	if cfg.Secret != "" {
		return strings.TrimSpace(cfg.Secret), nil
	}
	path := filepath.Join(cfg.Dir, secretName)
	text, err := secret.Read(path)
	if err == nil {
		return strings.TrimSpace(string(text)), nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("read signing key: %w", err)
	}
	name := cfg.Origin
	if len(public) > 0 {
		name = public[0].Verifier.Name()
	}
	made, _, err := note.GenerateKey(rand.Reader, name)
	if err != nil {
		return "", fmt.Errorf("make signing key: %w", err)
	}
	return made, save(path, made+"\n", 0o600)
}

// enter brings the key in use into the list.
func (r *Ring) enter(dir, private string, now time.Time) error {
	text, err := PublicOf(private)
	if err != nil {
		return err
	}
	last := len(r.Public) - 1
	if last >= 0 && r.Public[last].Text == text && r.Public[last].Until.IsZero() {
		return nil
	}
	now = now.UTC().Truncate(time.Second)
	if last >= 0 && r.Public[last].Until.IsZero() {
		r.Public[last].Until = now
	}
	// Nothing was signed before the first key. It has no beginning: a clock that
	// is set back after the first start would make what it signs look too early.
	from := "-"
	if last >= 0 {
		from = now.Format(time.RFC3339)
	}
	added, err := proof.ParseKeys(text + " " + from + " -\n")
	if err != nil {
		return fmt.Errorf("enter public key: %w", err)
	}
	r.Public = append(r.Public, added...)
	list := head
	for _, k := range r.Public {
		list += k.String() + "\n"
	}
	return save(filepath.Join(dir, publicName), list, 0o644)
}

// save writes a file so that it is there whole or not at all.
func save(path, text string, mode fs.FileMode) error {
	file, err := os.OpenFile(path+".part", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, mode)
	if err != nil {
		return fmt.Errorf("save keys: %w", err)
	}
	_, err = file.WriteString(text)
	if err = errors.Join(err, file.Chmod(mode), file.Sync(), file.Close()); err == nil {
		err = os.Rename(path+".part", path)
	}
	if err != nil {
		return fmt.Errorf("save keys: %w", err)
	}
	return nil
}

// PublicOf is the public key of a signing key, PRIVATE+KEY+NAME+ID+SEED.
func PublicOf(private string) (string, error) {
	fields := strings.SplitN(private, "+", 5)
	if len(fields) != 5 {
		return "", errNoSecret
	}
	seed, err := base64.StdEncoding.DecodeString(fields[4])
	if err != nil || len(seed) != 1+ed25519.SeedSize { // after a byte that names the algorithm
		return "", errNoSecret
	}
	public, ok := ed25519.NewKeyFromSeed(seed[1:]).Public().(ed25519.PublicKey)
	if !ok {
		return "", errNoSecret
	}
	return note.NewEd25519VerifierKey(fields[2], public)
}

// errNoSecret never repeats what it was given.
var errNoSecret = errors.New("signing key is not of the form PRIVATE+KEY+NAME+ID+SEED")
