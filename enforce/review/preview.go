package review

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"tidewatch/enforce"
	"tidewatch/ingest"
)

// Previews makes, of a video that some browsers do not play, one that all do.
type Previews interface {
	Preview(ctx context.Context, source io.Reader, w io.Writer) error
}

const (
	// previewLimit is how long making a preview may take, the wait for others
	// included.
	previewLimit = 2 * time.Minute
	// previewBytes bounds the previews that are remembered, and so each of them.
	// One of ten seconds has a few megabytes.
	previewBytes = 64 << 20
)

// previewable reports whether a file is one that some browsers do not play.
func previewable(f enforce.File) bool {
	return f.Kind == enforce.Clip && f.Codec == string(ingest.H265)
}

// preview serves a clip in a form that every browser plays. It is made when
// somebody wants it and never stored: the clip stays the evidence.
func (s *Server) preview(w http.ResponseWriter, r *http.Request) error {
	c, err := s.caseOf(r)
	if err != nil {
		return fmt.Errorf("find case: %w", err)
	}
	found, ok := fileOf(c, r.PathValue("sha256"))
	if !ok || !previewable(found) || s.Previews == nil {
		return status(http.StatusNotFound)
	}
	made, err := s.previews.of(r.Context(), found.SHA256, func(ctx context.Context, w io.Writer) error {
		source, err := s.evidence(ctx, c, found)
		if err != nil {
			return err
		}
		defer source.Close()
		return s.Previews.Preview(ctx, source, w)
	})
	if err != nil {
		return fmt.Errorf("show preview of the clip of case %s: %w", c.ID, err)
	}
	h := w.Header()
	h.Set("Content-Type", found.MediaType)
	h.Set("Content-Disposition", "inline; filename="+strconv.Quote(c.ID+"-"+string(found.Kind)+"-preview.mp4"))
	h.Set("Cache-Control", unkept)
	h.Set("ETag", made.tag)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(made.video))
	return nil
}

// previews are made one at a time, since each takes what the machine has, and
// the newest are remembered: a browser that seeks asks for parts of one again
// and again.
type previews struct {
	turn chan struct{} // has room for the one that is being made

	mu   sync.Mutex
	kept []keptPreview // the one used last comes last
}

type keptPreview struct {
	source string // SHA-256 of the clip
	video  []byte
	tag    string // names the content to browsers
}

func newPreviews() *previews { return &previews{turn: make(chan struct{}, 1)} }

// of returns the preview of a clip, made now if it is not remembered.
func (p *previews) of(ctx context.Context, source string, preview func(context.Context, io.Writer) error) (keptPreview, error) {
	if made, ok := p.find(source); ok {
		return made, nil
	}
	ctx, cancel := context.WithTimeout(ctx, previewLimit)
	defer cancel()
	select {
	case p.turn <- struct{}{}:
		defer func() { <-p.turn }()
	case <-ctx.Done():
		return keptPreview{}, fmt.Errorf("wait for other previews: %w", ctx.Err())
	}
	if made, ok := p.find(source); ok { // while we waited
		return made, nil
	}
	var video boundedBuffer
	if err := preview(ctx, &video); err != nil {
		return keptPreview{}, err
	}
	made := keptPreview{source, video.Bytes(), fmt.Sprintf(`"%x"`, sha256.Sum256(video.Bytes()))}
	p.keep(made)
	return made, nil
}

func (p *previews) find(source string) (keptPreview, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := slices.IndexFunc(p.kept, func(k keptPreview) bool { return k.source == source })
	if i < 0 {
		return keptPreview{}, false
	}
	found := p.kept[i]
	p.kept = append(slices.Delete(p.kept, i, i+1), found)
	return found, true
}

// keep remembers a preview and forgets those used longest ago.
func (p *previews) keep(made keptPreview) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.kept = append(p.kept, made)
	bytes := 0
	for i, k := range slices.Backward(p.kept) {
		if bytes += len(k.video); bytes > previewBytes {
			p.kept = slices.Delete(p.kept, 0, i+1)
			return
		}
	}
}

// boundedBuffer is a buffer that takes no more than one preview may have.
type boundedBuffer struct{ bytes.Buffer }

var errLargePreview = errors.New("the preview is too large to be shown")

func (b *boundedBuffer) Write(data []byte) (int, error) {
	if b.Len()+len(data) > previewBytes {
		return 0, errLargePreview
	}
	return b.Buffer.Write(data)
}

// ReadFrom hides the buffer's own, which knows no bound.
func (b *boundedBuffer) ReadFrom(r io.Reader) (int64, error) {
	return io.Copy(struct{ io.Writer }{b}, r)
}
