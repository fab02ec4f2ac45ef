package viid

import (
	"bytes"
	"strings"
	"testing"
)

const sentID = "510100000011900000070220260317211905123450254321"

func TestParseAnswer(t *testing.T) {
	list := func(statuses string) string {
		return `{"ResponseStatusListObject":{"ResponseStatusObject":` + statuses + `}}`
	}
	tests := map[string]struct {
		body string
		want string // code, or "unclear"
	}{
		"number":                   {list(`[{"Id":"` + sentID + `","StatusCode":0}]`), "0"},
		"text":                     {list(`[{"Id":"` + sentID + `","StatusCode":" 0 "}]`), "0"},
		"null id":                  {list(`[{"Id":null,"RequestURL":null,"StatusCode":0}]`), "0"},
		"no id":                    {list(`[{"StatusCode":0,"LocalTime":1773752645000}]`), "0"},
		"list of one, not in list": {list(`{"StatusCode":"0"}`), "0"},
		"single":                   {`{"ResponseStatusObject":{"StatusCode":0}}`, "0"},
		"single in a list":         {`{"ResponseStatusObject":[{"StatusCode":0}]}`, "0"},
		"refused":                  {list(`[{"StatusCode":8}]`), "8"},
		"ours among others":        {list(`[{"Id":"1","StatusCode":8},{"Id":"` + sentID + `","StatusCode":0}]`), "0"},
		"ours before the nameless": {list(`[{"StatusCode":0},{"Id":"` + sentID + `","StatusCode":2}]`), "2"},
		"ours, not the nameless":   {list(`[{"StatusCode":8},{"Id":"` + sentID + `","StatusCode":0}]`), "0"},
		"one bad of two":           {list(`[{"StatusCode":0},{"StatusCode":3}]`), "3"},
		"no code":                  {list(`[{"Id":"` + sentID + `"}]`), ""},
		"null code":                {list(`[{"StatusCode":null}]`), ""},
		"null status":              {list(`[null]`), ""},
		"zero-like":                {list(`[{"StatusCode":0.0}]`), "0.0"},
		"boolean code":             {list(`[{"StatusCode":false}]`), "unclear"},
		"another's":                {list(`[{"Id":"1","StatusCode":0}]`), "unclear"},
		"empty list":               {list(`[]`), "unclear"},
		"null list":                {list(`null`), "unclear"},
		"list of text":             {list(`["ok"]`), "unclear"},
		"msg and code":             {`{"msg":"ok","code":0}`, "unclear"},
		"spring":                   {`{"timestamp":1773752645000,"status":500,"error":"Internal Server Error"}`, "unclear"},
		"array":                    {`[]`, "unclear"},
		"null":                     {`null`, "unclear"},
		"nothing":                  {``, "unclear"},
		"cut off":                  {list(`[{"StatusCode":0}`), "unclear"},
		"two documents":            {list(`[{"StatusCode":0}]`) + `{}`, "unclear"},
		"deep":                     {strings.Repeat(`{"ResponseStatusObject":`, 20000), "unclear"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			found, err := parseAnswer([]byte(test.body))
			got := status{Code: "unclear"}
			if err == nil {
				if s, err := found.about(sentID); err == nil {
					got = s
				}
			}
			if string(got.Code) != test.want {
				t.Errorf("code %q, want %q", got.Code, test.want)
			}
		})
	}
}

func TestMessageIsShortAndOnOneLine(t *testing.T) {
	got := status{Text: text("坏\r\n\x1b[31m图片\t" + strings.Repeat("长", 1000))}.message()
	if strings.ContainsAny(got, "\r\n\t\x1b") || len([]rune(got)) > maxStatusMessage+1 || !strings.HasPrefix(got, "坏 [31m图片 长") {
		t.Errorf("message %q", got)
	}
}

func FuzzParseAnswer(f *testing.F) {
	for _, seed := range []string{
		`{"ResponseStatusListObject":{"ResponseStatusObject":[{"Id":"` + sentID + `","StatusCode":0,"StatusString":"OK"}]}}`,
		`{"ResponseStatusObject":{"Id":null,"StatusCode":"0","LocalTime":1773752645000}}`,
		`{"msg":"川A12345","code":500}`, `[null]`, `{"ResponseStatusObject":[null,{}]}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		found, err := parseAnswer(body)
		if err != nil {
			if len(found) > 0 || len(err.Error()) > 100 {
				t.Errorf("%d statuses and error %v", len(found), err)
			}
			return
		}
		s, err := found.about(sentID)
		if err != nil {
			return
		}
		if s.Code == codeOK && (!bytes.Contains(bytes.ToLower(body), []byte("status")) || s.ID != "" && s.ID != sentID) {
			t.Errorf("success out of %q", body)
		}
		if strings.ContainsAny(s.message(), "\n\r") {
			t.Errorf("message of several lines out of %q", body)
		}
	})
}
