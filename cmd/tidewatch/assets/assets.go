// Package assets finds what set-up brought to this machine: native libraries
// and the networks' files.
package assets

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// ErrMissing says that a file of the set-up is not there.
var ErrMissing = errors.New("missing file")

// Dir is the folder that script/setup fills.
type Dir string

// Default is TIDEWATCH_ASSETS or, without it, "tidewatch" in the user's cache
// folder.
func Default() (Dir, error) {
	if dir := os.Getenv("TIDEWATCH_ASSETS"); dir != "" {
		return Dir(dir), nil
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find the assets: %w; set TIDEWATCH_ASSETS", err)
	}
	return Dir(filepath.Join(cache, "tidewatch")), nil
}

// Library is the path of a native library.
func (d Dir) Library(name string) (string, error) { return d.file("lib", name) }

// Model is the path of a network's file or of its dictionary.
func (d Dir) Model(name string) (string, error) { return d.file("models", name) }

// Footage is the path of a video that came with a package.
func (d Dir) Footage(name string) (string, error) { return d.file("footage", name) }

// Font is the path of a font.
func (d Dir) Font(name string) (string, error) { return d.file("fonts", name) }

// EvidenceFont is the font in which evidence is written, WenQuanYi Micro Hei:
// one file with Latin and all Chinese characters in outlines that both pictures
// and PDF can take.
const EvidenceFont = "wqy-microhei.ttc"

func (d Dir) file(kind, name string) (string, error) {
	path := filepath.Join(string(d), kind, name)
	_, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("%w %s: run script/setup, or set TIDEWATCH_ASSETS to the folder that holds it", ErrMissing, path)
	}
	return path, err
}
