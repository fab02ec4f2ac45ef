package secret

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const (
	nobody = 65534
	word   = "kerb-side-42\n"
)

func TestRead(t *testing.T) {
	for name, test := range map[string]struct {
		mode, folder fs.FileMode
		owner        int // 0: this user
		folderOwner  int
		link         bool
		refused      string // empty: it is read
	}{
		"closed":                       {mode: 0o600, folder: 0o700},
		"for reading alone":            {mode: 0o400, folder: 0o755},
		"through a link":               {mode: 0o600, folder: 0o700, link: true},
		"in a folder for all, kept":    {mode: 0o600, folder: 0o777 | fs.ModeSticky},
		"open to all":                  {mode: 0o644, folder: 0o700, refused: "is open to other users (mode 0644): chmod 600 "},
		"open to a group":              {mode: 0o640, folder: 0o700, refused: "is open to other users"},
		"open to all through a link":   {mode: 0o604, folder: 0o700, link: true, refused: "is open to other users"},
		"to be written by others":      {mode: 0o602, folder: 0o700, refused: "is open to other users"},
		"in a folder for all":          {mode: 0o600, folder: 0o777, refused: "can be written by other users (mode 0777)"},
		"in a folder of a group":       {mode: 0o600, folder: 0o770, refused: "can be written by other users"},
		"such a folder through a link": {mode: 0o600, folder: 0o770, link: true, refused: "can be written by other users"},
		"of somebody else":             {mode: 0o600, folder: 0o700, owner: nobody, refused: "belongs to user 65534: it must be yours"},
		"in somebody else's folder":    {mode: 0o600, folder: 0o700, folderOwner: nobody, refused: "who could replace it"},
	} {
		t.Run(name, func(t *testing.T) {
			folder := filepath.Join(t.TempDir(), "keys")
			path := filepath.Join(folder, "key")
			err := errors.Join(os.Mkdir(folder, 0o700), os.WriteFile(path, []byte(word), 0o600),
				os.Chmod(path, test.mode), os.Chmod(folder, test.folder))
			if test.owner+test.folderOwner > 0 {
				if os.Geteuid() != 0 {
					t.Skip("only root may give files away")
				}
				err = errors.Join(err, os.Chown(path, test.owner, -1), os.Chown(folder, test.folderOwner, -1))
			}
			read := path
			if test.link {
				read = filepath.Join(t.TempDir(), "link")
				err = errors.Join(err, os.Symlink(path, read))
			}
			if err != nil {
				t.Fatal(err)
			}
			text, err := Read(read)
			switch {
			case test.refused == "" && (err != nil || string(text) != word):
				t.Errorf("read %q, %v", text, err)
			case test.refused != "" && (err == nil || !strings.Contains(err.Error(), test.refused) || text != nil):
				t.Errorf("read %q, %v; want %q", text, err, test.refused)
			}
		})
	}
	if _, err := Read(filepath.Join(t.TempDir(), "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("of a file that is not there: %v", err)
	}
}

// TestRootHandsAFileToAService has a file of root that a group may read.
func TestRootHandsAFileToAService(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root has files of root's")
	}
	path := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for mode, fine := range map[fs.FileMode]bool{0o640: true, 0o440: true, 0o644: false, 0o660: false} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := closed(path, info, nobody); (err == nil) != fine {
			t.Errorf("mode %04o: %v", mode, err)
		}
	}
}
