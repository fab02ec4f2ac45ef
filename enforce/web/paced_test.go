package web

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// slowClient takes its time for each piece.
type slowClient struct {
	*httptest.ResponseRecorder
	pace     time.Duration
	deadline time.Time
}

// SetWriteDeadline is asked for by http.ResponseController.
func (c *slowClient) SetWriteDeadline(t time.Time) error { c.deadline = t; return nil }

func (c *slowClient) Write(data []byte) (int, error) {
	time.Sleep(c.pace)
	if len(data) > piece || time.Now().After(c.deadline) {
		return 0, os.ErrDeadlineExceeded
	}
	return c.ResponseRecorder.Write(data)
}

// A client may take long for an answer, as long as it takes something.
func TestSlowClients(t *testing.T) {
	clip := strings.Repeat("x", 100*piece+1)
	for name, each := range map[string]struct {
		pace time.Duration
		got  int
	}{
		"slow":     {29 * time.Second, len(clip)},
		"too slow": {31 * time.Second, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client := &slowClient{ResponseRecorder: httptest.NewRecorder(), pace: each.pace}
				paced(30*time.Second, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					time.Sleep(time.Hour) // before there is anything to take
					http.ServeContent(w, r, "clip.mp4", time.Time{}, strings.NewReader(clip))
				})).ServeHTTP(client, httptest.NewRequest("GET", "/", nil))
				if got := client.Body.Len(); got != each.got {
					t.Errorf("it got %d bytes, want %d", got, each.got)
				}
			})
		})
	}
}

// Nothing writes past the pacer.
func TestPacerHasNoWayRound(t *testing.T) {
	if _, ok := any(&pacer{}).(io.ReaderFrom); ok {
		t.Error("files would be written in one go")
	}
}
