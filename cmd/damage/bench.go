package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"tidewatch/cmd/trialrig"
)

// bench is where copies are damaged and looked at.
type bench struct {
	town  *trialrig.Town
	disk  *disk
	dir   string
	whole look            // what is found where nothing is damaged
	usual map[string]bool // what is said then
}

// look is what the program found in a data folder.
type look struct {
	found   map[string]any // what it keeps, by fingerprint
	said    []string       // what it found wrong, by itself or in its log
	refused bool           // it did not start
	crashed string
}

// learn looks at a copy of which nothing is damaged, twice: what it finds must
// be the same.
func (b *bench) learn(ctx context.Context) error {
	for range 2 {
		copied := filepath.Join(b.dir, "whole")
		if err := b.disk.copy(copied); err != nil {
			return err
		}
		seen := b.look(ctx, copied, true)
		if seen.refused || seen.crashed != "" {
			return fmt.Errorf("the whole folder is refused: %v %s", seen.said, seen.crashed)
		}
		if differs := b.differ(seen); b.whole.found != nil && differs != "" {
			return fmt.Errorf("two looks at the whole folder differ: %s", differs)
		}
		if b.usual == nil {
			b.usual = map[string]bool{}
		}
		b.whole = seen
		for _, line := range seen.said {
			b.usual[plain(line)] = true
		}
		if err := os.RemoveAll(copied); err != nil {
			return err
		}
	}
	fmt.Printf("undamaged: %v\n", b.whole)
	return ctx.Err()
}

// String tells how much there is.
func (l look) String() string {
	var parts []string
	for _, name := range sorted(l.found) {
		n := 1
		switch v := l.found[name].(type) {
		case []any:
			n = len(v)
		case map[string]any:
			n = len(v)
		case float64:
			n = int(v)
		}
		parts = append(parts, fmt.Sprintf("%s %d", name, n))
	}
	return strings.Join(parts, ", ")
}

// one does one damage and judges what came of it.
func (b *bench) one(ctx context.Context, n int, r *rand.Rand) verdict {
	copied := filepath.Join(b.dir, fmt.Sprint("copy", n))
	defer os.RemoveAll(copied)
	v := verdict{number: n}
	var err error
	if err = b.disk.copy(copied); err == nil {
		v.name, v.how, err = b.disk.damage(r, copied)
	}
	if err != nil {
		v.outcome, v.why = crashed, "the trial itself failed: "+err.Error()
		return v
	}
	database := strings.HasPrefix(v.name, "clickhouse/") || strings.HasPrefix(v.name, "kafka/")
	v.judge(b, b.look(ctx, copied, database), copied)
	return v
}

// lookTakes is how long a look may take.
const lookTakes = 4 * time.Minute

// look has the program look at a folder.
func (b *bench) look(ctx context.Context, data string, database bool) (l look) {
	config, err := b.town.ConfigFor(data)
	if err != nil {
		return look{crashed: err.Error()}
	}
	defer os.Remove(config)
	ctx, cancel := context.WithTimeout(ctx, lookTakes)
	defer cancel()
	args := []string{"doctor", "--json", "--config=" + config}
	if !database {
		args = append(args, "--without-database")
	}
	cmd := exec.CommandContext(ctx, filepath.Join(b.town.Dir, "bin", "tidewatch"), args...)
	var out, log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &log
	err = cmd.Run()
	for _, mark := range []string{"panic: ", "fatal error: ", "SIG"} {
		if i := strings.Index(log.String(), mark); i >= 0 {
			return look{crashed: short(log.String()[i:])}
		}
	}
	if ctx.Err() != nil {
		return look{crashed: fmt.Sprintf("it took longer than %s: %s", lookTakes, short(log.String()))}
	}
	l.said = complaints(log.String())
	if json.Unmarshal(out.Bytes(), &l.found) != nil {
		l.refused = true
		if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) || exit.ExitCode() < 0 || len(l.said) == 0 {
			l.crashed = fmt.Sprintf("it ended without a word: %v", err)
		}
		return l
	}
	l.said = append(l.said, found(l.found)...)
	return l
}

// complaints are the lines of a log that speak of something wrong.
func complaints(log string) (lines []string) {
	for line := range strings.Lines(log) {
		line = strings.TrimSpace(line)
		if strings.Contains(line, "level=WARN") || strings.Contains(line, "level=ERROR") ||
			strings.HasPrefix(line, "tidewatch: ") && !strings.HasSuffix(line, "something is wrong: see above") {
			lines = append(lines, line)
		}
	}
	return lines
}

// found takes what is wrong out of what was found.
func found(all map[string]any) (lines []string) {
	for _, name := range []string{"system", "findings"} {
		list, _ := all[name].([]any)
		for _, one := range list {
			if finding, ok := one.(map[string]any); ok && finding["wrong"] != false {
				lines = append(lines, fmt.Sprint(name, ": ", finding))
			}
		}
		delete(all, name)
	}
	return lines
}

// changing is what differs from one look to the next.
var changing = regexp.MustCompile(`time=\S+ |[0-9]+|/\S*tidewatch-damage-\S*?/(copy[0-9]*|whole)`)

func plain(line string) string { return changing.ReplaceAllString(line, "#") }

// differ tells what of a look is not as in the whole folder.
func (b *bench) differ(l look) string {
	var parts []string
	for _, name := range sorted(b.whole.found) {
		if name == "stored" && len(asMap(l.found[name])) == 0 {
			continue // it was not looked at
		}
		if was, is := text(b.whole.found[name]), text(l.found[name]); was != is {
			parts = append(parts, fmt.Sprintf("%s: %s", name, difference(b.whole.found[name], l.found[name])))
		}
	}
	return strings.Join(parts, "; ")
}

func asMap(v any) map[string]any {
	m, _ := v.(map[string]any)
	return m
}

func text(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// difference tells which entries are missing, added or other.
func difference(was, is any) string {
	before, after := asMap(was), asMap(is)
	if before == nil {
		return short(text(was) + " was, " + text(is) + " is")
	}
	var lost []string
	for _, id := range sorted(before) {
		if text(before[id]) != text(after[id]) {
			lost = append(lost, id)
		}
	}
	for _, id := range sorted(after) {
		if _, known := before[id]; !known {
			lost = append(lost, "+"+id)
		}
	}
	return short(fmt.Sprintf("%d differ: %s", len(lost), strings.Join(lost, " ")))
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func short(text string) string {
	const enough = 300
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > enough {
		return strings.ToValidUTF8(text[:enough], "") + "…"
	}
	return text
}
