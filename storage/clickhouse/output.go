package clickhouse

import (
	"bytes"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// output takes what the process prints: into the log, the last lines kept.
type output struct {
	log *slog.Logger

	mu    sync.Mutex
	part  []byte
	lines []string
}

const keptLines = 64

// stackFrame matches lines that mean nothing without the library's symbols.
var stackFrame = regexp.MustCompile(`(^|: )\d+\. \S+ @ 0x|Stack trace: |^\s*$`)

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.part = append(o.part, p...)
	for {
		line, rest, found := bytes.Cut(o.part, []byte("\n"))
		if !found {
			return len(p), nil
		}
		o.part = rest
		o.keep(string(line))
	}
}

func (o *output) keep(line string) {
	if stackFrame.MatchString(line) {
		return
	}
	o.log.Debug("database engine says", "line", line)
	o.lines = append(o.lines, line)
	o.lines = o.lines[max(0, len(o.lines)-keptLines):]
}

// last is the newest line that tells of an error or, without one, the newest.
func (o *output) last() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	lines := append(slices.Clone(o.lines), string(o.part))
	for _, line := range slices.Backward(lines) {
		if strings.Contains(line, "xception: ") {
			return line
		}
	}
	return strings.TrimSpace(strings.Join(lines[max(0, len(lines)-2):], " "))
}
