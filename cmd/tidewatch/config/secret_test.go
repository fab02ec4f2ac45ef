package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// What a secret is worth depends on who asks: a check need not know it, a start
// must.
func TestSecrets(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("EMPTY", "")
	t.Setenv("GOOD", "s3cret")
	t.Setenv("BROKEN", "two\nlines")
	for name, test := range map[string]struct {
		field string // of the camera; FILE is a file's path
		file  string
		mode  os.FileMode
		says  string // after the path
		grade string // mistake, warning; where it is needed
		soft  bool   // a note only, where it is not
	}{
		"a variable":          {"password_env: GOOD", "", 0, "", "", false},
		"not set":             {"password_env: UNSET", "", 0, "environment variable UNSET is not set", "mistake", true},
		"empty":               {"password_env: EMPTY", "", 0, "environment variable EMPTY is empty", "mistake", true},
		"of two lines":        {"password_env: BROKEN", "", 0, "environment variable BROKEN holds U+000A, a control character; remove it", "mistake", false},
		"a file":              {"password_file: FILE", "s3cret\r\n", 0o600, "", "", false},
		"a file with a mark":  {"password_file: FILE", "\ufeffs3cret\n", 0o600, "", "", false},
		"a file for a group":  {"password_file: FILE", "s3cret\n", 0o640, "", "", false},
		"a file for everyone": {"password_file: FILE", "s3cret\n", 0o644, "FILE: everybody on this machine can read it: chmod o= FILE", "warning", false},
		"an empty file":       {"password_file: FILE", "\n", 0o600, "FILE: is empty", "mistake", true},
		"lines":               {"password_file: FILE", "s3cret\nmore\n", 0o600, "FILE: holds more than one line", "mistake", true},
		"not UTF-8":           {"password_file: FILE", "s3cr\xe9t\n", 0o600, "FILE:1: is not UTF-8: save it as UTF-8; it looks like GBK or GB18030", "mistake", true},
		"blanks":              {"password_file: FILE", "s3cret \n", 0o600, "FILE: what it holds begins or ends with a blank, which counts", "warning", false},
		"no file":             {"password_file: FILE", "", 0, "open FILE: no such file or directory", "mistake", true},
		"a folder":            {"password_file: " + dir, "", 0, dir + ": is not a file", "mistake", true},
	} {
		t.Run(name, func(t *testing.T) {
			secret, path := filepath.Join(t.TempDir(), "secret"), filepath.Join(t.TempDir(), "t.yaml")
			if test.mode != 0 {
				if err := os.WriteFile(secret, []byte(test.file), test.mode); err != nil {
					t.Fatal(err)
				}
				if err := os.Chmod(secret, test.mode); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.WriteFile(path, []byte(with("username: root\n    "+strings.ReplaceAll(test.field, "FILE", secret))), 0o600); err != nil {
				t.Fatal(err)
			}
			for _, needed := range []bool{true, false} {
				var want []string
				if test.says != "" {
					grade := test.grade
					if test.soft && !needed {
						grade = "note"
					}
					field, _, _ := strings.Cut(test.field, ":")
					want = []string{grade + " " + path + ":4: cameras[0]." + field + ": " + strings.ReplaceAll(test.says, "FILE", secret)}
				}
				if diff := cmp.Diff(want, graded(path, needed)); diff != "" {
					t.Errorf("needed %v (-want +got):\n%s", needed, diff)
				}
			}
			if _, err := LoadRules(path); err != nil {
				t.Errorf("for a command that connects to nothing: %v", err)
			}
		})
	}
}

// graded is all that a check says.
func graded(path string, secrets bool) []string {
	c, err := Check(path, secrets)
	var said []string
	if err != nil {
		for line := range strings.Lines(err.Error()) {
			said = append(said, "mistake "+strings.TrimSpace(line))
		}
		return said
	}
	for _, warning := range c.Warnings(time.Now()) {
		said = append(said, "warning "+warning)
	}
	for _, note := range c.Notes() {
		said = append(said, "note "+note)
	}
	return said
}

// A key that others can read could be anybody's.
func TestASigningKeyOfEverybodyIsRefused(t *testing.T) {
	dir := t.TempDir()
	key, path := filepath.Join(dir, "key"), filepath.Join(dir, "t.yaml")
	if err := os.WriteFile(path, []byte("evidence: {signing_key_file: "+key+"}\n"+street), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(key, []byte("s3cret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if c, err := Load(path); err != nil || c.Evidence.SigningKey != "s3cret" {
		t.Fatal(err)
	}
	if err := os.Chmod(key, 0o604); err != nil {
		t.Fatal(err)
	}
	_, err := Load(path)
	if err == nil || !strings.HasSuffix(err.Error(), "everybody on this machine can read it, and sign with it: chmod o= "+key) {
		t.Errorf("error %v", err)
	}
}
