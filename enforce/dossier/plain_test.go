package dossier

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"tidewatch/enforce"
)

// Plain writes the files of the evidence and their manifest, named by what they
// show. It proves nothing beyond that.
type Plain struct{ Files Files }

// suffixes are the ends of file names by media type.
var suffixes = map[string]string{
	"image/jpeg": ".jpg", "video/mp4": ".mp4", "video/H264": ".h264", "video/H265": ".h265",
}

// Write implements Package.
func (p Plain) Write(ctx context.Context, dir string, c enforce.Case) error {
	e := c.Violation.Evidence
	if err := p.copy(ctx, e.Manifest, filepath.Join(dir, "manifest.json")); err != nil {
		return err
	}
	for _, f := range e.Files {
		if err := p.copy(ctx, f.SHA256, filepath.Join(dir, string(f.Kind)+suffixes[f.MediaType])); err != nil {
			return err
		}
	}
	return nil
}

func (p Plain) copy(ctx context.Context, sum, path string) error {
	from, err := p.Files.Open(ctx, sum)
	if err != nil {
		return fmt.Errorf("copy %s: %w", filepath.Base(path), err)
	}
	defer func() { _ = from.Close() }() // it was only read
	to, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o640)
	if err != nil {
		return err
	}
	_, err = io.Copy(to, from)
	if err = errors.Join(err, to.Close()); err != nil {
		return fmt.Errorf("copy %s: %w", filepath.Base(path), err)
	}
	return nil
}
