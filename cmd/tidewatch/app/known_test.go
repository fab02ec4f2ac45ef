package app

import (
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
		"an altered byte":    {flipMiddle, true},
		"it was taken away":  {os.Remove, true},
		"it was emptied":     {func(path string) error { return os.Truncate(path, 0) }, true},
		"its sum was erased": {func(path string) error { return os.Remove(known{path}.sumPath()) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			k := known{filepath.Join(t.TempDir(), "officers.json")}
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
