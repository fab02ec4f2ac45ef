package config

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/goccy/go-yaml"
)

// syntax is what the parser says, with the line where it knows it.
func (r *report) syntax(text []byte, err error) error {
	var withToken yaml.Error
	if !errors.As(err, &withToken) || withToken.GetToken() == nil {
		return fmt.Errorf("%s: %w", r.name, err)
	}
	n := withToken.GetToken().Position.Line
	says, hint := plainWords(withToken.GetMessage()), ""
	if lines := strings.Split(string(text), "\n"); n >= 1 && n <= len(lines) {
		code, _ := splitRemark(lines[n-1])
		if wideSays, wide := wideIn(code); wide {
			hint = "; the line " + wideSays
		}
	}
	return errors.New(r.onLine(n, "%s%s", says, hint).text)
}

// parserWords are what the parser says of common mistakes, and what it means.
var parserWords = []struct {
	form  *regexp.Regexp
	means string
}{
	{regexp.MustCompile(`^sequence end token '\]' not found|^',' or '\]' must be specified`), "a list that begins with [ does not go on with a comma, or end with ]"},
	{regexp.MustCompile(`flow mapping end token '}'|^',' or '}' must be specified`), "fields that begin with { do not go on with a comma, or end with }"},
	{regexp.MustCompile(`^could not find end character of`), "a quote is not closed"},
	{regexp.MustCompile(`^mapping key "(.*)" already defined at \[(\d+):\d+\]`), "$1: already given on line $2"},
	{regexp.MustCompile(`^mapping value is not allowed|^value is not allowed|^unexpected key name|^non-map value is specified`), "is indented otherwise than what is around it, " +
		"holds a second colon, or a quote is not closed; a text with a colon stands in quotes"},
}

func plainWords(said string) string {
	for _, each := range parserWords {
		if at := each.form.FindStringSubmatchIndex(said); at != nil {
			return string(each.form.ExpandString(nil, each.means, said, at))
		}
	}
	return said
}
