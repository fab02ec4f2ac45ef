// Package words puts rules and verdicts into words that an officer, a driver
// and a court understand, and a camera's troubles into those of whoever looks
// after it, in Chinese and English. The officers' pages, the command line, the
// log and the public page all take them from here, so that they never say
// different things.
package words

import (
	"embed"
	"encoding/json"
	"fmt"
	"strings"
)

// Language is one of the languages, as the lang attribute writes it.
type Language string

// The languages that everything can be said in.
const (
	Chinese Language = "zh-CN"
	English Language = "en"
)

//go:embed text/*.json
var files embed.FS

// Catalog is texts in one language, by key. A text may hold {names} that are
// replaced when it is said.
type Catalog map[string]string

var catalogs = map[Language]Catalog{
	Chinese: load("text/zh.json", "text/camera_zh.json"),
	English: load("text/en.json", "text/camera_en.json"),
}

func load(names ...string) Catalog {
	c := Catalog{}
	for _, file := range names {
		data, err := files.ReadFile(file)
		if err != nil {
			panic(err) // part of the binary
		}
		if err := json.Unmarshal(data, &c); err != nil {
			panic(fmt.Errorf("read %s: %w", file, err))
		}
	}
	return c
}

// In is the texts in a language. They must not be changed.
func In(l Language) Catalog { return catalogs[l] }

// Text is the text of a key; pairs are names and what replaces them.
func (c Catalog) Text(key string, pairs ...any) (string, error) {
	text, ok := c[key]
	if !ok {
		return "", fmt.Errorf("text %q: not in the catalog", key)
	}
	if len(pairs)%2 != 0 {
		return "", fmt.Errorf("text %q: a name without a value", key)
	}
	named := make([]string, len(pairs))
	for i := 0; i < len(pairs); i += 2 {
		named[i], named[i+1] = fmt.Sprintf("{%v}", pairs[i]), fmt.Sprint(pairs[i+1])
	}
	return strings.NewReplacer(named...).Replace(text), nil
}

// Say is text for keys that are made of data: a code that a newer version has
// written is said as it is.
func (c Catalog) Say(prefix, code string, pairs ...any) string {
	text, err := c.Text(prefix+"."+code, pairs...)
	if err != nil {
		return code
	}
	return text
}
