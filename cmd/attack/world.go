package main

import (
	"encoding/json"
	"fmt"
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
type secret struct{ Name, Path, Piece string }

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
	if socket := filepath.Join(w.Data, "kafka", "broker.sock"); exists(socket) != "" {
		w.Broker = access{Address: socket}
	}
	w.Secrets = nil
	for _, path := range []string{
		filepath.Join(w.Data, "keys", "signing.key"),
		filepath.Join(w.Data, "officers.json"),
		filepath.Join(w.Data, "kafka", "access"),
		filepath.Join(w.Data, "clickhouse", "dsn"),
		w.Config, "/etc/shadow",
	} {
		w.addSecret(filepath.Base(path), path)
	}
	for i, pid := range w.PIDs {
		w.addSecret(fmt.Sprintf("the environment of process %d of the system", i+1), procFile(pid, "environ"))
	}
}

// addSecret takes the longest line of a file as what it is known by, and of an
// environment the password in it.
func (w *world) addSecret(name, path string) {
	text, err := os.ReadFile(path)
	if err != nil || len(text) < 16 {
		return
	}
	line := ""
	for _, part := range strings.FieldsFunc(string(text), func(r rune) bool { return r < ' ' }) {
		if strings.Contains(part, "PASSWORD=") || !strings.HasPrefix(path, "/proc/") && len(part) > len(line) {
			line = strings.TrimSpace(part)
		}
	}
	if line == "" {
		return
	}
	w.Secrets = append(w.Secrets, secret{name, path, line[:min(len(line), 48)]})
}

// holds names the secret that a text holds a piece of; empty if none.
func (w *world) holds(text string) string {
	for _, s := range w.Secrets {
		if s.Piece != "" && strings.Contains(text, s.Piece) {
			return s.Name
		}
	}
	return ""
}
