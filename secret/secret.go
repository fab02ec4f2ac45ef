// Package secret reads files that hold keys and passwords, and refuses those
// that somebody else could read, or put in the place of the right one.
package secret

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// Read reads a file that Check finds closed.
func Read(path string) ([]byte, error) {
	file, err := open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(file)
}

// Check says why a file is no place for a secret. It must be owned by the user
// of this process or by root, and be closed to all others; root alone may open it
// to a group, which is how it hands a file to a service. Nobody else may write to
// its folder.
func Check(path string) error {
	file, err := open(path)
	if err != nil {
		return err
	}
	return file.Close()
}

// open opens a file and looks at what it has opened.
func open(path string) (*os.File, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err == nil && info.IsDir() {
		return file, nil // whoever reads it says that it is a folder
	}
	if err == nil {
		err = closed(path, info, os.Geteuid())
	}
	if err == nil {
		err = guarded(path)
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// closed says who else may read or change a file.
func closed(path string, info fs.FileInfo, us int) error {
	owner, known := ownerOf(info)
	if known && owner != 0 && owner != us {
		return fmt.Errorf("%s belongs to user %d: it must be yours or root's; chown it", path, owner)
	}
	others := fs.FileMode(0o077)
	if known && owner == 0 && us != 0 {
		others = 0o037 // root lets a group read it
	}
	if mode := info.Mode().Perm(); mode&others != 0 {
		return fmt.Errorf("%s is open to other users (mode %04o): chmod 600 %s, and change the secret if it was so for long", path, mode, path)
	}
	return nil
}

// guarded says who else may put another file in the place of one.
func guarded(path string) error {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return err
	}
	folder := filepath.Dir(real)
	info, err := os.Stat(folder)
	if err != nil {
		return err
	}
	owner, known := ownerOf(info)
	switch mode := info.Mode(); {
	case known && owner != 0 && owner != os.Geteuid():
		return fmt.Errorf("the folder of %s belongs to user %d, who could replace it: it must be yours or root's", path, owner)
	case mode.Perm()&0o022 != 0 && mode&fs.ModeSticky == 0:
		return fmt.Errorf("the folder of %s can be written by other users (mode %04o), who could replace it: chmod go-w %s", path, mode.Perm(), folder)
	}
	return nil
}

func ownerOf(info fs.FileInfo) (user int, known bool) {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(stat.Uid), true
	}
	return 0, false
}
