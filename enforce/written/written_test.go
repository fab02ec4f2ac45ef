package written

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"
)

func encoded(t *testing.T, e interface {
	Bytes([]byte) ([]byte, error)
}, text string,
) string {
	t.Helper()
	out, err := e.Bytes([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func TestText(t *testing.T) {
	const street = "place: road\nname: 成华区建设路东门\n"
	for name, test := range map[string]struct{ text, want, mistake string }{
		"plain":                {street, street, ""},
		"empty":                {"", "", ""},
		"with a mark":          {"\ufeff" + street, street, ""},
		"ends of lines":        {"a\r\n\tb\n", "a\r\n\tb\n", ""},
		"GBK":                  {encoded(t, simplifiedchinese.GBK.NewEncoder(), street), "", "f:2: is not UTF-8: save it as UTF-8; it looks like GBK or GB18030"},
		"GB18030":              {encoded(t, simplifiedchinese.GB18030.NewEncoder(), street+"𠀀"), "", "f:2: is not UTF-8: save it as UTF-8; it looks like GBK or GB18030"},
		"UTF-16 with a mark":   {encoded(t, unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder(), street), "", "f:1: is not UTF-8: save it as UTF-8; it looks like UTF-16"},
		"UTF-16, big":          {encoded(t, unicode.UTF16(unicode.BigEndian, unicode.UseBOM).NewEncoder(), "成华区"), "", "f:1: is not UTF-8: save it as UTF-8; it looks like UTF-16"},
		"UTF-16 without":       {encoded(t, unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM).NewEncoder(), street), "", "f:1: is not UTF-8: save it as UTF-8; it looks like UTF-16"},
		"something else":       {"a\n\n\xff\xff", "", "f:3: is not UTF-8: save it as UTF-8"},
		"cut in a character":   {street[:len(street)-3], "", "f:2: is not UTF-8: save it as UTF-8"},
		"lost characters":      {"a\n\ufffd", "", "f:2: holds U+FFFD, which stands for a character that was lost; write it again"},
		"a control character":  {"a\x1b[2J", "", "f:1: holds U+001B, a control character; remove it"},
		"a zero":               {"a very long line\x00", "", "f:1: holds U+0000, a control character; remove it"},
		"a direction":          {"川A\u202e", "", "f:1: holds U+202E, which cannot be seen; remove it"},
		"no width":             {"a\u200bb", "", "f:1: holds U+200B, which cannot be seen; remove it"},
		"a mark within":        {"a\ufeffb", "", "f:1: holds U+FEFF, which cannot be seen; remove it"},
		"a variation":          {"葛\U000e0100", "", "f:1: holds U+E0100, which cannot be seen; remove it"},
		"a filler":             {"a\u3164", "", "f:1: holds U+3164, which cannot be seen; remove it"},
		"a blank that is none": {"a\u00a0b", "", "f:1: holds U+00A0, which only looks like a blank; type a blank"},
		"the end of a line":    {"a\u2028b", "", "f:1: holds U+2028, which cannot be seen; remove it"},
		"private":              {"\ue000", "", "f:1: holds U+E000, which shows as something else on every machine; write another"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Text("f", []byte(test.text))
			said := ""
			if err != nil {
				said = err.Error()
			}
			if string(got) != test.want || said != test.mistake {
				t.Errorf("got %q, %q\nwant %q, %q", got, said, test.want, test.mistake)
			}
		})
	}
}

func TestLine(t *testing.T) {
	for text, want := range map[string]string{
		"建设路　东门 2号（北）":           "",
		"":                       "",
		"a\nb":                   "holds U+000A, a control character; remove it",
		"a\tb":                   "holds U+0009, a control character; remove it",
		"\xff":                   "is not UTF-8: save it as UTF-8",
		strings.Repeat("路", 201): "is 201 characters long: at most 200",
		strings.Repeat("路", 200): "",
	} {
		if got, wrong := Line(text, 200); got != want || wrong != (want != "") {
			t.Errorf("%.20q: %q, want %q", text, got, want)
		}
	}
}

func TestShown(t *testing.T) {
	for text, want := range map[string]string{
		" 东门 1 ":                  "东门 1",
		"gate\u0085\nurl: x":      "gate  url: x",
		"a\x00\u202eb\ufffd\xff":  "ab",
		strings.Repeat("路 ", 300): strings.TrimSpace(strings.Repeat("路 ", 100)),
	} {
		got := Shown(text, 200)
		if says, wrong := Line(got, 200); got != want || wrong {
			t.Errorf("%.20q is shown as %q, %s; want %q", text, got, says, want)
		}
	}
}

func TestSecret(t *testing.T) {
	dir := t.TempDir()
	for name, test := range map[string]struct{ text, want, mistake string }{
		"bare":       {"pass word", "pass word", ""},
		"one line":   {"secret\n", "secret", ""},
		"of Windows": {"\ufeffsecret\r\n", "secret", ""},
		"empty":      {"\n", "", "is empty"},
		"two lines":  {"secret\nother\n", "", "holds more than one line"},
		"not UTF-8":  {"secr\xe9t", "", "is not UTF-8"},
		"control":    {"secret\x00", "", "holds U+0000"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(dir, "secret")
			if err := os.WriteFile(path, []byte(test.text), 0o600); err != nil {
				t.Fatal(err)
			}
			got, err := Secret(path)
			if got != test.want || (err == nil) != (test.mistake == "") || err != nil && (!strings.Contains(err.Error(), test.mistake) || strings.Contains(err.Error(), "secr\xe9")) {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
}

// What is no plain file is refused, and does not block.
func TestRead(t *testing.T) {
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	long := filepath.Join(dir, "long")
	if err := os.WriteFile(long, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(long, Most+1); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		filepath.Join(dir, "none"): "no such file",
		dir:                        "is not a file",
		pipe:                       "is not a file",
		"/dev/zero":                "is not a file",
		long:                       "is longer than 32 MiB",
	} {
		if _, err := Read(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", path, err, want)
		}
	}
	if !Exposed(long) || Exposed(pipe) || Exposed(filepath.Join(dir, "none")) {
		t.Error("who can read a file is told wrongly")
	}
}

func FuzzText(f *testing.F) {
	f.Add([]byte("\ufeffname: 东门\n"))
	f.Add([]byte("\xff\xfea\x00"))
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := Text("f", text)
		if err != nil {
			return
		}
		if !utf8.Valid(got) || !bytes.HasSuffix(text, got) || bytes.ContainsAny(got, "\x00\ufffd\u200b") {
			t.Errorf("%q was read as %q", text, got)
		}
	})
}
