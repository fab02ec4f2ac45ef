package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
)

// world is what an attacker knows: where things are, and what may have leaked.
type world struct {
	Pages, Ops, Police string // URLs
	Data, Config       string
	Loot               string // a folder that everybody may write to
	PIDs               []int  // of the system
	Doors              []door
	Secrets            []secret
	DSN                string // of an analyst
	Broker             access
	Topic              string
	Cases              []string
	Genuine            []byte // a decision that an officer made, as the case log has it
	Functions          []string
	TableFunctions     []string
}

// secret is a file that nobody else may read, and a piece of it by which it is
// known again.
type secret struct{ Path, Piece string }

// access is what is written down of how to reach the embedded broker.
type access struct{ Address, Username, Password string }

// leaked reads what the system's own user may read.
func (w *world) leaked() {
	if text, err := os.ReadFile(filepath.Join(w.Data, "clickhouse", "dsn")); err == nil {
		w.DSN = strings.TrimSpace(string(text))
	}
	if text, err := os.ReadFile(filepath.Join(w.Data, "kafka", "access")); err == nil {
		_ = json.Unmarshal(text, &w.Broker) // what cannot be read has not leaked
	}
	w.Secrets = nil
	for _, path := range []string{
		filepath.Join(w.Data, "keys", "signing.key"),
		filepath.Join(w.Data, "officers.json"),
		filepath.Join(w.Data, "kafka", "access"),
		filepath.Join(w.Data, "clickhouse", "dsn"),
		w.Config, "/etc/shadow",
	} {
		w.addSecret(path)
	}
	for _, pid := range w.PIDs {
		w.addSecret(procFile(pid, "environ"))
	}
}

// addSecret takes the middle of a file as what it is known by.
func (w *world) addSecret(path string) {
	text, err := os.ReadFile(path)
	if err != nil || len(text) < 16 {
		return
	}
	line := ""
	for _, part := range strings.FieldsFunc(string(text), func(r rune) bool { return r < ' ' }) {
		if len(part) > len(line) {
			line = strings.TrimSpace(part)
		}
	}
	w.Secrets = append(w.Secrets, secret{path, line[:min(len(line), 48)]})
}

// holds names the secret that a text holds a piece of; empty if none.
func (w *world) holds(text string) string {
	for _, s := range w.Secrets {
		if s.Piece != "" && strings.Contains(text, s.Piece) {
			return s.Path
		}
	}
	return ""
}
