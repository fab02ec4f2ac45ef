package authors

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"slices"

	"tidewatch/enforce"
)

// earlier is what a case log held before events were signed: at which place
// which bytes, by their hash.
type earlier struct {
	Partitions []prefix `json:"partitions"`
}

// prefix is the beginning of a partition.
type prefix struct {
	First int64  `json:"first"` // offset
	Sums  []byte `json:"sums"`  // a sum each, one after the other; zeros where nothing counts
}

// sumSize is how much of a SHA-256 is kept: finding other bytes that fit takes
// 2^128 attempts.
const sumSize = 16

func sumOf(raw []byte) []byte {
	sum := sha256.Sum256(raw)
	return sum[:sumSize]
}

// add notes what stands at a place. Places come in order.
func (x *earlier) add(at enforce.Position, raw []byte) {
	for len(x.Partitions) <= at.Partition {
		x.Partitions = append(x.Partitions, prefix{})
	}
	p := &x.Partitions[at.Partition]
	if len(p.Sums) == 0 {
		p.First = at.Offset
	}
	if missing := (at.Offset-p.First)*sumSize - int64(len(p.Sums)); missing > 0 {
		p.Sums = append(p.Sums, make([]byte, missing)...)
	}
	p.Sums = append(p.Sums, sumOf(raw)...)
}

// holds reports whether these bytes stood at a place.
func (x *earlier) holds(at enforce.Position, raw []byte) bool {
	if at.Partition < 0 || at.Partition >= len(x.Partitions) {
		return false
	}
	p := x.Partitions[at.Partition]
	i := at.Offset - p.First
	if i < 0 || i >= int64(len(p.Sums)/sumSize) {
		return false
	}
	return bytes.Equal(p.Sums[i*sumSize:(i+1)*sumSize], sumOf(raw))
}

// count is how many places it lists.
func (x *earlier) count() (n int) {
	for _, p := range x.Partitions {
		for sum := range slices.Chunk(p.Sums, sumSize) {
			if !bytes.Equal(sum, make([]byte, sumSize)) {
				n++
			}
		}
	}
	return n
}

// earlierPath is where a list lies, named by its hash.
func (a *Authors) earlierPath(sum string) string { return a.path("earlier-" + sum) }

// keep writes a list and returns its SHA-256; an empty one has none.
func (a *Authors) keep(x earlier) (string, error) {
	if len(x.Partitions) == 0 {
		return "", nil
	}
	text, err := json.Marshal(x)
	if err != nil {
		return "", fmt.Errorf("write the list of earlier events: %w", err)
	}
	sum := sha256.Sum256(text)
	name := hex.EncodeToString(sum[:])
	return name, save(a.earlierPath(name), text, 0o600)
}

func (a *Authors) load(name string) (x earlier, err error) {
	if name == "" {
		return x, nil
	}
	text, err := os.ReadFile(a.earlierPath(name))
	if err != nil {
		return x, fmt.Errorf("read the list of events from before they were signed: %w; %s", err, howFound)
	}
	if sum := sha256.Sum256(text); hex.EncodeToString(sum[:]) != name || json.Unmarshal(text, &x) != nil {
		return earlier{}, fmt.Errorf("the list of events from before they were signed, %s, was altered; %s", a.earlierPath(name), howFound)
	}
	return x, nil
}
