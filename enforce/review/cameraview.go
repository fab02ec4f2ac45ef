package review

import (
	"fmt"
	"image"
	"math"
	"net/url"
	"strconv"
	"strings"
	"time"

	"tidewatch/enforce"
	"tidewatch/enforce/words"
	"tidewatch/ingest"
)

// cameraView is a camera as pages show it, in words.
type cameraView struct {
	URL       string
	Name      string
	Section   string
	Where     string // place and direction
	State     ingest.State
	StateName string
	Since     string // moment
	For       string // how long it has been so
	Zone      string // name of the time zone of these times
	Troubles  []troubleView
	Menus     bool // some of them tell menus
	Picture   cameraPicture
	Facts     []fact
	Streams   []streamView
}

// troubleView is one thing that is wrong: what follows for officers, and what
// was measured and is to be set for whoever looks after the camera.
type troubleView struct {
	What       string
	Advice     words.Advice
	Since, For string
	State      ingest.State
	StateName  string
}

type streamView struct {
	Name, State, StateName, Picture string
}

// cameraPicture is the newest picture with the zones to draw into it.
type cameraPicture struct {
	ID            string // of the element, so that it survives a renewal
	URL           string // empty before any picture
	Full          string // address of the picture at full size
	Width, Height int    // shape; 0 if unknown
	Tall          bool
	Time, Age     string
	Stale         bool // it does not show the present
	Zones         []zoneView
	Name          string // of the camera, for those who do not see

	path string
	at   time.Time
}

// zoneView is a zone in a picture: its outline in thousandths, and where its
// name is written, in percent. Side is the edge of the picture that the name
// is next to and must not cross.
type zoneView struct {
	ID, Outline, Side string
	X, Y              int
}

func zoneViewOf(z enforce.Zone) zoneView {
	percent := func(share float64) int { return int(math.Round(share * 100)) }
	at := middle(z.Polygon)
	v := zoneView{ID: z.ID, Outline: outline(z.Polygon), X: percent(at.X), Y: percent(at.Y)}
	left, right := at.X, at.X
	for _, corner := range z.Polygon {
		left, right = min(left, corner.X), max(right, corner.X)
	}
	switch {
	case v.X < 20:
		v.Side, v.X = "left", max(1, percent(left))
	case v.X > 80:
		v.Side, v.X = "right", min(99, percent(right))
	}
	return v
}

// staleAfter is the age from which a picture no longer passes for the present:
// several key frame intervals of the laziest cameras.
const staleAfter = time.Minute

func (c catalog) cameraView(of Camera, now time.Time, zone *time.Location) cameraView {
	v := cameraView{
		URL: cameraPath(of.ID), Name: of.Name, Section: of.Section.Name, Where: joined(" · ", of.Place, of.Direction),
		State: of.Health.State, StateName: c.say("camera_state", string(of.Health.State)),
		Since: lately(of.Health.Since, now, zone), For: c.duration(now.Sub(of.Health.Since)), Zone: zone.String(),
		Picture: c.cameraPicture(of, now, zone),
		Facts:   c.cameraFacts(of),
	}
	if v.Name == "" {
		v.Name = of.ID
	}
	v.Picture.Name = v.Name
	for _, t := range of.Health.Troubles {
		advice := words.Catalog(c).Advise(t.Cause, of.Vendor)
		v.Menus = v.Menus || len(advice.Menus) > 0
		v.Troubles = append(v.Troubles, troubleView{
			What: c.say("trouble", string(t.Kind)), Advice: advice,
			Since: lately(t.Since, now, zone), For: c.duration(now.Sub(t.Since)),
			State: t.State, StateName: c.say("camera_state", string(t.State)),
		})
	}
	for _, s := range of.Streams {
		v.Streams = append(v.Streams, streamView{
			Name: c.say("stream", string(s.Name)), State: string(s.State), StateName: c.say("stream_state", string(s.State)),
			Picture: joined(" · ", codecName(s.Codec), pixels(s.Size)),
		})
	}
	return v
}

