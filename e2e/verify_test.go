package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"tidewatch/enforce"
)

// command runs a command of Tidewatch beside the one that watches, or after it.
func (s *street) command(args ...string) (out string, err error) {
	s.t.Helper()
	command := exec.Command(program("tidewatch"), append(args, "--config="+s.configure())...)
	command.Stderr = os.Stderr
	text, err := command.Output()
	return string(text), err
}

// commandWith runs one that reads its standard input, and returns all that it
// says.
func (s *street) commandWith(input string, args ...string) (out string, err error) {
	s.t.Helper()
	command := exec.Command(program("tidewatch"), append(args, "--config="+s.configure())...)
	command.Stdin = strings.NewReader(input)
	text, err := command.CombinedOutput()
	return string(text), err
}

// verified checks all evidence, and the log against an earlier checkpoint.
func (s *street) verified(when, checkpoint string) {
	s.t.Helper()
	out, err := s.command("verify", "--all", "--checkpoint="+checkpoint)
	if err != nil || !strings.Contains(out, "cases: 2,") {
		s.t.Errorf("verify %s: %v\n%s", when, err, out)
	}
}

// checkpoint exports a checkpoint of the log of evidence.
func (s *street) checkpoint() (path string) {
	s.t.Helper()
	text, err := s.command("log", "checkpoint")
	path = filepath.Join(s.t.TempDir(), "checkpoint")
	if err == nil {
		err = os.WriteFile(path, []byte(text), 0o600)
	}
	if err != nil {
		s.t.Fatal(err)
	}
	return path
}

// tamper alters a picture of a case, and sees that it is found.
func (s *street) tamper(c enforce.Case) {
	s.t.Helper()
	due, _ := c.Violation.Evidence.File(enforce.SceneDue)
	path, content := s.file(due.SHA256)
	content[len(content)/2] ^= 1
	if err := os.Chmod(path, 0o600); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o600); err != nil {
		s.t.Fatal(err)
	}
	out, err := s.command("verify", "--case="+c.ID)
	want := "WRONG case " + c.ID + ": files/" + due.SHA256[:2] + "/" + due.SHA256 + ": the scene_due has SHA-256"
	if err == nil || !strings.Contains(out, want) {
		s.t.Errorf("verify after tampering: %v\n%s\nwant %s", err, out, want)
	}
}

// checkPackage checks an exported package with nothing but the public key, and
// sees that an alteration of it is found.
func (s *street) checkPackage(dir string) {
	s.t.Helper()
	public := filepath.Join(s.t.TempDir(), "public.keys")
	text, err := s.command("log", "keys")
	if err == nil {
		err = os.WriteFile(public, []byte(text), 0o600)
	}
	if err != nil {
		s.t.Fatal(err)
	}
	check := func() (string, error) {
		out, err := exec.Command(program("tidewatch-verify"), "--keys="+public, dir).CombinedOutput()
		return string(out), err
	}
	if out, err := check(); err != nil || !strings.Contains(out, "wrong: 0,") {
		s.t.Errorf("verify the package: %v\n%s", err, out)
	}
	picture := filepath.Join(dir, "scene_due.jpg")
	whole, err := os.ReadFile(picture)
	if err == nil {
		err = os.WriteFile(picture, append(whole, 0), 0o600)
	}
	if err != nil {
		s.t.Fatal(err)
	}
	if out, err := check(); err == nil || !strings.Contains(out, "scene_due.jpg: the scene_due has SHA-256") {
		s.t.Errorf("verify the altered package: %v\n%s", err, out)
	}
	if err := os.WriteFile(picture, whole, 0o600); err != nil {
		s.t.Fatal(err)
	}
}
