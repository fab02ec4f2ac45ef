package config

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
)

// said is what is said of one place in a file.
type said struct {
	line int
	text string // with the file's name and the line
}

// report is what is said of one file: mistakes, with which nothing runs,
// warnings of what may be meant and yet harms, and notes.
type report struct {
	name string
	tree *ast.File

	mistakes []said
	misdrawn []said // mistakes of where areas lie, which a drawing shows
	warnings []said
	notes    []said
	excused  []string // paths of which enough has been said
}

// wrong notes a mistake at a path; an empty one stands for the whole file.
// Nothing more is said of a path from which the first mistake keeps the truth.
func (r *report) wrong(path, format string, args ...any) {
	if !r.isExcused(path) {
		r.mistakes = append(r.mistakes, r.at(path, format, args...))
	}
}

// astray notes a mistake of where an area lies.
func (r *report) astray(path, format string, args ...any) {
	if !r.isExcused(path) {
		r.misdrawn = append(r.misdrawn, r.at(path, format, args...))
	}
}

// doubt notes what may be meant, and why it may not.
func (r *report) doubt(path, format string, args ...any) {
	if !r.isExcused(path) {
		r.warnings = append(r.warnings, r.at(path, format, args...))
	}
}

// note notes what is only to be known.
func (r *report) note(path, format string, args ...any) {
	r.notes = append(r.notes, r.at(path, format, args...))
}

// misread notes a mistake of how a field is written, after which what was read
// of it means nothing.
func (r *report) misread(path, format string, args ...any) {
	r.wrong(path, format, args...)
	r.excuse(path)
}

// excuse keeps what follows from a mistake from being said as another one.
func (r *report) excuse(path string) { r.excused = append(r.excused, path) }

// isExcused reports whether enough is said of a path. A path with [] stands for
// every entry of its lists.
func (r *report) isExcused(path string) bool {
	every := entryForm.ReplaceAllString(path, "[]")
	return slices.ContainsFunc(r.excused, func(of string) bool { return within(path, of) || within(every, of) })
}

var entryForm = regexp.MustCompile(`\[\d+\]`)

// isPartial reports whether a list lacks something that could not be read, or
// the name of it: then who refers to it may be right.
func (r *report) isPartial(list string) bool {
	return slices.ContainsFunc(r.excused, func(of string) bool {
		item, inside := strings.CutPrefix(of, list+"[")
		_, field, ofField := strings.Cut(item, "].")
		return within(list, of) || inside && (!ofField || field == "id")
	})
}

// within reports whether a path is another or lies in it.
func within(path, of string) bool {
	rest, found := strings.CutPrefix(path, of)
	return found && (rest == "" || of == "" || rest[0] == '.' || rest[0] == '[')
}

func (r *report) at(path, format string, args ...any) said {
	text := fmt.Sprintf(format, args...)
	if path != "" {
		text = path + ": " + text
	}
	n := line(r.tree, path)
	return said{n, fmt.Sprintf("%s: %s", place(r.name, n), text)}
}

// onLine is what is said of a line, of which no path is known.
func (r *report) onLine(n int, format string, args ...any) said {
	return said{n, fmt.Sprintf("%s: %s", place(r.name, n), fmt.Sprintf(format, args...))}
}

func place(name string, line int) string {
	if line == 0 {
		return name
	}
	return fmt.Sprintf("%s:%d", name, line)
}

// failure joins mistakes in the order of the file; nil without any.
func failure(mistakes ...[]said) error {
	var errs []error
	for _, each := range inOrder(slices.Concat(mistakes...)) {
		errs = append(errs, errors.New(each))
	}
	return errors.Join(errs...)
}

// inOrder are the texts in the order of the file, each once.
func inOrder(all []said) []string {
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(a, b said) int { return cmp.Compare(a.line, b.line) })
	var texts []string
	for _, each := range all {
		if !slices.Contains(texts, each.text) {
			texts = append(texts, each.text)
		}
	}
	return texts
}

// line finds the line of a path such as cameras[3].url, or of the nearest
// parent that is written down; 0 if the file is empty.
func line(tree *ast.File, path string) int {
	for path != "" {
		p, err := yaml.PathString("$." + path)
		if err == nil {
			if node, err := p.FilterFile(tree); err == nil && node != nil {
				return node.GetToken().Position.Line
			}
		}
		path = parent(path)
	}
	return 0
}

func parent(path string) string {
	for i := len(path) - 1; i >= 0; i-- {
		if path[i] == '.' || path[i] == '[' {
			return path[:i]
		}
	}
	return ""
}
