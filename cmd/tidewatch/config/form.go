package config

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"golang.org/x/text/unicode/norm"

	"tidewatch/enforce/written"
)

// The kinds of text in the file. Any other is for programs: it has no
// character in full width.
type (
	title    string // what people read: kept in the composed form of its characters (NFC)
	fileName string // as the file system writes it
	zoneName string // of a time zone
)

// How long texts are at most, in characters.
const mostTitle, mostText = 200, 2000

// mostNodes bounds what a file can unfold to by its anchors.
const mostNodes = 1_000_000

// read reads the text into a struct of the file's form. What is not of that
// form is noted as mistakes and read as nothing; the error says what cannot be
// read at all.
func (r *report) read(text []byte, into any) (err error) {
	// The YAML library panics on some texts that are hardly YAML.
	defer func() {
		if trouble := recover(); trouble != nil {
			err = fmt.Errorf("%s: is not YAML that can be read; is a value indented or quoted wrongly?", r.name)
		}
	}()
	if text, err = written.Text(r.name, text); err != nil {
		return err
	}
	f := form{report: r, homes: map[string][]string{}, anchors: map[string]ast.Node{}}
	t := reflect.TypeOf(into).Elem()
	homes(t, "", f.homes)
	known := map[string]bool{}
	for name := range f.homes {
		known[name] = true
	}
	text, readable := r.mend(text, known)
	if !readable {
		return failure(r.mistakes)
	}
	if r.tree, err = parser.ParseBytes(text, 0); err != nil {
		return errors.Join(failure(r.mistakes), r.syntax(text, err))
	}
	docs := r.tree.Docs
	if len(docs) > 1 {
		r.wrong("", "holds more than one document, separated by ---")
	}
	if len(docs) == 0 || docs[0].Body == nil {
		return nil
	}
	if !f.check(docs[0].Body, t, "") {
		return failure(r.mistakes)
	}
	if err := yaml.NodeToValue(docs[0].Body, into); err != nil {
		return errors.Join(failure(r.mistakes), r.syntax(text, err))
	}
	compose(reflect.ValueOf(into))
	return nil
}

// form holds the YAML against the types that it will be read into.
type form struct {
	*report
	homes   map[string][]string // where each field stands
	anchors map[string]ast.Node // by their names, once they are complete
	nodes   int
}

// check notes unknown fields and values of the wrong kind. It reports whether
// the part can be read; what cannot be within it is made empty.
func (f *form) check(node ast.Node, t reflect.Type, path string) bool {
	if f.nodes++; f.nodes > mostNodes {
		panic("it unfolds to too much") // said as YAML that cannot be read
	}
	switch n := node.(type) {
	case nil, *ast.NullNode:
		return true
	case *ast.AnchorNode:
		readable := f.check(n.Value, t, path)
		f.anchors[n.Name.GetToken().Value] = n.Value
		return readable
	case *ast.AliasNode:
		return f.check(f.anchors[n.Value.GetToken().Value], t, path)
	case *ast.TagNode:
		return f.check(n.Value, t, path)
	}
	switch t.Kind() {
	case reflect.Pointer:
		return f.check(node, t.Elem(), path)
	case reflect.Struct:
		if fields, ok := node.(ast.MapNode); ok {
			return f.fields(fields, t, path)
		}
		return f.wants(node, path, "fields, each on a line of its own: NAME: VALUE")
	case reflect.Slice:
		if items, ok := node.(*ast.SequenceNode); ok {
			return f.items(items, t, path)
		}
		return f.wants(node, path, listForm(node, t))
	case reflect.Bool:
		if node.Type() != ast.BoolType {
			return f.wants(node, path, "true or false")
		}
	case reflect.Float64:
		if node.Type() != ast.FloatType && node.Type() != ast.IntegerType {
			return f.wants(node, path, "a number")
		}
	default: // text, as which any single value can be read
		value, ok := node.(ast.ScalarNode)
		if !ok {
			return f.wants(node, path, "a single value")
		}
		f.text(value, t, path)
	}
	return true
}

// listForm says how a list is written where something else stands.
func listForm(node ast.Node, t reflect.Type) string {
	if _, fields := node.(ast.MapNode); fields && t.Elem().Kind() == reflect.Struct {
		return "a list: begin each entry with a dash, as in \"- id: NAME\", and indent its other fields under id"
	}
	return "a list: [A, B], or lines that begin with a dash"
}

// wants notes a value of the wrong kind.
func (f *form) wants(node ast.Node, path, what string) bool {
	if value, ok := node.(ast.ScalarNode); ok {
		if says, wide := wideIn(fmt.Sprint(value.GetValue())); wide {
			f.misread(path, "%s", says)
			return false
		}
	}
	f.misread(path, "want %s", what)
	return false
}

