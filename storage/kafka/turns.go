package kafka

import (
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
)

// turns are the numbers of the spool's events that wait, and the number of the
// next one. They are kept beside the spool's folder, so that an event shows whose
// file, or whose whole folder, has gone.
type turns struct {
	next    uint64
	waiting []stretch // in order
}

// stretch is the numbers from first to last.
type stretch struct{ first, last uint64 }

func turnsPath(dir string) string { return filepath.Clean(dir) + ".turns" }

// add notes that one more waits, behind all others.
func (t *turns) add(turn uint64) {
	if n := len(t.waiting); n > 0 && t.waiting[n-1].last+1 == turn {
		t.waiting[n-1].last = turn
		return
	}
	t.waiting = append(t.waiting, stretch{turn, turn})
}

// readTurns is what is known of a spool's turns; nothing is where the file is
// missing or damaged.
func readTurns(dir string) (turns, error) {
	text, err := os.ReadFile(turnsPath(dir))
	if err != nil {
		return turns{}, ignoreMissing(err)
	}
	return parseTurns(string(text)), nil
}

func parseTurns(text string) (t turns) {
	words := strings.Fields(text)
	if len(words) < 2 {
		return turns{}
	}
	_, _ = fmt.Sscanf(words[0], "%d", &t.next) // whether all was read shows below
	for _, word := range words[1 : len(words)-1] {
		var s stretch
		_, _ = fmt.Sscanf(word, "%d-%d", &s.first, &s.last)
		t.waiting = append(t.waiting, s)
	}
	if t.text() != text {
		return turns{}
	}
	return t
}

// text is how turns are written, with a checksum.
func (t turns) text() string {
	var text strings.Builder
	fmt.Fprintf(&text, "%d", t.next)
	for _, s := range t.waiting {
		fmt.Fprintf(&text, " %d-%d", s.first, s.last)
	}
	return fmt.Sprintf("%s %08x\n", text.String(), crc32.ChecksumIEEE([]byte(text.String())))
}

func (t turns) write(dir string) error { return replaceFile(turnsPath(dir), []byte(t.text())) }
