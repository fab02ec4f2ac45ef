package review

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"strconv"
	"time"

	"tidewatch/enforce"
)

// manifestType is the media type of a case's manifest.
const manifestType = "application/json"

// extensions are the media types that a browser is trusted to show, and the
// file names they are saved under.
var extensions = map[string]string{
	"image/jpeg": ".jpg", "image/png": ".png", "video/mp4": ".mp4", manifestType: ".json",
}

// streams are the file names' ends of a camera's own key units.
var streams = map[string]string{"video/H264": ".h264", "video/H265": ".h265"}

// unkept is told of everything about cases: nothing of it stays in a browser
// that others use after this officer.
const unkept = "no-store"

// file serves one file of a case's evidence.
func (s *Server) file(w http.ResponseWriter, r *http.Request) error {
	c, err := s.caseOf(r)
	if err != nil {
		return fmt.Errorf("find case: %w", err)
	}
	found, ok := fileOf(c, r.PathValue("sha256"))
	if !ok {
		return status(http.StatusNotFound)
	}
	content, err := s.evidence(r.Context(), c, found)
	if err != nil {
		return err
	}
	defer content.Close()

	h := w.Header()
	ext, shown := extensions[found.MediaType]
	h.Set("Content-Type", found.MediaType)
	name := strconv.Quote(c.ID + "-" + string(found.Kind) + cmp.Or(ext, streams[found.MediaType]))
	if !shown {
		h.Set("Content-Type", "application/octet-stream")
		h.Set("Content-Disposition", "attachment; filename="+name)
	} else {
		h.Set("Content-Disposition", "inline; filename="+name)
	}
	h.Set("Cache-Control", unkept)
	h.Set("ETag", strconv.Quote(found.SHA256))
	http.ServeContent(w, r, "", time.Time{}, content)
	return nil
}

// evidence opens a file of a case.
func (s *Server) evidence(ctx context.Context, c enforce.Case, f enforce.File) (io.ReadSeekCloser, error) {
	content, err := s.Files.Open(ctx, f.SHA256)
	if errors.Is(err, fs.ErrNotExist) {
		s.Logger.Error("evidence is missing", "case", c.ID, "kind", f.Kind, "sha256", f.SHA256)
		return nil, status(http.StatusNotFound)
	}
	if err != nil {
		return nil, fmt.Errorf("open evidence of case %s: %w", c.ID, err)
	}
	return content, nil
}

const manifestKind enforce.FileKind = "manifest"

// fileOf finds a file of the case's evidence, its manifest included.
func fileOf(c enforce.Case, sha256 string) (enforce.File, bool) {
	evidence := c.Violation.Evidence
	for _, f := range evidence.Files {
		if f.SHA256 == sha256 {
			return f, true
		}
	}
	manifest := enforce.File{Kind: manifestKind, SHA256: evidence.Manifest, MediaType: manifestType}
	return manifest, sha256 != "" && sha256 == evidence.Manifest
}
