package keys

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"tidewatch/enforce/proof"
)

// head explains the list to those who open it.
const head = `# Public keys of this system's evidence: key, from when and until when it signs.
# Give this file to whoever shall check exported evidence.
`

// promise says that the list ends with its checksum. Lists of before there was
// one do not say so.
const promise = "# The last line is a checksum of all before it.\n"

const sumMark = "# sha256 "

// errList says what to do about a list that is not as it was written.
var errList = errors.New("it is not as it was written: put it back from a backup, or remove it, and the key in use begins a new one")

// Public reads the list of public keys in a folder; without one it is empty.
func Public(dir string) (proof.Keys, error) {
	public, _, err := readList(dir)
	return public, err
}

// readList reads the list, and tells whether it has a checksum.
func readList(dir string) (public proof.Keys, summed bool, err error) {
	path := filepath.Join(dir, publicName)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, true, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("read public keys: %w", err)
	}
	if summed, err = checkList(string(text)); err == nil {
		public, err = proof.ParseKeys(string(text))
	}
	if err == nil && len(public) == 0 {
		err = errList
	}
	if err != nil {
		return nil, summed, fmt.Errorf("read public keys: %s: %w", path, err)
	}
	return public, summed, nil
}

// checkList checks the checksum of a list that has one.
func checkList(text string) (summed bool, err error) {
	body, sum, found := strings.Cut(text, sumMark)
	if !found && !strings.Contains(text, promise) {
		return false, nil
	}
	if sum != sumOf(body) {
		return true, errList
	}
	return true, nil
}

func sumOf(body string) string {
	sum := sha256.Sum256([]byte(body))
	return hex.EncodeToString(sum[:]) + "\n"
}

// saveList writes the list with its checksum.
func saveList(dir string, public proof.Keys) error {
	list := head + promise
	for _, k := range public {
		list += k.String() + "\n"
	}
	return save(filepath.Join(dir, publicName), list+sumMark+sumOf(list), 0o644)
}
