package app

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"tidewatch/secret"
)

// access is how other commands of this machine reach the embedded broker while
// it runs. Its file is readable by its owner alone.
type access struct {
	Address  string `json:"address"`
	Username string `json:"username"`
	Password string `json:"password"`
}

func accessPath(data string) string { return filepath.Join(data, "kafka", "access") }

func (a access) save(data string) error {
	text, err := json.Marshal(a)
	if err == nil {
		err = os.WriteFile(accessPath(data), text, 0o600)
	}
	if err != nil {
		return fmt.Errorf("tell how to reach the embedded broker: %w", err)
	}
	return nil
}

func loadAccess(data string) (a access, err error) {
	text, err := secret.Read(accessPath(data))
	if err == nil {
		err = json.Unmarshal(text, &a)
	}
	if err != nil {
		return a, fmt.Errorf("find the embedded broker: %w; is the other process a tidewatch that has finished its start?", err)
	}
	return a, nil
}

func removeAccess(data string) error {
	if err := os.Remove(accessPath(data)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("forget how to reach the embedded broker: %w", err)
	}
	return nil
}