func (c catalog) cameraPicture(of Camera, now time.Time, zone *time.Location) cameraPicture {
	p := cameraPicture{ID: "picture-" + of.ID}
	for _, z := range of.Zones {
		p.Zones = append(p.Zones, zoneViewOf(z))
	}
	if of.Picture.IsZero() {
		return p
	}
	age, size := now.Sub(of.Picture), of.Size()
	p.path, p.at = cameraPath(of.ID)+"/picture", of.Picture
	p.show(smallWidth)
	p.Full = p.address(fullWidth)
	p.Width, p.Height, p.Tall = size.X, size.Y, size.Y > size.X
	p.Time, p.Age = lately(of.Picture, now, zone), c.duration(max(age, 0))
	p.Stale = age > staleAfter || of.Health.State == ingest.Offline
	return p
}

// lately is a moment without its day, if that is today.
func lately(t, now time.Time, zone *time.Location) string {
	return strings.TrimPrefix(moment(t, zone), now.In(zone).Format(time.DateOnly)+" ")
}

// show sets the size in which a page loads the picture.
func (p *cameraPicture) show(width int) {
	if p.path != "" {
		p.URL = p.address(width)
	}
}

// address names the picture's time, so that a browser asks once for each.
func (p *cameraPicture) address(width int) string {
	return p.path + "?" + url.Values{
		"width": {strconv.Itoa(width)}, "at": {strconv.FormatInt(p.at.UnixMilli(), 10)},
	}.Encode()
}

func (c catalog) cameraFacts(of Camera) []fact {
	var zones []string
	for _, z := range of.Zones {
		zones = append(zones, z.ID)
	}
	known, clockError, drift := of.Clock != nil, time.Duration(0), ""
	if known {
		clockError, drift = of.Clock.Error, c.drift(of.Clock.Drift)
	}
	return []fact{
		{"section", of.Section.Name},
		{"place", of.Place},
		{"direction", of.Direction},
		{"zones", strings.Join(zones, ", ")},
		{"clock", c.clockOff(clockError, known)},
		{"drift", drift},
		{"camera_id", of.ID},
		{"device", of.DeviceID},
	}
}

// keepsTime is the drift below which a clock is called true: a twentieth of a
// second in a day.
const keepsTime = 0.05 / 86400

// drift says what a camera's clock gains or loses.
func (c catalog) drift(ratio float64) string {
	aDay := c.duration(time.Duration(math.Abs(ratio) * 86400 * float64(time.Second)))
	switch {
	case ratio == 0:
		return c["drift.unknown"]
	case math.Abs(ratio) < keepsTime:
		return c["drift.none"]
	case ratio > 0:
		return c.say("drift", "gains", "by", aDay)
	}
	return c.say("drift", "loses", "by", aDay)
}

// middle is the centre of a polygon's area, where its name is written; that of
// its corners if it has no area.
func middle(p enforce.Polygon) enforce.Point {
	var area, x, y, sumX, sumY float64
	for i, a := range p {
		b := p[(i+1)%len(p)]
		cross := a.X*b.Y - b.X*a.Y
		area += cross
		x += (a.X + b.X) * cross
		y += (a.Y + b.Y) * cross
		sumX, sumY = sumX+a.X, sumY+a.Y
	}
	if math.Abs(area) < 1e-9 {
		n := float64(max(len(p), 1))
		return enforce.Point{X: sumX / n, Y: sumY / n}
	}
	return enforce.Point{X: x / (3 * area), Y: y / (3 * area)}
}

func codecName(codec ingest.Codec) string {
	switch codec {
	case ingest.H264:
		return "H.264"
	case ingest.H265:
		return "H.265"
	}
	return string(codec)
}

func pixels(size image.Point) string {
	if size.X <= 0 || size.Y <= 0 {
		return ""
	}
	return fmt.Sprintf("%d×%d", size.X, size.Y)
}

// joined puts together those of its parts that say something.
func joined(separator string, parts ...string) string {
	var said []string
	for _, part := range parts {
		if part != "" {
			said = append(said, part)
		}
	}
	return strings.Join(said, separator)
}
