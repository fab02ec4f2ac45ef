package blob

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestDir(t *testing.T) {
	conformance(t, func(t *testing.T) store { return newDir(t, t.TempDir()) })
}

func newDir(t *testing.T, path string) *Dir {
	t.Helper()
	d, err := NewDir(path)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestDirKeepsFilesAndClearsLeftovers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "files")
	d := newDir(t, path)
	if _, _, err := d.Put(t.Context(), strings.NewReader("hello")); err != nil {
		t.Fatal(err)
	}
	leftover := filepath.Join(d.incoming(), "leftover")
	if err := os.WriteFile(leftover, []byte("hel"), 0o600); err != nil {
		t.Fatal(err)
	}
	d = newDir(t, path)
	if got := read(t, d, hello); string(got) != "hello" {
		t.Errorf("read %q", got)
	}
	entries, err := os.ReadDir(d.incoming())
	if err != nil || len(entries) > 0 {
		t.Errorf("left over: %v, %v", entries, err)
	}
	info, err := os.Stat(d.file(hello))
	if err != nil || info.Mode().Perm()&0o222 != 0 {
		t.Errorf("a stored file can be written: %v, %v", info.Mode(), err)
	}
}

func TestVerifySeesAlteration(t *testing.T) {
	d := newDir(t, t.TempDir())
	if _, _, err := d.Put(t.Context(), strings.NewReader("hello")); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(d.file(hello)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(d.file(hello), []byte("hullo"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := d.Verify(t.Context(), hello); !errors.Is(err, ErrCorrupt) {
		t.Errorf("error %v, want %v", err, ErrCorrupt)
	}
}

func TestDirUnwritable(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := NewDir(filepath.Join(file, "files")); err == nil {
		t.Error("a store inside a file")
	}
}

func TestReadingLeavesWhatAnotherProcessIsWriting(t *testing.T) {
	path := filepath.Join(t.TempDir(), "files")
	if _, err := ReadDir(path).Open(t.Context(), hello); !errors.Is(err, ErrNotFound) {
		t.Errorf("a store that is not there: %v", err)
	}
	other, err := NewDir(path)
	if err != nil {
		t.Fatal(err)
	}
	sum, _, err := other.Put(t.Context(), strings.NewReader("hello"))
	if err != nil {
		t.Fatal(err)
	}
	half := filepath.Join(other.incoming(), "half")
	if err := os.WriteFile(half, []byte("hel"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := read(t, ReadDir(path), sum); string(got) != "hello" {
		t.Errorf("read %q", got)
	}
	if _, err := os.Stat(half); err != nil {
		t.Errorf("what was being written: %v", err)
	}
}

func TestPutMendsWhatWasDamaged(t *testing.T) {
	d, err := NewDir(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	put := func() string {
		sum, _, err := d.Put(t.Context(), strings.NewReader("a policy"))
		if err != nil {
			t.Fatal(err)
		}
		return sum
	}
	sum := put()
	if err := errors.Join(os.Chmod(d.file(sum), 0o600), os.WriteFile(d.file(sum), []byte("a poliCy"), 0o600)); err != nil {
		t.Fatal(err)
	}
	if err := d.Verify(t.Context(), sum); !errors.Is(err, ErrCorrupt) {
		t.Fatalf("the damage is not seen: %v", err)
	}
	put()
	if err := d.Verify(t.Context(), sum); err != nil {
		t.Errorf("after it was put again: %v", err)
	}
}
