package review

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// The widths of cameras' pictures, in pixels.
const (
	smallWidth = 640  // in the list, on a fine screen as well
	largeWidth = 1280 // on the camera's own page
	fullWidth  = 1920 // opened alone
)

// PictureWidths are the widths in which pictures are made: few, so that they
// can be kept.
var PictureWidths = []int{smallWidth, largeWidth, fullWidth}

// cameraPicture serves a camera's newest picture.
func (s *Server) cameraPicture(w http.ResponseWriter, r *http.Request) error {
	c, ok := s.Cameras.Camera(r.PathValue("id"))
	if !ok {
		return status(http.StatusNotFound)
	}
	width, err := pictureWidth(r.FormValue("width"))
	if err != nil {
		return status(http.StatusBadRequest)
	}
	if tag := pictureTag(c.Picture, width); !c.Picture.IsZero() && r.Header.Get("If-None-Match") == tag {
		pictureHeader(w, c.Picture, tag)
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	still, err := s.Cameras.Picture(r.Context(), c.ID, width)
	if errors.Is(err, ErrNoPicture) {
		return s.show(w, r, http.StatusNotFound, page{Name: "error", Title: "error.no_picture", Body: "error.no_picture"})
	}
	if err != nil {
		return fmt.Errorf("show camera %s: %w", c.ID, err)
	}
	pictureHeader(w, still.Taken, pictureTag(still.Taken, width))
	http.ServeContent(w, r, "", still.Taken, bytes.NewReader(still.JPEG))
	return nil
}

// pictureWidth is the width to make for one that was asked for: the next
// larger that is made.
func pictureWidth(text string) (int, error) {
	if text == "" {
		return smallWidth, nil
	}
	asked, err := strconv.Atoi(text)
	if err != nil {
		return 0, fmt.Errorf("read width: %w", err)
	}
	if asked < 1 || asked > fullWidth {
		return 0, fmt.Errorf("read width: %d is not within 1 and %d", asked, fullWidth)
	}
	i, _ := slices.BinarySearch(PictureWidths, asked)
	return PictureWidths[i], nil
}

func pictureTag(taken time.Time, width int) string {
	return strconv.Quote(fmt.Sprintf("%d-%d", taken.UnixNano(), width))
}

func pictureHeader(w http.ResponseWriter, taken time.Time, tag string) {
	h := w.Header()
	h.Set("Content-Type", "image/jpeg")
	h.Set("ETag", tag)
	h.Set("Last-Modified", taken.UTC().Format(http.TimeFormat))
	h.Set("Cache-Control", unkept)
}
