package review

import (
	"html/template"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"text/template/parse"

	"github.com/google/go-cmp/cmp"

	"tidewatch/enforce/words"
)

var placeholder = regexp.MustCompile(`\{[a-z]+\}`)

func TestCatalogsAgree(t *testing.T) {
	zh, en := catalogs[chinese], catalogs[english]
	if diff := cmp.Diff(slices.Sorted(maps.Keys(zh)), slices.Sorted(maps.Keys(en))); diff != "" {
		t.Errorf("keys of zh and en differ:\n%s", diff)
	}
	for key, text := range zh {
		names := func(s string) []string { return slices.Sorted(slices.Values(placeholder.FindAllString(s, -1))) }
		if diff := cmp.Diff(names(text), names(en[key])); diff != "" {
			t.Errorf("names in %q differ:\n%s", key, diff)
		}
		if strings.TrimSpace(en[key]) == "" && key != "unit.join" {
			t.Errorf("text %q is empty in English", key)
		}
	}
}

func TestTemplatesUseKnownTexts(t *testing.T) {
	for name, tree := range trees(t) {
		for _, key := range textsOf(tree) {
			if _, known := catalogs[english][key]; !known {
				t.Errorf("%s: text %q is not in the catalog", name, key)
			}
		}
	}
}

// dynamic are the prefixes of keys that are made of data.
var dynamic = regexp.MustCompile(
	`^(state|empty|picture|fact|reject|upload|failure|outcome|event|actor|class|action|ground|exempt|exempt_kind|measure|unit|clock|receipt|error|camera_state|trouble|stream|stream_state|drift|well|condition)\.`)

func TestTextsAreUsed(t *testing.T) {
	var source strings.Builder
	for _, pattern := range []string{"*.go", "html/*.html"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			source.Write(text)
		}
	}
	// A decision's flash is made of its kind.
	made := []string{"decide.confirmed", "decide.rejected", "decide.warned"}
	for key := range catalogs[english] {
		if _, ofRules := words.In(words.English)[key]; ofRules {
			continue
		}
		if !dynamic.MatchString(key) && !slices.Contains(made, key) && !strings.Contains(source.String(), `"`+key+`"`) {
			t.Errorf("text %q is used nowhere", key)
		}
	}
}

func TestTextRefusesWhatItCannotSay(t *testing.T) {
	for name, args := range map[string][]any{
		"unknown key":    {"no.such.key"},
		"name, no value": {"queue.at", "time"},
	} {
		t.Run(name, func(t *testing.T) {
			if text, err := catalogs[english].text(args[0].(string), args[1:]...); err == nil {
				t.Errorf("got %q, want an error", text)
			}
		})
	}
}

// trees are the parsed templates, every define of every file.
func trees(t *testing.T) map[string]*parse.Tree {
	t.Helper()
	files, err := fs.Glob(htmlFiles, "html/*.html")
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]*parse.Tree{}
	for _, file := range files {
		set, err := template.New(file).Funcs(template.FuncMap{"t": func() string { return "" }, "asset": func() string { return "" }}).
			ParseFS(htmlFiles, file)
		if err != nil {
			t.Fatal(err)
		}
		for _, each := range set.Templates() {
			if each.Tree != nil {
				found[file+" "+each.Name()] = each.Tree
			}
		}
	}
	if len(found) < 10 {
		t.Fatalf("only %d templates found", len(found))
	}
	return found
}

var call = regexp.MustCompile(`\bt "([^"]+)"`)

// textsOf are the constant keys that a template asks for.
func textsOf(tree *parse.Tree) []string {
	var keys []string
	for _, found := range call.FindAllStringSubmatch(tree.Root.String(), -1) {
		keys = append(keys, found[1])
	}
	return keys
}
