package config

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
)

// lookalike is the character of a keyboard in half width that another one is
// taken for.
func lookalike(r rune) (plain rune, found bool) {
	switch r {
	case '\u3000':
		return ' ', true
	case '“', '”', '„', '「', '」':
		return '"', true
	case '‘', '’':
		return '\'', true
	case '、':
		return ',', true
	case '。':
		return '.', true
	case '【':
		return '[', true
	case '】':
		return ']', true
	case '–', '—', '−':
		return '-', true
	}
	if r >= '！' && r <= '～' {
		return r - '！' + '!', true
	}
	return 0, false
}

// wideIn says which character in full width a text holds, if any.
func wideIn(s string) (says string, found bool) {
	for _, r := range s {
		if r == '\u3000' {
			return "holds a blank in full width (U+3000): type one in half width", true
		}
		if plain, wide := lookalike(r); wide {
			return fmt.Sprintf("holds %q (U+%04X): type %q, with the keyboard in half width", r, r, plain), true
		}
	}
	return "", false
}

// fieldBefore finds the name of a field before something that should be a colon
// and a blank: in full width, or without the blank.
var fieldBefore = regexp.MustCompile(`(^|[\s{,，]|- )([A-Za-z_]+)(：[ \x{3000}]?|:\x{3000}|:)`)

// mend notes what the keyboard's mode does to YAML, and writes it as it was
// meant, so that the rest can be read. It is false where the indentation is not
// known, and nothing can.
func (r *report) mend(text []byte, fields map[string]bool) ([]byte, bool) {
	lines := strings.SplitAfter(string(text), "\n")
	readable, depth := true, 0
	for i, line := range lines {
		code, remark := splitRemark(line)
		if depth = deeper(depth, code); depth > mostDepth {
			r.mistakes = append(r.mistakes, r.onLine(i+1, "opens more brackets than this file has lists: close them"))
			return nil, false
		}
		if indent := code[:len(code)-len(strings.TrimLeftFunc(code, unicode.IsSpace))]; strings.TrimSpace(code) != "" && strings.ContainsAny(indent, "\t\u3000") {
			r.mistakes = append(r.mistakes, r.onLine(i+1, "is indented by a tab or a blank in full width: use blanks, two for each step"))
			readable = false
			continue
		}
		lines[i] = r.mendLine(i+1, code, fields) + remark
	}
	return []byte(strings.Join(lines, "")), readable
}

// mostDepth is of brackets in brackets, with which the parser's memory grows by
// the square.
const mostDepth = 1000

// deeper is how many brackets are open after a line, as far as they can be told
// from those of a text. A field of the file itself begins anew.
func deeper(depth int, code string) int {
	if code != "" && unicode.IsLetter(rune(code[0])) {
		depth = 0
	}
	return depth + strings.Count(code, "[") + strings.Count(code, "{") - strings.Count(code, "]") - strings.Count(code, "}")
}

// splitRemark cuts a line before its remark.
func splitRemark(line string) (code, remark string) {
	quote := rune(0)
	for i, c := range line {
		switch {
		case quote != 0 && c == quote:
			quote = 0
		case quote == 0 && (c == '"' || c == '\''):
			quote = c
		case quote == 0 && c == '#' && (i == 0 || line[i-1] == ' ' || line[i-1] == '\t'):
			return line[:i], line[i:]
		}
	}
	return line, ""
}

// mendLine mends the fields of one line.
func (r *report) mendLine(n int, code string, fields map[string]bool) string {
	var mended strings.Builder
	end := 0
	for _, at := range fieldBefore.FindAllStringSubmatchIndex(code, -1) {
		before, separator, name, colon, after := code[:at[2]], code[at[2]:at[3]], code[at[4]:at[5]], code[at[6]:at[7]], code[at[7]:]
		glued := colon == ":" && strings.Trim(before+separator, " -") == "" && strings.TrimSpace(after) != "" && !unicode.IsSpace(rune(after[0]))
		says, wide := wideIn(separator + colon)
		switch {
		case !fields[name] || !wide && !glued:
			continue
		case wide:
			r.mistakes = append(r.mistakes, r.onLine(n, "%s: %s", name, says))
		default:
			r.mistakes = append(r.mistakes, r.onLine(n, "%s: has no blank after the colon: write %s: VALUE", name, name))
		}
		mended.WriteString(code[end:at[2]] + strings.Replace(separator, "，", ", ", 1) + name + ": ")
		end = at[7]
	}
	return mended.String() + code[end:]
}
