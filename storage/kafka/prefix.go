package kafka

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"sync"
)

// chain is a hash over every message of a partition up to an offset.
type chain struct {
	Next int64    `json:"next"` // the offset after the last message in it
	Hash [32]byte `json:"hash"`
}

// add is the chain with one message more.
func (c chain) add(offset int64, key, value []byte) chain {
	h := sha256.New()
	h.Write(c.Hash[:])
	for _, part := range [][]byte{binary.BigEndian.AppendUint64(nil, uint64(offset)), key, value} {
		h.Write(binary.BigEndian.AppendUint32(nil, uint32(len(part))))
		h.Write(part)
	}
	next := chain{Next: offset + 1}
	h.Sum(next.Hash[:0])
	return next
}

// mark is what is remembered of a partition: its messages as far as they were
// seen in order, and the end that was acknowledged, which may be further.
type mark struct {
	chain
	End int64 `json:"end"`
}

// marks is what is remembered of a log.
type marks struct {
	Partitions int          `json:"partitions"`
	Of         map[int]mark `json:"of"`
}

// Prefix remembers, outside of a case log, how far it reached and a hash of all
// that was in it: what is missing or altered later shows, however sound the log
// looks by itself. One file remembers every log that was used.
type Prefix struct {
	path string

	mu    sync.Mutex
	logs  map[string]marks
	dirty bool
}

// prefixFile is how it is kept; the sum is over the logs as written.
type prefixFile struct {
	Logs json.RawMessage `json:"logs"`
	Sum  []byte          `json:"sha256"`
}

// OpenPrefix reads the file, if there is one. One that was damaged is kept beside
// it, and a new one is begun with what the log now holds.
func OpenPrefix(path string, log *slog.Logger) (*Prefix, error) {
	p := &Prefix{path: path, logs: map[string]marks{}}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return p, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read what is known of the case log: %w", err)
	}
	logs, err := parsePrefix(text)
	if err == nil {
		p.logs = logs
		return p, nil
	}
	log.Warn("the file that remembers the case log is damaged and is begun anew", "file", path, "kept", path+".bad", "error", err)
	if err := os.Rename(path, path+".bad"); err != nil {
		return nil, fmt.Errorf("keep the damaged %s: %w", path, err)
	}
	return p, nil
}

func parsePrefix(text []byte) (logs map[string]marks, err error) {
	var f prefixFile
	if err := json.Unmarshal(text, &f); err != nil {
		return nil, err
	}
	if sum := sha256.Sum256(f.Logs); string(sum[:]) != string(f.Sum) {
		return nil, errors.New("it has not the checksum that it was written with")
	}
	if err := json.Unmarshal(f.Logs, &logs); err != nil {
		return nil, err
	}
	if logs == nil {
		return nil, errors.New("it holds nothing")
	}
	return logs, nil
}

// of is what is remembered of a log.
func (p *Prefix) of(log string) marks {
	if p == nil {
		return marks{}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	m := p.logs[log]
	m.Of = maps.Clone(m.Of)
	return m
}

// put replaces what is remembered of a log.
func (p *Prefix) put(log string, m marks) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.logs[log], p.dirty = m, true
}

// acknowledged notes a message that Kafka has taken.
func (p *Prefix) acknowledged(log string, partition int, offset int64, key, value []byte) {
	if p == nil {
		return
	}
	p.change(log, partition, func(m mark) mark {
		if m.Next == offset {
			m.chain = m.add(offset, key, value)
		}
		m.End = max(m.End, offset+1)
		return m
	})
}

func (p *Prefix) change(log string, partition int, change func(mark) mark) {
	p.mu.Lock()
	defer p.mu.Unlock()
	m := p.logs[log]
	if m.Of == nil {
		m.Of = map[int]mark{}
	}
	before := m.Of[partition]
	after := change(before)
	if after != before {
		m.Of[partition], p.dirty = after, true
		p.logs[log] = m
	}
}

// save writes what has changed to the disk.
func (p *Prefix) save() error {
	if p == nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.dirty {
		return nil
	}
	if err := p.write(); err != nil {
		return fmt.Errorf("remember the case log: %w", err)
	}
	p.dirty = false
	return nil
}

func (p *Prefix) write() error {
	logs, err := json.Marshal(p.logs)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(logs)
	text, err := json.Marshal(prefixFile{logs, sum[:]})
	if err != nil {
		return err
	}
	return replaceFile(p.path, text)
}
