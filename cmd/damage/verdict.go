package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// outcome is what came of a damage.
type outcome string

const (
	harmless outcome = "harmless" // all is there, and there is nothing to say
	repaired outcome = "repaired" // all is there again, and it was said
	said     outcome = "said"     // something is lost, and it was said
	silent   outcome = "SILENT"   // something is lost, and nothing said it
	crashed  outcome = "CRASHED"  // nobody knows, which counts as silent
)

// verdict is one damage, with what came of it.
type verdict struct {
	number    int
	name, how string
	outcome   outcome
	why       string // what is lost
	words     string // the first that was said
}

// judge compares what is found in a damaged folder with what was in the whole.
func (v *verdict) judge(b *bench, l look, copied string) {
	for _, line := range l.said {
		if !b.usual[plain(line)] {
			v.words = short(line)
			break
		}
	}
	switch {
	case l.crashed != "":
		v.outcome, v.why = crashed, l.crashed
		return
	case l.refused:
		v.outcome = said
		return
	}
	v.why = b.differ(l)
	if v.why == "" && !derived(v.name) && !b.disk.superseded(v.name) {
		v.why = b.altered(v.name, copied)
	}
	switch {
	case v.why == "" && v.words == "":
		v.outcome = harmless
	case v.why == "":
		v.outcome = repaired
	case v.words != "":
		v.outcome = said
	default:
		v.outcome = silent
	}
}

// derived are files whose content is told by what is found: how they hold it is
// their own affair. So are those that say nothing.
func derived(name string) bool {
	base := filepath.Base(name)
	return base == "disk.json" || base == "audit.json" || base == "gcState" || // an estimate, and places: begun anew
		strings.HasPrefix(name, "clickhouse/") || strings.HasPrefix(name, "kafka/") || strings.HasPrefix(name, "stops/") ||
		strings.HasSuffix(base, "lock") || strings.HasSuffix(base, ".sum") || strings.Contains(name, "incoming")
}

// superseded tells whether a file is part of a tile of the log of evidence as it
// was while it was shorter: nobody reads that any more.
func (d *disk) superseded(name string) bool {
	folder := filepath.Dir(name)
	if !strings.HasSuffix(folder, ".p") {
		return false
	}
	size, err := strconv.Atoi(filepath.Base(name))
	entries, _ := os.ReadDir(filepath.Join(d.dir, folder))
	for _, e := range entries {
		if longer, failed := strconv.Atoi(e.Name()); err == nil && failed == nil && longer > size {
			return true
		}
	}
	return false
}

// altered tells whether a file is still not what it was.
func (b *bench) altered(name, copied string) string {
	was, err := os.ReadFile(filepath.Join(b.disk.dir, name))
	if err != nil {
		return err.Error()
	}
	is, err := os.ReadFile(filepath.Join(copied, name))
	switch {
	case err != nil:
		return "the file cannot be read: " + err.Error()
	case !bytes.Equal(was, is):
		return "the file is still damaged"
	}
	return ""
}

// print shows what was silent, and everything if asked to.
func (v verdict) print(all bool) {
	if all || v.outcome == silent || v.outcome == crashed {
		fmt.Printf("%d %s: %s, %s; lost: %s; said: %s\n", v.number, v.outcome, v.name, v.how, v.why, v.words)
	}
}
