package config

import (
	"maps"
	"reflect"
	"slices"
	"strings"
)

// near finds the name that was meant by another one: the same but for how words
// are joined, the beginning of it, or a slip or two away.
func near(name string, known []string) (meant string, found bool) {
	best := 1 + min(2, len(name)/3)
	for _, each := range known {
		far := slips(plainly(name), plainly(each))
		if begun := len(name) >= 3 && (strings.HasPrefix(each, name) || strings.HasPrefix(name, each) && len(each) >= 3); begun {
			far = min(far, 2)
			best = max(best, 3)
		}
		if far < best {
			best, meant = far, each
		}
	}
	return meant, meant != ""
}

// plainly is a name however its words are joined: device_id, deviceId.
func plainly(name string) string {
	return strings.ToLower(strings.NewReplacer("_", "", "-", "", " ", "").Replace(name))
}

// slips is how many letters must be put in, left out, changed or exchanged with
// the next to make one name of another.
func slips(a, b string) int {
	before, last := []int(nil), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row := make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			changed := last[j-1]
			if a[i-1] != b[j-1] {
				changed++
			}
			row[j] = min(changed, last[j]+1, row[j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last = last, row
	}
	return last[len(b)]
}

// fieldsOf collects a type's fields by their names in YAML.
func fieldsOf(t reflect.Type) map[string]reflect.Type {
	known := map[string]reflect.Type{}
	for i := range t.NumField() {
		field := t.Field(i)
		name, options, _ := strings.Cut(field.Tag.Get("yaml"), ",")
		if options == "inline" {
			maps.Copy(known, fieldsOf(field.Type))
		} else {
			known[name] = field.Type
		}
	}
	return known
}

// homes collects where fields stand in a type, by their names: the paths of the
// parts that have them, with [] for lists.
func homes(t reflect.Type, path string, found map[string][]string) {
	switch t.Kind() {
	case reflect.Pointer:
		homes(t.Elem(), path, found)
	case reflect.Slice:
		homes(t.Elem(), path+"[]", found)
	case reflect.Struct:
		fields := fieldsOf(t)
		for _, name := range slices.Sorted(maps.Keys(fields)) {
			found[name] = append(found[name], path)
			homes(fields[name], strings.TrimPrefix(path+"."+name, "."), found)
		}
	}
}
