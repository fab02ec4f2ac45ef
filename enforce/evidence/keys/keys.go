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

// Ring is the key in use, and all public keys.
type Ring struct {
	Signer note.Signer
	Public proof.Keys
	// Amiss is what was missing and was made anew, though this was not the first
	// start. Somebody should hear of it.
	Amiss []string
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
	public, summed, err := readList(cfg.Dir)
	if err != nil {
		return nil, err
	}
	private, made, err := cfg.secret(public)
	if err != nil {
		return nil, fmt.Errorf("read signing key: %w", err)
	}
	signer, err := note.NewSigner(private)
	if err != nil { // the error of the library does not repeat the key
		return nil, fmt.Errorf("read signing key: %w; it must be a line as in %s", err, filepath.Join(cfg.Dir, secretName))
	}
	r := &Ring{Signer: signer, Public: public}
	r.notice(cfg, made)
	if len(public) > 0 && public[0].Verifier.Name() != signer.Name() {
		return nil, fmt.Errorf("signing key is of %q, and the log of %q: a log keeps its name; make a key with that", signer.Name(), public[0].Verifier.Name())
	}
	return r, r.enter(cfg.Dir, private, summed, now)
}

// notice tells what was missing.
func (r *Ring) notice(cfg Config, made bool) {
	switch {
	case made && len(r.Public) > 0:
		r.Amiss = append(r.Amiss, filepath.Join(cfg.Dir, secretName)+" was missing: evidence is signed with a new key from now on")
	case !made && cfg.Secret == "" && len(r.Public) == 0:
		r.Amiss = append(r.Amiss, filepath.Join(cfg.Dir, publicName)+
			" was missing: it begins anew with the key in use; evidence that was signed with an earlier key cannot be checked until the file is put back from a backup")
	}
}

// secret is the signing key; one that is missing is made.
func (cfg Config) secret(public proof.Keys) (private string, made bool, err error) {
	if cfg.Secret != "" {
		return strings.TrimSpace(cfg.Secret), false, nil
	}
	path := filepath.Join(cfg.Dir, secretName)
	text, err := secret.Read(path)
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return strings.TrimSpace(string(text)), false, err
	}
	name := cfg.Origin
	if len(public) > 0 {
		name = public[0].Verifier.Name()
	}
	if private, _, err = note.GenerateKey(rand.Reader, name); err != nil {
		return "", false, fmt.Errorf("make it: %w", err)
	}
	return private, true, save(path, private+"\n", 0o600)
}

// enter brings the key in use into the list, and gives the list its checksum.
func (r *Ring) enter(dir, private string, summed bool, now time.Time) error {
	text, err := PublicOf(private)
	if err != nil {
		return err
	}
	last := len(r.Public) - 1
	if last >= 0 && r.Public[last].Text == text && r.Public[last].Until.IsZero() {
		if summed {
			return nil
		}
		return saveList(dir, r.Public)
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
	return saveList(dir, r.Public)
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
