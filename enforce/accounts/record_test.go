package accounts

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRecordGoesOn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sign-ins.jsonl")
	if err := os.WriteFile(path, []byte(`{"time":`), 0o644); err != nil { // as a power cut leaves it
		t.Fatal(err)
	}
	record, err := OpenRecord(path)
	if err != nil {
		t.Fatal(err)
	}
	record.write(entry{Name: "li", Outcome: signedIn})
	if err := record.Close(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	lines := strings.Split(string(text), "\n")
	if err != nil || len(lines) != 3 || lines[0] != `{"time":` || !strings.Contains(lines[1], `"name":"li"`) {
		t.Errorf("%q, %v", lines, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v: others can read it", info.Mode(), err)
	}
}

func TestRecordIsPutAside(t *testing.T) {
	folder := t.TempDir()
	record, err := OpenRecord(filepath.Join(folder, "sign-ins.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	for n := range recordFiles + 3 {
		record.size = recordBytes // as if so much were in it
		record.write(entry{Name: fmt.Sprint("n", n), Outcome: wrong})
	}
	if err := record.Close(); err != nil {
		t.Fatal(err)
	}
	for n := range recordFiles + 1 {
		text, err := os.ReadFile(record.aside(n))
		if want := fmt.Sprintf(`"name":"n%d"`, recordFiles+2-n); err != nil || !bytes.Contains(text, []byte(want)) {
			t.Errorf("file %d: %s, %v; want %s", n, text, err, want)
		}
	}
	if files, err := os.ReadDir(folder); err != nil || len(files) != recordFiles+1 {
		t.Errorf("%d files, %v", len(files), err)
	}
}

func TestRecordSaysThatItCannotWrite(t *testing.T) {
	record, err := OpenRecord(filepath.Join(t.TempDir(), "sign-ins.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	whole := record.file
	if record.file, err = os.Open(record.path); err != nil { // as on a disk that takes nothing
		t.Fatal(err)
	}
	record.write(entry{Name: "li", Outcome: signedIn})
	if err := record.Health(); err == nil || !strings.Contains(err.Error(), "sign-ins are not recorded") {
		t.Errorf("health: %v", err)
	}
	record.file.Close()
	record.file = whole
	record.write(entry{Name: "li", Outcome: signedIn})
	if err := record.Health(); err != nil {
		t.Errorf("health once it writes again: %v", err)
	}
	if err := record.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestPrintable(t *testing.T) {
	for given, want := range map[string]string{
		"": "", "officer": "officer", "李 明": "李 明", "a\x00b": "a�b", "\u202eevil": "�evil", "\xff": "�", "a\u200bb": "a�b",
		strings.Repeat("长", 70): strings.Repeat("长", 63) + "…",
	} {
		if got := printable(given); got != want {
			t.Errorf("%q becomes %q, want %q", given, got, want)
		}
	}
}