// items checks a list's entries.
func (f *form) items(node *ast.SequenceNode, t reflect.Type, path string) bool {
	for i, item := range node.Values {
		if !f.check(item, t.Elem(), fmt.Sprintf("%s[%d]", path, i)) {
			node.Values[i] = ast.Null(item.GetToken())
		}
	}
	return true
}

// fields holds the fields of a mapping against those of a type.
func (f *form) fields(node ast.MapNode, t reflect.Type, path string) bool {
	known, given := fieldsOf(t), map[string]bool{}
	for pair := node.MapRange(); pair.Next(); {
		given[pair.Key().GetToken().Value] = true
	}
	if given["<<"] {
		f.misread(path, "takes fields from elsewhere (<<): write them out")
		return false
	}
	for pair := node.MapRange(); pair.Next(); {
		name := pair.Key().GetToken().Value
		if _, ok := known[name]; !ok {
			meant := f.unknown(path, name, known)
			if meant == "" || given[meant] || !rename(pair.Key(), meant) {
				continue
			}
			name, given[meant] = meant, true
		}
		if !f.check(pair.Value(), known[name], strings.TrimPrefix(path+"."+name, ".")) {
			pair.KeyValue().Value = ast.Null(pair.Value().GetToken())
		}
	}
	return true
}

// rename writes a field as it was meant, so that what is in it is read.
func rename(key ast.MapKeyNode, meant string) bool {
	name, ok := key.(*ast.StringNode)
	if ok {
		name.Value, name.Token.Value = meant, meant
	}
	return ok
}

// secretNames are fields that a password is looked for in.
var secretNames = []string{"password", "passwd", "passphrase", "pass", "pwd", "secret", "token", "key", "signing_key"}

// unknown says what may have been meant by a field that there is not, and
// returns its name if that is plain. What was meant is not missed as well.
func (f *form) unknown(path, name string, known map[string]reflect.Type) (meant string) {
	inside := strings.TrimPrefix(path+"."+name, ".")
	names := slices.Sorted(maps.Keys(known))
	for _, secret := range names {
		if bare, of := strings.CutSuffix(secret, "_env"); of && slices.Contains(secretNames, strings.ToLower(name)) {
			f.misread(inside, "unknown field: a secret does not stand in this file; name its environment variable with %s_env, or its file with %s_file", bare, bare)
			return ""
		}
	}
	if meant, found := near(name, names); found {
		f.wrong(inside, "unknown field; did you mean %s?", meant)
		return meant
	}
	if homes := f.homes[name]; len(homes) > 0 {
		f.misread(inside, "unknown field here: it stands in %s; is it indented wrongly?", homeNames(homes))
		for _, home := range homes {
			f.excuse(strings.TrimPrefix(home+"."+name, "."))
		}
		return ""
	}
	f.misread(inside, "unknown field")
	return ""
}

// homeNames are the places of a field for people.
func homeNames(paths []string) string {
	named := make([]string, len(paths))
	for i, path := range paths {
		if named[i] = path; path == "" {
			named[i] = "the file itself"
		}
	}
	return strings.Join(named, ", ")
}

// text checks how a text is written, before what it says is.
func (f *form) text(node ast.ScalarNode, t reflect.Type, path string) {
	token := node.GetToken()
	value := fmt.Sprint(node.GetValue())
	if literal, ok := node.(*ast.LiteralNode); ok {
		value = literal.Value.Value
	}
	most := mostText
	if t == reflect.TypeFor[title]() {
		most = mostTitle
	}
	says, wrong := written.Line(value, most)
	wideSays, wide := wideIn(value)
	switch {
	case wrong:
		f.misread(path, "%s", says)
	case node.Type() == ast.IntegerType && value != token.Value:
		f.misread(path, "%s is read as the number %s: put it in quotes, \"%s\"", token.Value, value, token.Value)
	case t == reflect.TypeFor[title]() && strings.TrimSpace(value) != value:
		f.misread(path, "%q: begins or ends with a blank", value)
	case t == reflect.TypeFor[zoneName]() && value == "":
		f.misread(path, "is empty: want an IANA name such as Asia/Shanghai")
	case wide && t != reflect.TypeFor[title]() && t != reflect.TypeFor[fileName]():
		f.misread(path, "%s", wideSays)
	}
}

// compose brings every title into the composed form of its characters, so that
// what looks the same is the same number of an announcement.
func compose(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			compose(v.Elem())
		}
	case reflect.Slice:
		for i := range v.Len() {
			compose(v.Index(i))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			compose(v.Field(i))
		}
	case reflect.String:
		if v.Type() == reflect.TypeFor[title]() {
			v.SetString(norm.NFC.String(v.String()))
		}
	}
}
