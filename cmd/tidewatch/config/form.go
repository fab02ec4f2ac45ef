package config

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// form holds a part of the YAML against the type it will be read into, and
// notes unknown fields and values of the wrong kind. It reports whether the
// part can be read at all, unknown fields left out.
func (r *resolver) form(node ast.Node, t reflect.Type, path string) bool {
	if anchor, ok := node.(*ast.AnchorNode); ok {
		node = anchor.Value
	}
	switch node.(type) {
	case nil, *ast.NullNode, *ast.AliasNode, *ast.TagNode:
		return true // empty, or checked where it stands
	}
	switch t.Kind() {
	case reflect.Pointer:
		return r.form(node, t.Elem(), path)
	case reflect.Struct:
		fields, ok := node.(ast.MapNode)
		if !ok {
			return r.wants(path, "fields, each on a line of its own: NAME: VALUE")
		}
		return r.fields(fields, t, path)
	case reflect.Slice:
		items, ok := node.(*ast.SequenceNode)
		if !ok {
			return r.wants(path, "a list: [A, B], or lines that begin with a dash")
		}
		readable := true
		for i, item := range items.Values {
			readable = r.form(item, t.Elem(), fmt.Sprintf("%s[%d]", path, i)) && readable
		}
		return readable
	case reflect.Bool:
		if node.Type() != ast.BoolType {
			return r.wants(path, "true or false")
		}
	case reflect.Float64:
		if node.Type() != ast.FloatType && node.Type() != ast.IntegerType {
			return r.wants(path, "a number")
		}
	default: // text, as which any single value can be read
		if _, ok := node.(ast.ScalarNode); !ok {
			return r.wants(path, "a single value")
		}
	}
	return true
}

func (r *resolver) wants(path, what string) bool {
	r.wrong(path, "want %s", what)
	return false
}

// fields holds the fields of a mapping against those of a type.
func (r *resolver) fields(node ast.MapNode, t reflect.Type, path string) bool {
	known := map[string]reflect.Type{}
	addFields(known, t)
	readable := true
	for pair := node.MapRange(); pair.Next(); {
		name := pair.Key().GetToken().Value
		inside := strings.TrimPrefix(path+"."+name, ".")
		if field, ok := known[name]; ok {
			readable = r.form(pair.Value(), field, inside) && readable
		} else {
			r.wrong(inside, "unknown field")
		}
	}
	return readable
}

// addFields collects a type's fields by their names in YAML.
func addFields(known map[string]reflect.Type, t reflect.Type) {
	for i := range t.NumField() {
		field := t.Field(i)
		name, options, _ := strings.Cut(field.Tag.Get("yaml"), ",")
		if options == "inline" {
			addFields(known, field.Type)
		} else {
			known[name] = field.Type
		}
	}
}
