package accounts

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"tidewatch/durable"
	"tidewatch/secret"
)

// FirstOfficer is the name of the account made at the first start.
const FirstOfficer = "officer"

// Officers are the accounts that may sign in. They never change.
type Officers struct {
	accounts map[string]passwordHash
	// nobody is what an unknown name is checked against, so that it takes as
	// long as a known one.
	nobody passwordHash
}

// account is an officer as the file keeps it.
type account struct {
	Name         string `json:"name"`
	PasswordHash string `json:"password_hash"` // argon2id, PHC string format
}

// Open reads the accounts from a file. Where there is none, it makes one with
// the account FirstOfficer: show is given its password, which nothing keeps,
// after all that can fail has been done and before the account is valid. So an
// account whose password nobody was shown cannot be left behind, however a start
// ends: the next one makes another.
func Open(path string, show func(name, password string) error) (*Officers, error) {
	data, err := secret.Read(path)
	if errors.Is(err, fs.ErrNotExist) {
		data, err = create(path, show)
	}
	if err != nil {
		return nil, fmt.Errorf("open officers file: %w", err)
	}
	officers, err := parse(data)
	if err != nil {
		return nil, fmt.Errorf("read officers file %s: %w; restore it, or remove it and a new account is made", path, err)
	}
	return officers, nil
}

// Names are the names of all accounts, in order.
func (o *Officers) Names() []string { return slices.Sorted(maps.Keys(o.accounts)) }

// of is the hash of a name's password, and whether there is such a name.
func (o *Officers) of(name string) (passwordHash, bool) {
	if hash, known := o.accounts[name]; known {
		return hash, true
	}
	return o.nobody, false
}

// fits checks a password, which takes as long for a name that is not known.
func (o *Officers) fits(name, password string) bool {
	hash, known := o.of(name)
	return hash.fits(password) && known
}

// seal is what only somebody with the accounts' file can make of a text, for a
// name. It changes with the password.
func (o *Officers) seal(name, text string) []byte {
	hash, _ := o.of(name)
	mac := hmac.New(sha256.New, hash.sum)
	fmt.Fprintf(mac, "device\n%s\n%s", name, text)
	return mac.Sum(nil)
}

func parse(data []byte) (*Officers, error) {
	var accounts []account
	if err := json.Unmarshal(data, &accounts); err != nil {
		return nil, err
	}
	o := &Officers{accounts: map[string]passwordHash{}}
	for _, a := range accounts {
		hash, err := parseHash(a.PasswordHash)
		if err != nil {
			return nil, fmt.Errorf("account %q: %w", a.Name, err)
		}
		if _, twice := o.accounts[a.Name]; twice || a.Name == "" {
			return nil, fmt.Errorf("account %q: names must be set and differ", a.Name)
		}
		if printable(a.Name) != a.Name {
			return nil, fmt.Errorf("account %q: a name has up to %d letters, digits and signs", a.Name, maxName)
		}
		o.accounts[a.Name] = hash
	}
	if len(o.accounts) == 0 {
		return nil, errors.New("no account in it")
	}
	o.nobody = o.accounts[slices.Sorted(maps.Keys(o.accounts))[0]].unguessable()
	return o, nil
}

// create makes the first account, whole or not at all.
func create(path string, show func(name, password string) error) ([]byte, error) {
	password := newPassword()
	data, err := json.MarshalIndent([]account{{FirstOfficer, hashPassword(password).String()}}, "", "  ")
	if err != nil {
		return nil, err
	}
	file, err := os.CreateTemp(filepath.Dir(path), ".officers-*") // created with mode 0600
	if err != nil {
		return nil, err
	}
	defer os.Remove(file.Name()) // gone already when all went well
	_, err = file.Write(append(data, '\n'))
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		return nil, err
	}
	if err := show(FirstOfficer, password); err != nil {
		return nil, fmt.Errorf("show the first password: %w; no account was made", err)
	}
	if err := os.Rename(file.Name(), path); err != nil {
		return nil, fmt.Errorf("%w; the password shown is of no use, the next start shows another", err)
	}
	return data, durable.SyncDir(filepath.Dir(path))
}
