package simonvif

import (
	"bytes"
	"embed"
	"encoding/xml"
	"io"
	"net/http"
	"slices"
	"strings"
	"text/template"
	"time"
)

//go:embed answers.xml
var answersFile embed.FS

var answers = template.Must(template.New("").Funcs(template.FuncMap{"text": escaped}).ParseFS(answersFile, "answers.xml"))

func escaped(text string) (string, error) {
	var b strings.Builder
	err := xml.EscapeText(&b, []byte(text))
	return b.String(), err
}

// answer writes one of the answers.
func answer(name string, about any) []byte {
	var b bytes.Buffer
	if err := answers.ExecuteTemplate(&b, name, about); err != nil {
		panic(err) // the answers are part of the program
	}
	return b.Bytes()
}

// question is what a client asks.
type question struct {
	XMLName xml.Name `xml:"http://www.w3.org/2003/05/soap-envelope Envelope"`
	Token   token    `xml:"Header>Security>UsernameToken"`
	Body    struct {
		Asked []struct {
			XMLName xml.Name
			Profile string `xml:"ProfileToken"`
		} `xml:",any"`
	} `xml:"http://www.w3.org/2003/05/soap-envelope Body"`
}

// longestQuestion is far beyond any.
const longestQuestion = 64 << 10

// spaces are the services that each path answers.
var spaces = map[string]string{
	"/onvif/device_service": "http://www.onvif.org/ver10/device/wsdl",
	"/onvif/media_service":  "http://www.onvif.org/ver10/media/wsdl",
	"/onvif/media2_service": "http://www.onvif.org/ver20/media/wsdl",
}

// open are the questions that need no account.
var open = []string{"GetSystemDateAndTime", "GetServices", "GetCapabilities"}

// ServeHTTP answers one question.
func (d *Device) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	space, ok := spaces[r.URL.Path]
	if !ok || r.Method != http.MethodPost {
		http.NotFound(w, r)
		return
	}
	text, err := io.ReadAll(io.LimitReader(r.Body, longestQuestion))
	var q question
	if err != nil || xml.Unmarshal(text, &q) != nil || len(q.Body.Asked) != 1 || q.Body.Asked[0].XMLName.Space != space {
		d.refuse(w, "WellFormed")
		return
	}
	name := q.Body.Asked[0].XMLName.Local
	d.count(name)
	if instead := d.cfg.Instead[name]; instead != nil {
		instead(w, r)
		return
	}
	if err := d.check(q.Token); err != nil && (!slices.Contains(open, name) || q.Token.Username != "") {
		d.log.Info("refused", "question", name, "reason", err)
		d.refuse(w, "NotAuthorized")
		return
	}
	d.reply(w, name, q.Body.Asked[0].Profile, r.URL.Path == "/onvif/media2_service")
}

func (d *Device) count(name string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked[name]++
}

// refuse answers with a fault.
func (d *Device) refuse(w http.ResponseWriter, code string) {
	w.Header().Set("Content-Type", "application/soap+xml; charset=utf-8")
	w.WriteHeader(http.StatusBadRequest)
	_, _ = w.Write(answer("fault", code))
}

func (d *Device) reply(w http.ResponseWriter, name, profile string, second bool) {
	var about any = d.cfg
	switch name {
	case "GetSystemDateAndTime":
		about = d.clock()
	case "GetServices", "GetCapabilities":
		about = map[string]string{"Device": d.service("device_service"), "Media": d.media("media_service", d.cfg.NoMedia), "Media2": d.media("media2_service", d.cfg.NoMedia || d.cfg.NoMedia2)}
	case "GetProfiles":
		about = d.profiles(second)
	case "GetStreamUri":
		found := slices.IndexFunc(d.cfg.Profiles, func(p Profile) bool { return p.Token == profile })
		if found < 0 {
			d.refuse(w, "NoProfile")
			return
		}
		about = d.cfg.Profiles[found]
	case "GetDeviceInformation":
	default:
		d.refuse(w, "ActionNotSupported")
		return
	}
	if second {
		name += "2"
	}
	w.Header().Set("Content-Type", "application/soap+xml; charset=utf-8")
	_, _ = w.Write(answer(name, about))
}

func (d *Device) media(service string, missing bool) string {
	if missing {
		return ""
	}
	return d.service(service)
}

// profiles are those that a media service knows.
func (d *Device) profiles(second bool) []Profile {
	return slices.DeleteFunc(slices.Clone(d.cfg.Profiles), func(p Profile) bool { return p.Encoding == "H265" && !second })
}

type clock struct {
	Set, TimeZone string
	UTC           *time.Time
	Local         time.Time
}

// localOffset is what the device's local time is ahead of UTC, whatever its
// rule says: the simulated street is in China.
const localOffset = 8 * time.Hour

func (d *Device) clock() clock {
	utc := d.now().UTC()
	c := clock{Set: "NTP", TimeZone: d.cfg.TimeZone, UTC: &utc, Local: utc.Add(localOffset)}
	if d.cfg.Manual {
		c.Set = "Manual"
	}
	if d.cfg.HideUTC {
		c.UTC = nil
	}
	return c
}
