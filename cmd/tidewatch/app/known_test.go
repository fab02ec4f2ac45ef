package app

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestWhatBecameOfAFileIsNoticed(t *testing.T) {
	for name, test := range map[string]struct {
		change  func(path string) error
		noticed bool
	}{
		"nothing":            {func(string) error { return nil }, false},
		"it has grown":       {grow, true},
		"an altered byte":    {flipMiddle, true},
		"it was taken away":  {os.Remove, true},
		"it was emptied":     {func(path string) error { return os.Truncate(path, 0) }, true},
		"its sum was erased": {func(path string) error { return os.Remove(known{path: path}.sumPath()) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			k := known{path: filepath.Join(t.TempDir(), "officers.json")}
			if err := os.WriteFile(k.path, []byte(`[{"name":"officer"}]`), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := k.changed(); err != nil {
				t.Errorf("before the first note: %v", err)
			}
			if err := k.note(); err != nil {
				t.Fatal(err)
			}
			if err := test.change(k.path); err != nil {
				t.Fatal(err)
			}
			if err := k.changed(); (err != nil) != test.noticed {
				t.Errorf("noticed: %v", err)
			}
		})
	}
}

func TestAFileThatGrowsMayGrow(t *testing.T) {
	k := known{path: filepath.Join(t.TempDir(), "sign-ins.jsonl"), grows: true}
	if err := os.WriteFile(k.path, []byte("{}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := k.note(); err != nil {
		t.Fatal(err)
	}
	if err := grow(k.path); err != nil {
		t.Fatal(err)
	}
	if err := k.changed(); err != nil {
		t.Errorf("it has grown: %v", err)
	}
	if err := os.Truncate(k.path, 2); err != nil {
		t.Fatal(err)
	}
	if err := k.changed(); err == nil {
		t.Error("it was cut, and nobody says so")
	}
}

func grow(path string) error {
	file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = file.WriteString("[1]\n{\"torn")
	return errors.Join(err, file.Close())
}
