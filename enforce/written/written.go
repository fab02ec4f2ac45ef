// Package written reads what people write into files: settings, lists,
// passwords. Such text is UTF-8, and nothing stands in it that cannot be seen:
// what looks the same is the same, and what is signed is what was meant.
package written

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding/simplifiedchinese"
)

// Most is how long a file is at most, in bytes: longer ones are no settings and
// no list.
const Most = 32 << 20

// Read reads a file whole. What is no plain file, or longer than Most, is
// refused before it can block or fill the memory.
func Read(path string) ([]byte, error) {
	file, err := open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, Most+1))
	if err == nil && len(text) > Most {
		err = fmt.Errorf("%s: is longer than %d MiB", path, Most>>20)
	}
	return text, err
}

// open opens a plain file. Opening a named pipe would wait for its writer, so
// what it is gets asked first.
func open(path string) (*os.File, error) {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: is not a file", path)
	}
	return os.Open(path)
}

// Load is Read and Text.
func Load(path string) ([]byte, error) {
	text, err := Read(path)
	if err != nil {
		return nil, err
	}
	return Text(path, text)
}

// Mistake is what is wrong with a text, on which line.
type Mistake struct {
	Name string // of the file
	Line int    // from 1
	Says string
}

func (m *Mistake) Error() string { return fmt.Sprintf("%s:%d: %s", m.Name, m.Line, m.Says) }

var mark = []byte("\ufeff") // as some editors and spreadsheets begin a file

// Text is a file's text without the mark that it may begin with. The error is a
// Mistake, and repeats nothing of the text.
func Text(name string, text []byte) ([]byte, error) {
	if says, ok := wide(text); ok {
		return nil, &Mistake{name, 1, says}
	}
	text = bytes.TrimPrefix(text, mark)
	for at := 0; at < len(text); {
		r, size := utf8.DecodeRune(text[at:])
		says, wrong := "", false
		switch {
		case r == utf8.RuneError && size == 1:
			says, wrong = notUTF8+guess(text, at), true
		case r != '\t' && r != '\n' && r != '\r':
			says, wrong = Hidden(r)
		}
		if wrong {
			return nil, &Mistake{name, 1 + bytes.Count(text[:at], []byte("\n")), says}
		}
		at += size
	}
	return text, nil
}

const notUTF8 = "is not UTF-8: save it as UTF-8"

// wide finds text in UTF-16, which without its mark is UTF-8 full of zeros.
func wide(text []byte) (says string, found bool) {
	marked := bytes.HasPrefix(text, []byte{0xff, 0xfe}) || bytes.HasPrefix(text, []byte{0xfe, 0xff})
	zeros := bytes.Count(text, []byte{0})
	if marked || zeros > len(text)/8 && len(text)%2 == 0 {
		return notUTF8 + "; it looks like UTF-16", true
	}
	return "", false
}

// guess tells what else a text may be, whose UTF-8 ends at a place. What has
// Chinese in UTF-8 before it was only damaged.
func guess(text []byte, at int) string {
	if bytes.ContainsFunc(text[:at], func(r rune) bool { return r >= 0x800 }) {
		return ""
	}
	read, err := simplifiedchinese.GB18030.NewDecoder().Bytes(text)
	if err == nil && !bytes.ContainsRune(read, utf8.RuneError) && bytes.ContainsFunc(read, func(r rune) bool { return unicode.Is(unicode.Han, r) }) {
		return "; it looks like GBK or GB18030"
	}
	return ""
}

// Hidden says why a character may not stand in a text, if it may not: it cannot
// be seen, is seen as another, or changes how others are seen.
func Hidden(r rune) (says string, found bool) {
	what := ""
	switch {
	case r == utf8.RuneError:
		what = "which stands for a character that was lost; write it again"
	case unicode.Is(unicode.Cc, r):
		what = "a control character; remove it"
	case unicode.Is(unicode.Co, r):
		what = "which shows as something else on every machine; write another"
	case utf16.IsSurrogate(r), unicode.Is(unicode.Noncharacter_Code_Point, r):
		what = "which is no character; remove it"
	case unicode.Is(unicode.Zs, r) && r != ' ' && r != '\u3000':
		what = "which only looks like a blank; type a blank"
	case unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point), r == '\u2800':
		what = "which cannot be seen; remove it"
	default:
		return "", false
	}
	return fmt.Sprintf("holds U+%04X, %s", r, what), true
}

// Line says why a text is not what one line may hold, if it is not.
func Line(s string, most int) (says string, wrong bool) {
	if !utf8.ValidString(s) {
		return notUTF8, true
	}
	for _, r := range s {
		if says, hidden := Hidden(r); hidden {
			return says, true
		}
	}
	if n := utf8.RuneCountInString(s); n > most {
		return fmt.Sprintf("is %d characters long: at most %d", n, most), true
	}
	return "", false
}

// Shown is a text of others as one line: what Line would refuse is left out.
func Shown(s string, most int) string {
	runes := []rune(strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return ' '
		}
		if _, hidden := Hidden(r); hidden {
			return -1
		}
		return r
	}, s))
	return strings.TrimSpace(string(runes[:min(most, len(runes))]))
}

// What is wrong with a file that should hold one line.
var (
	errEmpty = errors.New("is empty")
	errLines = errors.New("holds more than one line")
)

// Secret is the one line that a file holds, without the end of it. The error
// repeats nothing of it.
func Secret(path string) (string, error) {
	text, err := Load(path)
	if err != nil {
		return "", err
	}
	text = bytes.TrimRight(text, "\r\n")
	switch {
	case len(text) == 0:
		return "", fmt.Errorf("%s: %w", path, errEmpty)
	case bytes.ContainsAny(text, "\r\n"):
		return "", fmt.Errorf("%s: %w", path, errLines)
	}
	return string(text), nil
}

// Exposed reports whether everybody on the machine can read a file.
func Exposed(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o004 != 0
}
