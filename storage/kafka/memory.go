package kafka

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"tidewatch/durable"
)

// memory is what this data folder knows of the operator's Kafka, on disk.
type memory struct {
	path string
	// System names this data folder among all that may write to one log.
	System string `json:"system"`
	// Topics are the case logs that were written to, by name.
	Topics map[string]sight `json:"topics"`
}

// sight is what a topic was like when nothing of it was lost.
type sight struct {
	Cluster    string        `json:"cluster"`
	Written    bool          `json:"written"`    // it holds events: until then any topic will do
	ID         string        `json:"topic_id"`   // empty with brokers that give none
	Partitions int           `json:"partitions"` // that cases are spread over
	Begins     map[int]int64 `json:"begins"`     // first offset, by partition
	Ends       map[int]int64 `json:"ends"`       // offset after the last, by partition
}

// openMemory reads the file; one that is missing is made with the first sight.
func openMemory(path string) (*memory, error) {
	m := &memory{path: path, Topics: map[string]sight{}}
	text, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		m.System = rand.Text()
		return m, nil
	case err == nil:
		err = json.Unmarshal(text, m)
	}
	if err == nil && (m.System == "" || m.Topics == nil) {
		err = errors.New("it is not whole")
	}
	if err != nil {
		return nil, fmt.Errorf("read what is known of the case log: %s: %w; remove the file to take the topic as it is", path, err)
	}
	return m, nil
}

// keep puts a sight of a topic on the disk.
func (m *memory) keep(topic string, s sight) error {
	m.Topics[topic] = s
	text, err := json.MarshalIndent(m, "", "  ")
	if err == nil {
		err = replaceFile(m.path, text)
	}
	if err != nil {
		return fmt.Errorf("keep what is known of the case log: %w", err)
	}
	return nil
}

// replaceFile puts a file in place whole.
func replaceFile(path string, text []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return durable.Replace(path, text, 0o600)
}
