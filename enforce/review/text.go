package review

import (
	"embed"
	"encoding/json"
	"fmt"
	"maps"

	"tidewatch/enforce/words"
)

//go:embed text/*.json
var textFiles embed.FS

// catalog is every text of the pages in one language, by key. A text may hold
// {names} that are replaced when it is shown.
type catalog map[string]string

var catalogs = map[lang]catalog{
	chinese: loadCatalog("text/zh.json", words.In(words.Chinese)),
	english: loadCatalog("text/en.json", words.In(words.English)),
}

// loadCatalog adds the texts of the pages to those of rules and verdicts.
func loadCatalog(file string, rules words.Catalog) catalog {
	data, err := textFiles.ReadFile(file)
	if err != nil {
		panic(err) // part of the binary
	}
	c := catalog(maps.Clone(rules))
	if err := json.Unmarshal(data, &c); err != nil {
		panic(fmt.Errorf("read %s: %w", file, err))
	}
	return c
}

// text is the text of a key; pairs are names and what replaces them.
func (c catalog) text(key string, pairs ...any) (string, error) {
	return words.Catalog(c).Text(key, pairs...)
}
