package review

import (
	"cmp"
	"context"
	"errors"
	"image"
	"net/http"
	"net/url"
	"slices"
	"time"

	"tidewatch/enforce"
	"tidewatch/ingest"
)

// Cameras tells how the cameras fare and shows what they see.
type Cameras interface {
	// Cameras returns all cameras, by ID.
	Cameras() []Camera
	// Camera returns one camera, false for an ID that is not known.
	Camera(id string) (Camera, bool)
	// Picture returns a camera's newest whole picture, made smaller where it is
	// wider than width, which is one of PictureWidths. ErrNoPicture says that
	// there is none to show.
	Picture(ctx context.Context, id string, width int) (Still, error)
}

// ErrNoPicture says that a camera has brought no picture that can be shown.
var ErrNoPicture = errors.New("no picture")

// Still is one picture of a camera.
type Still struct {
	JPEG  []byte
	Taken time.Time // when it arrived, by our clock
}

// Camera is how one camera fares at a moment.
type Camera struct {
	enforce.CameraRef
	Vendor  ingest.Vendor      // whose menus it has; empty if that is not known
	Section enforce.SectionRef // zero for a camera of no section
	Zones   []enforce.Zone     // in its picture
	Health  ingest.Health
	Picture time.Time // when the newest whole picture arrived; zero before any
	Streams []Stream
	Clock   *Clock // nil while the camera's clock is unknown
}

// Size is that of the newest picture in pixels, zero if unknown.
func (c Camera) Size() image.Point {
	for _, s := range c.Streams {
		if s.Name == ingest.Main {
			return s.Size
		}
	}
	return image.Point{}
}

// StreamState is how one stream of a camera fares.
type StreamState string

// The states of a stream.
const (
	StreamUp      StreamState = "up"      // it brings pictures
	StreamWaiting StreamState = "waiting" // it has not brought a whole picture yet
	StreamDown    StreamState = "down"    // it does not come
)

// Stream is one of a camera's streams, as its newest whole picture tells.
type Stream struct {
	Name  ingest.Stream
	State StreamState
	Codec ingest.Codec // empty before any picture
	Size  image.Point  // in pixels; zero if unknown
}

// Clock is what is known of a camera's clock.
type Clock struct {
	Error time.Duration // how far it is ahead of ours, the network's least delay included
	Drift float64       // seconds that it gains on ours in each second; 0 until known
}

// camerasView is the page of all cameras.
type camerasView struct {
	Tabs  []tab // the first is that of all states
	State ingest.State
	Cards []cameraView
	Zone  string // of every time on the page; empty if they are of several
	At    string
}

func (s *Server) cameras(w http.ResponseWriter, r *http.Request) error {
	state := ingest.State(r.FormValue("state"))
	if state != "" && !slices.Contains(ingest.States, state) {
		return status(http.StatusNotFound)
	}
	view := s.camerasView(languageOf(r), s.Cameras.Cameras(), state)
	return s.show(w, r, http.StatusOK, page{Name: "cameras", Title: "cameras.title", Body: view, Live: s.cfg.Refresh})
}

// camerasView lists the cameras in a state, all if it is empty; the worst come
// first.
func (s *Server) camerasView(lang lang, all []Camera, state ingest.State) camerasView {
	v := camerasView{State: state, Tabs: cameraTabs(all, state)}
	shown := slices.DeleteFunc(slices.Clone(all), func(c Camera) bool { return state != "" && c.Health.State != state })
	slices.SortStableFunc(shown, func(a, b Camera) int {
		return cmp.Compare(slices.Index(ingest.States, b.Health.State), slices.Index(ingest.States, a.Health.State))
	})
	now, zone := s.Now(), s.camerasZone(all)
	v.Zone, v.At = zone.String(), now.In(zone).Format(time.TimeOnly)
	for _, c := range shown {
		card := catalogs[lang].cameraView(c, now, zoneOfCamera(c, zone))
		v.Cards = append(v.Cards, card)
		if card.Zone != zone.String() {
			v.Zone = ""
		}
	}
	return v
}

// cameraTabs leads to the cameras in each state, the worst first.
func cameraTabs(all []Camera, current ingest.State) []tab {
	counts := map[ingest.State]int{}
	for _, c := range all {
		counts[c.Health.State]++
	}
	tabs := []tab{{URL: camerasPath(""), State: "all", Count: len(all), Current: current == ""}}
	for _, state := range slices.Backward(ingest.States) {
		tabs = append(tabs, tab{
			URL: camerasPath(state), State: string(state), Count: counts[state], Current: state == current,
		})
	}
	return tabs
}

func (s *Server) camera(w http.ResponseWriter, r *http.Request) error {
	c, ok := s.Cameras.Camera(r.PathValue("id"))
	if !ok {
		return status(http.StatusNotFound)
	}
	zone := zoneOfCamera(c, s.camerasZone(s.Cameras.Cameras()))
	view := catalogs[languageOf(r)].cameraView(c, s.Now(), zone)
	view.Picture.show(largeWidth)
	return s.show(w, r, http.StatusOK, page{Name: "camera", Title: "camera.title", Body: view, Live: s.cfg.Refresh})
}

// camerasZone is the time zone of cameras of no section: that of the first
// section there is, else that of the pages.
func (s *Server) camerasZone(all []Camera) *time.Location {
	for _, c := range all {
		if c.Section.TimeZone != "" {
			return zoneOfCamera(c, time.UTC)
		}
	}
	return s.cfg.TimeZone
}

// zoneOfCamera is the time zone of a camera's section, otherwise if it has
// none.
func zoneOfCamera(c Camera, otherwise *time.Location) *time.Location {
	if c.Section.TimeZone == "" {
		return otherwise
	}
	zone, err := time.LoadLocation(c.Section.TimeZone)
	if err != nil {
		return time.UTC
	}
	return zone
}

// camerasLink is the way to the cameras that every page shows.
type camerasLink struct {
	Unseeing int // cameras through which nothing is seen
}

// camerasLink is nil where there is no such page.
func (s *Server) camerasLink() *camerasLink {
	if s.Cameras == nil {
		return nil
	}
	var link camerasLink
	for _, c := range s.Cameras.Cameras() {
		if c.Health.State == ingest.Blind || c.Health.State == ingest.Offline {
			link.Unseeing++
		}
	}
	return &link
}

func camerasPath(state ingest.State) string {
	if state == "" {
		return "/cameras"
	}
	return "/cameras?" + url.Values{"state": {string(state)}}.Encode()
}

func cameraPath(id string) string { return "/cameras/" + url.PathEscape(id) }
