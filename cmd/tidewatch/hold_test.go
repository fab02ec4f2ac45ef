package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestPasswordFile(t *testing.T) {
	tests := map[string]struct {
		text string
		mode os.FileMode
		want string
		fail string
	}{
		"a line":               {"z4m6s-qnqjz\n", 0o600, "z4m6s-qnqjz", ""},
		"without an end":       {"z4m6s-qnqjz", 0o400, "z4m6s-qnqjz", ""},
		"of another system":    {"z4m6s\r\nmore\r\n", 0o600, "z4m6s", ""},
		"spaces are part":      {" a b \n", 0o600, " a b ", ""},
		"readable by others":   {"z4m6s-qnqjz\n", 0o640, "", "is open to other users"},
		"empty":                {"\n", 0o600, "", "there is none"},
		"one that never ends":  {strings.Repeat("x", 10_000), 0o600, strings.Repeat("x", 4096), ""},
		"one that is not text": {"\xff\xfe\n", 0o600, "\xff\xfe", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "password")
			if err := os.WriteFile(path, []byte(test.text), test.mode); err != nil {
				t.Fatal(err)
			}
			got, err := passwordFile(path)
			if got != test.want || (err == nil) != (test.fail == "") || err != nil && !strings.Contains(err.Error(), test.fail) {
				t.Errorf("%q, %v; want %q and an error that says %q", got, err, test.want, test.fail)
			}
			if err != nil && strings.Contains(err.Error(), "z4m6s") {
				t.Error("the error tells the password")
			}
		})
	}
}
