package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTally(t *testing.T) {
	for _, tc := range []struct {
		name     string
		accepted []string
		want     tally
	}{
		{"nothing accepted", nil, tally{unread: 1}},
		{"right", []string{"苏E7K392"}, tally{exact: 1}},
		{"wrong", []string{"苏E7K39Z"}, tally{wrong: 1}},
		{"right, and a wrong one beside it", []string{"苏E7K392", "苏E7K39Z"}, tally{wrong: 1}},
	} {
		var got tally
		got.note("苏E7K392", tc.accepted...)
		if got != tc.want {
			t.Errorf("%s: got %+v, want %+v", tc.name, got, tc.want)
		}
	}
}

func TestReadList(t *testing.T) {
	path := filepath.Join(t.TempDir(), "truth.tsv")
	for _, tc := range []struct {
		name, text string
		want       []sample
		bad        bool
	}{
		{"two columns and more", "file\tplate\na.jpg\t苏E7K392\nb.jpg\t粤BD12345\tgreen\t1,2,3,4\n", []sample{{"a.jpg", "苏E7K392", ""}, {"b.jpg", "粤BD12345", "1,2,3,4"}}, false},
		{"headings alone", "file\tplate\n", nil, false},
		{"a column missing", "file\tplate\na.jpg\n", nil, true},
	} {
		if err := os.WriteFile(path, []byte(tc.text), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := readList(path)
		if (err != nil) != tc.bad {
			t.Errorf("%s: error %v", tc.name, err)
		}
		if diff := cmp.Diff(tc.want, got, cmp.AllowUnexported(sample{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.name, diff)
		}
	}
}
