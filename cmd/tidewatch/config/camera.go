package config

import (
	"bytes"
	"crypto/x509"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"tidewatch/enforce/written"
	"tidewatch/ingest"
)

var deviceForm = regexp.MustCompile(`^[0-9]{20}$`)

const (
	// longestInterval is between pictures of a camera that is of any use.
	longestInterval = 10 * time.Second
	// longestTolerance keeps the two clocks close enough for a stop to go on when
	// one takes the other's place.
	longestTolerance = 30 * time.Second
)

func (r *resolver) cameras(c *Config, f *file) map[string]bool {
	taken := map[string]bool{}
	if len(f.Cameras) == 0 {
		r.wrong("cameras", "at least one camera is needed")
	}
	streams, devices := map[string]string{}, map[string]string{}
	for i, y := range f.Cameras {
		path := fmt.Sprintf("cameras[%d]", i)
		r.id(path+".id", y.ID, taken)
		r.streams(path, y, streams)
		r.deviceID(path+".device_id", y.DeviceID, devices)
		r.account(path, y.Username, y.Secret)
		if secure := strings.HasPrefix(y.URL, "rtsps:"); y.AllowBasic && secure {
			r.doubt(path+".allow_basic", "is of no use with rtsps, where the password is never sent in the clear")
		}
		c.Cameras = append(c.Cameras, ingest.Camera{
			ID: y.ID, Name: string(y.Name), DeviceID: y.DeviceID, Place: string(y.Place), Direction: string(y.Direction),
			Section: y.Section, Vendor: r.vendor(path+".vendor", y.Vendor), URL: y.URL, SubURL: y.SubURL,
			Transport: r.transport(path+".transport", y), Authority: r.authority(path+".ca_file", y),
			Username: y.Username, Password: r.password(passwordOf(path), y.Secret), AllowBasic: y.AllowBasic,
			FrameInterval:  r.duration(path+".frame_interval", y.FrameInterval, time.Millisecond, longestInterval, "fewer pictures show no stop"),
			ClockTolerance: r.duration(path+".clock_tolerance", y.ClockTolerance, 0, longestTolerance, "set the camera's clock instead"),
		})
	}
	return taken
}

// streams checks a camera's URLs; those before it are known by their path.
func (r *resolver) streams(path string, y cameraYAML, before map[string]string) {
	r.stream(path+".url", y.URL, before)
	if y.SubURL == "" {
		return
	}
	if strings.HasPrefix(y.URL, "rtsps:") && strings.HasPrefix(y.SubURL, "rtsp:") {
		r.doubt(path+".sub_url", "is not encrypted, though url is")
	}
	r.stream(path+".sub_url", y.SubURL, before)
}

func (r *resolver) stream(path, s string, before map[string]string) {
	r.cameraURL(path, s)
	if key := sameStream(s); key != "" {
		if first, twice := before[key]; twice {
			r.wrong(path, "is the same stream as %s%s", first, sameReason(path, first))
		} else {
			before[key] = path
		}
	}
}

// sameReason is what to do where one stream is written twice.
func sameReason(path, first string) string {
	if parent(path) == parent(first) {
		return ": leave it out if the camera has no smaller one"
	}
	return ": a vehicle in it would be two cases"
}

// Kinds of device are digits 11 to 13 of its number (GA/T 1400, GB/T 28181).
var cameraKinds = []string{
	"119", // capture device
	"131", // camera
	"132", // network camera
}

// leastOtherKind is that of the first kind that is no device in the street:
// servers, users, platforms.
const leastOtherKind = "200"

func (r *resolver) deviceID(path, id string, taken map[string]string) {
	if id == "" {
		return
	}
	first, twice := taken[id]
	switch {
	case !deviceForm.MatchString(id):
		r.wrong(path, "%q: want 20 digits", id)
		return
	case twice:
		r.wrong(path, "%s: already used by %s", id, first)
	case id[10:13] >= leastOtherKind:
		r.wrong(path, "%s: its kind (digits 11 to 13) is %s, that of a server, a user or a platform: want 119, 131 or 132", id, id[10:13])
	case !slices.Contains(cameraKinds, id[10:13]):
		r.doubt(path, "%s: its kind (digits 11 to 13) is %s, which is no camera's: 119, 131 or 132 is usual", id, id[10:13])
	}
	taken[id] = path
}

// cameraSections checks the sections that cameras name.
func (r *resolver) cameraSections(c *Config) {
	for i, camera := range c.Cameras {
		if camera.Section != "" {
			r.knownSection(fmt.Sprintf("cameras[%d].section", i), c, camera.Section)
		}
	}
}

// vendor reads whose menus a camera has; there may be none that are known.
func (r *resolver) vendor(path, s string) ingest.Vendor {
	v := ingest.Vendor(s)
	if s != "" && !slices.Contains(ingest.Vendors, v) {
		r.wrong(path, "%q: want hikvision, dahua or uniview, or leave it out", s)
	}
	return v
}

func (r *resolver) transport(path string, y cameraYAML) ingest.Transport {
	t := ingest.Transport(y.Transport)
	switch {
	case !slices.Contains([]ingest.Transport{ingest.TransportAuto, ingest.TransportTCP, ingest.TransportUDP}, t):
		r.wrong(path, "%q: want auto, tcp or udp", y.Transport)
	case t == ingest.TransportUDP && strings.HasPrefix(y.URL, "rtsps:"):
		r.wrong(path, "udp would carry the video of an rtsps camera in the open: use tcp")
	}
	return t
}

// authority reads the certificates that a camera's own must be signed by.
func (r *resolver) authority(path string, y cameraYAML) []byte {
	if y.CAFile != "" && !strings.HasPrefix(y.URL, "rtsps:") {
		r.wrong(path, "is of no use without an rtsps URL")
		return nil
	}
	text, _ := r.certificates(path, y.CAFile)
	return text
}

// certificates reads a file of them; nil where none is named.
func (r *resolver) certificates(path string, file fileName) ([]byte, *x509.CertPool) {
	if file == "" {
		return nil, nil
	}
	text, err := written.Read(string(file))
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	pool := x509.NewCertPool()
	if err == nil && !pool.AppendCertsFromPEM(text) {
		if _, err = written.Text(string(file), text); err == nil { // what is PEM may have remarks of any kind
			err = fmt.Errorf("%s holds no certificate in PEM", file)
		}
	}
	if err != nil {
		r.wrong(path, "%v", err)
	}
	return text, pool
}
