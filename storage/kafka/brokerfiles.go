package kafka

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"hash/crc32"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"tidewatch/durable"
	"tidewatch/storage/kafka/segment"
)

// brokerFiles are the files that the embedded broker keeps beside the messages.
// None of them has a checksum, and it believes them all: a flipped digit may hide
// events, delete them by age, or have new ones written over them. So before it
// starts they are made anew from what is known otherwise, and those that hold
// nothing of worth are removed.
type brokerFiles struct {
	data       string
	topic      string
	partitions int // of the topic, if it is known from elsewhere; else 0
	otherwise  int // of the topic, if nothing tells
	aside      aside
	log        *slog.Logger
}

// worthless are the files that the broker does without: accounts are given to it
// at each start, and nobody uses transactions, quotas or access lists.
var worthless = []string{
	"sasl.json", "acls.json", "quotas.json", "broker_configs.json", "pids.log", "seq_windows.json", "session_state.json",
}

// prepare leaves only files that the broker may believe.
func (f brokerFiles) prepare() error {
	for _, name := range worthless {
		if err := ignoreMissing(os.RemoveAll(filepath.Join(f.data, name))); err != nil {
			return err
		}
	}
	known, err := segment.Partitions(partitionsDir(f.data))
	if err != nil {
		return err
	}
	for _, p := range known {
		if err := dropDerived(p.Dir); err != nil {
			return err
		}
	}
	if err := f.prepareGroups(); err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(f.data, "meta.json")); errors.Is(err, fs.ErrNotExist) && len(known) == 0 && f.partitions == 0 {
		return nil // there was no broker here
	}
	meta := map[string]any{"version": 1, "cluster_id": clusterID}
	return errors.Join(f.replace("meta.json", meta), f.prepareTopics(known))
}

// dropDerived removes what the broker derives from a partition's messages.
func dropDerived(dir string) error {
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		if e.Name() == "snapshot.json" || strings.HasSuffix(e.Name(), ".idx") {
			err = errors.Join(err, os.RemoveAll(filepath.Join(dir, e.Name())))
		}
	}
	return err
}

// replace writes a file of the broker unless it says the same already. One that
// says something else is kept aside.
func (f brokerFiles) replace(name string, value any) error {
	path := filepath.Join(f.data, name)
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	now, err := os.ReadFile(path)
	if err == nil && sameJSON(now, text) {
		return nil
	}
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		f.log.Warn("a file of the embedded broker is not as it must be and is made anew", "file", path, "kept", f.aside.to)
		if err := errors.Join(f.aside.keep(path), os.RemoveAll(path)); err != nil {
			return err
		}
	} else {
		f.log.Warn("a file of the embedded broker is missing and is made anew", "file", path)
	}
	return f.write(path, text)
}

func (f brokerFiles) write(path string, text []byte) error {
	if err := os.MkdirAll(f.data, 0o750); err != nil {
		return err
	}
	if err := durable.Write(path+".tmp", text, 0o600); err != nil {
		return err
	}
	if err := os.Rename(path+".tmp", path); err != nil {
		return err
	}
	return durable.SyncDir(f.data)
}

func sameJSON(a, b []byte) bool {
	var one, other any
	if json.Unmarshal(a, &one) != nil || json.Unmarshal(b, &other) != nil {
		return false
	}
	one, other = canonicalJSON(one), canonicalJSON(other)
	return one == other
}

func canonicalJSON(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(text)
}

// brokerTopic is a topic as the broker writes it.
type brokerTopic struct {
	Name       string            `json:"name"`
	ID         string            `json:"id"`
	Partitions int               `json:"partitions"`
	Replicas   int               `json:"replicas"`
	Configs    map[string]string `json:"configs"`
}

// prepareTopics writes the list of topics, which is the case log.
func (f brokerFiles) prepareTopics(known []segment.Partition) error {
	said := f.readTopics()
	counts := map[string]int{}
	for _, p := range known {
		if p.Topic != f.topic {
			continue // its files are left alone
		}
		counts[p.Topic] = max(counts[p.Topic], p.ID+1, said[p.Topic].Partitions)
	}
	_, there := said[f.topic]
	switch {
	case f.partitions > 0:
		counts[f.topic] = f.partitions
	case counts[f.topic] > 0 && !there:
		counts[f.topic] = max(counts[f.topic], f.otherwise)
	}
	var topics []brokerTopic
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		t := brokerTopic{name, newTopicID(), min(counts[name], maxPartitions), 1, keptForGood()}
		earlier := keptForGood()
		delete(earlier, "max.message.bytes") // as versions before this one wrote it
		if maps.Equal(said[name].Configs, earlier) {
			t.Configs = earlier
		}
		if id, err := base64.StdEncoding.DecodeString(said[name].ID); err == nil && len(id) == 16 {
			t.ID = said[name].ID
		}
		topics = append(topics, t)
	}
	return f.replace("topics.json", map[string]any{"version": 1, "topics": topics})
}

// maxPartitions bounds what is believed of a number of partitions.
const maxPartitions = 1000

// readTopics is what the list says now, as far as it can be read.
func (f brokerFiles) readTopics() map[string]brokerTopic {
	var list struct {
		Topics []brokerTopic `json:"topics"`
	}
	topics := map[string]brokerTopic{}
	text, err := os.ReadFile(filepath.Join(f.data, "topics.json"))
	if err != nil || json.Unmarshal(text, &list) != nil {
		return topics
	}
	for _, t := range list.Topics {
		topics[t.Name] = t
	}
	return topics
}

func newTopicID() string {
	id := make([]byte, 16)
	_, _ = rand.Read(id) // it never fails
	return base64.StdEncoding.EncodeToString(id)
}

// prepareGroups cuts what cannot be read off the end of the committed offsets, as
// the broker would write new ones behind it. A consumer that has lost its place
// reads from its last one before, or from the beginning.
func (f brokerFiles) prepareGroups() error {
	path := filepath.Join(f.data, "groups.log")
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		raw = nil
	}
	sound := soundEntries(raw)
	if err == nil && sound == len(raw) {
		return nil
	}
	f.log.Warn("committed offsets of the embedded broker are damaged: consumers read some events again",
		"file", path, "byte", sound, "kept", f.aside.to)
	if err := errors.Join(f.aside.keep(path), os.RemoveAll(path)); err != nil {
		return err
	}
	return f.write(path, raw[:sound])
}

const entryHeader = 8 // length and checksum, of what follows them

// soundEntries is how many bytes of a file of entries are as they were written.
func soundEntries(raw []byte) int {
	at := 0
	for len(raw)-at >= entryHeader {
		length := int64(binary.LittleEndian.Uint32(raw[at:]))
		if length < 2 || length > int64(len(raw)-at-entryHeader) {
			return at
		}
		entry := raw[at+entryHeader : at+entryHeader+int(length)]
		if crc32.Checksum(entry, crc32.MakeTable(crc32.Castagnoli)) != binary.LittleEndian.Uint32(raw[at+4:]) {
			return at
		}
		at += entryHeader + int(length)
	}
	return at
}

// filler stands in the log for an event that is lost for good, so that those
// after it keep their offsets.
var filler = []byte(`{"type":"lost"}`)

func isFiller(value []byte) bool { return bytes.Equal(value, filler) }
