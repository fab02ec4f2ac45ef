package proof

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
)

// Key is a public key that evidence or checkpoints may be signed with.
type Key struct {
	Verifier note.Verifier
	Text     string // as it is written: NAME+ID+KEY
	// From and Until bound the times of recording that it is good for; zero is
	// unbounded.
	From, Until time.Time
}

// Keys are the public keys that are trusted.
type Keys []Key

// ParseKeys reads a list of keys: a line for each with the key and, if they are
// bounded, the times from and until which it is good, in RFC 3339 or "-". Empty
// lines and those that begin with # do not count.
func ParseKeys(text string) (Keys, error) {
	var keys Keys
	number := 0
	for line := range strings.Lines(text) {
		number++
		fields := strings.Fields(line)
		if len(fields) == 0 || strings.HasPrefix(fields[0], "#") {
			continue
		}
		key, err := parseKey(fields)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
		keys = append(keys, key)
	}
	return keys, nil
}

func parseKey(fields []string) (key Key, err error) {
	if len(fields) > 3 {
		return key, errors.New("want KEY, or KEY FROM UNTIL")
	}
	key.Text = fields[0]
	if key.Verifier, err = note.NewVerifier(key.Text); err != nil {
		return key, fmt.Errorf("%q is not a public key such as NAME+ID+KEY: %w", key.Text, err)
	}
	for i, bound := range []*time.Time{&key.From, &key.Until} {
		if len(fields) <= i+1 || fields[i+1] == "-" {
			continue
		}
		if *bound, err = time.Parse(time.RFC3339, fields[i+1]); err != nil {
			return key, fmt.Errorf("%q is not a time such as 2026-01-31T00:00:00Z", fields[i+1])
		}
	}
	return key, nil
}

// String writes a key as a line of a list.
func (k Key) String() string {
	bound := func(t time.Time) string {
		if t.IsZero() {
			return "-"
		}
		return t.UTC().Format(time.RFC3339)
	}
	return fmt.Sprintf("%s %s %s", k.Text, bound(k.From), bound(k.Until))
}

// Name is how people are told of a key: its name and ID.
func (k Key) Name() string {
	return keyName(k.Verifier)
}

// good reports whether a key may sign what was recorded at a time.
func (k Key) good(at time.Time) bool {
	return !at.Before(k.From) && (k.Until.IsZero() || at.Before(k.Until))
}

// good reports whether a key was in use at a time. One that was taken back into
// use is in the list once for each time.
func (keys Keys) good(by Key, at time.Time) bool {
	return slices.ContainsFunc(keys, func(k Key) bool { return k.Text == by.Text && k.good(at) })
}

// verifiers are the keys, each once.
func (keys Keys) verifiers() note.Verifiers {
	var list []note.Verifier
	known := map[string]bool{}
	for _, k := range keys {
		if !known[k.Text] {
			known[k.Text] = true
			list = append(list, k.Verifier)
		}
	}
	return note.VerifierList(list...)
}

// errNoKey says that none of the trusted keys has signed.
var errNoKey = errors.New("is signed by none of the trusted keys")

// open reads a signed text, and says which of the keys has signed it. Beside
// the signature it holds the bytes to the one form that they can have, so that
// nothing in them can be altered unseen.
func (keys Keys) open(signed []byte) (text string, by Key, err error) {
	n, err := note.Open(signed, keys.verifiers())
	var unverified *note.UnverifiedNoteError
	switch {
	case errors.As(err, &unverified):
		return "", by, errNoKey
	case err != nil:
		return "", by, fmt.Errorf("is not a note whose signature holds: %w", err)
	case string(written(n)) != string(signed):
		return "", by, errors.New("is not in the form in which it was written")
	}
	for _, k := range keys {
		if k.Verifier.Name() == n.Sigs[0].Name && k.Verifier.KeyHash() == n.Sigs[0].Hash {
			by = k
		}
	}
	return n.Text, by, nil
}

// written is a note as it must have been written.
func written(n *note.Note) []byte {
	var b strings.Builder
	b.WriteString(n.Text + "\n")
	for _, s := range append(n.Sigs, n.UnverifiedSigs...) {
		raw, err := base64.StdEncoding.Strict().DecodeString(s.Base64)
		if err != nil {
			return nil
		}
		b.WriteString("— " + s.Name + " " + base64.StdEncoding.EncodeToString(raw) + "\n")
	}
	return []byte(b.String())
}

// statement is what is signed of a manifest: its hash and its case.
func statement(manifest, violation string) string {
	return fmt.Sprintf("%s\nmanifest %s\ncase %s\n", Format, manifest, violation)
}

// Sign signs a manifest, given as it is stored. The signature is a note: the
// text that is signed, and under it the signature with the key's ID.
func Sign(signer note.Signer, manifest []byte, violation string) ([]byte, error) {
	signed, err := note.Sign(&note.Note{Text: statement(sumOf(manifest), violation)}, signer)
	if err != nil {
		return nil, fmt.Errorf("sign manifest of violation %s: %w", violation, err)
	}
	return signed, nil
}
