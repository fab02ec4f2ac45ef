package review

import (
	"embed"
	"encoding/json"
	"fmt"
	"strings"
)

//go:embed text/*.json
var textFiles embed.FS

// catalog is every text of the pages in one language, by key. A text may hold
// {names} that are replaced when it is shown.
type catalog map[string]string

var catalogs = map[lang]catalog{
	chinese: loadCatalog("text/zh.json"),
	english: loadCatalog("text/en.json"),
}

func loadCatalog(file string) catalog {
	data, err := textFiles.ReadFile(file)
	if err != nil {
		panic(err) // part of the binary
	}
	var c catalog
	if err := json.Unmarshal(data, &c); err != nil {
		panic(fmt.Errorf("read %s: %w", file, err))
	}
	return c
}

// text is the text of a key; pairs are names and what replaces them.
func (c catalog) text(key string, pairs ...any) (string, error) {
	text, ok := c[key]
	if !ok {
		return "", fmt.Errorf("text %q: not in the catalog", key)
	}
	if len(pairs)%2 != 0 {
		return "", fmt.Errorf("text %q: a name without a value", key)
	}
	for i := 0; i < len(pairs); i += 2 {
		text = strings.ReplaceAll(text, fmt.Sprintf("{%v}", pairs[i]), fmt.Sprint(pairs[i+1]))
	}
	return text, nil
}
