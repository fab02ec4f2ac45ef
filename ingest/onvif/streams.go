package onvif

import (
	"cmp"
	"context"
	"encoding/xml"
	"errors"
	"net/url"
	"strconv"
	"strings"

	"github.com/kerberos-io/onvif/device"
	"github.com/kerberos-io/onvif/media"
	"github.com/kerberos-io/onvif/xsd/onvif"

	"tidewatch/ingest"
)

// Stream is one of a camera's streams of video.
type Stream struct {
	Profile string // its name in the camera
	URL     string // rtsp or rtsps, without credentials
	Codec   string // such as H264, H265, JPEG
	Width   int    // pixels; 0: not told, and so below
	Height  int
	FPS     float64
	GOP     int // frames from a key frame to the next
}

// The services that are asked.
const (
	nsDevice = "http://www.onvif.org/ver10/device/wsdl"
	nsMedia  = "http://www.onvif.org/ver10/media/wsdl"
	nsMedia2 = "http://www.onvif.org/ver20/media/wsdl" // the only one that knows H.265
)

// streams asks for the streams.
func (c *Camera) streams(ctx context.Context, s *session) {
	services, err := s.services(ctx)
	if err != nil {
		c.trouble(StepStreams, "its services", err)
		return
	}
	err = errNoMedia
	for _, service := range []mediaService{media2, media1} {
		u := services[service.space]
		if u == nil {
			continue
		}
		err = c.streamsOf(ctx, s, service, u)
		if err == nil || !goesOn(err) {
			break
		}
	}
	if err != nil {
		c.trouble(StepStreams, "its streams", err)
	}
}

// mediaService is one of the two ways to ask for streams.
type mediaService struct {
	space    string
	profiles any
	uri      func(token string) any
}

// The library does not know the second service's streams.
type (
	profilesOf2 struct {
		XMLName xml.Name `xml:"tr2:GetProfiles"`
		Type    string   `xml:"tr2:Type"`
	}
	streamURI2 struct {
		XMLName  xml.Name `xml:"tr2:GetStreamUri"`
		Protocol string   `xml:"tr2:Protocol"`
		Profile  string   `xml:"tr2:ProfileToken"`
	}
)

var (
	media1 = mediaService{space: nsMedia, profiles: media.GetProfiles{}, uri: func(token string) any {
		stream, protocol := onvif.StreamType("RTP-Unicast"), onvif.TransportProtocol("RTSP")
		profile := onvif.ReferenceToken(token)
		return media.GetStreamUri{
			StreamSetup:  &onvif.StreamSetup{Stream: &stream, Transport: &onvif.Transport{Protocol: &protocol}},
			ProfileToken: &profile,
		}
	}}
	media2 = mediaService{space: nsMedia2, profiles: profilesOf2{Type: "VideoEncoder"}, uri: func(token string) any {
		return streamURI2{Protocol: "RTSP", Profile: token}
	}}
)

// services asks where the media services are. Devices from before GetServices
// know only one.
func (s *session) services(ctx context.Context) (map[string]*url.URL, error) {
	var told struct {
		Service []struct{ Namespace, XAddr string }
	}
	err := s.call(ctx, s.device, device.GetServices{}, &told)
	if isFault(err) && !errors.Is(err, ingest.ErrUnauthorized) {
		return s.capabilities(ctx)
	}
	services := map[string]*url.URL{}
	for _, service := range told.Service {
		if u := s.ours(service.XAddr); u != nil {
			services[service.Namespace] = u
		}
	}
	return services, err
}

func (s *session) capabilities(ctx context.Context) (map[string]*url.URL, error) {
	var told struct {
		Media string `xml:"Capabilities>Media>XAddr"`
	}
	request := device.GetCapabilities{Category: []onvif.CapabilityCategory{"Media"}}
	if err := s.call(ctx, s.device, request, &told); err != nil {
		return nil, err
	}
	if u := s.ours(told.Media); u != nil {
		return map[string]*url.URL{nsMedia: u}, nil
	}
	return nil, nil
}

// ours is a service's address at the host that the device was reached at: a
// device may know itself by another, and the account is for this one alone.
func (s *session) ours(xaddr string) *url.URL {
	u, err := url.Parse(xaddr)
	if err != nil || u.Host == "" {
		return nil
	}
	our := *s.device
	our.Path, our.RawPath, our.RawQuery = u.Path, u.RawPath, u.RawQuery
	if u.Scheme == our.Scheme && u.Hostname() == our.Hostname() {
		our.Host = u.Host // another port
	}
	return &our
}

// profile is one of either service.
type profile struct {
	Token    string   `xml:"token,attr"`
	Name     string   `xml:"Name"`
	Encoder  *encoder `xml:"VideoEncoderConfiguration"`
	Encoder2 *encoder `xml:"Configurations>VideoEncoder"`
}

// encoder is how a profile's video is made.
type encoder struct {
	Encoding string
	Width    number `xml:"Resolution>Width"`
	Height   number `xml:"Resolution>Height"`
	FPS      number `xml:"RateControl>FrameRateLimit"`
	GOPH264  number `xml:"H264>GovLength"`
	GOPH265  number `xml:"H265>GovLength"`
	GOP2     number `xml:"GovLength,attr"`
}

// number is one that a device may have written in any way.
type number string

// value is 0 for what cannot be.
func (n number) value() float64 {
	v, err := strconv.ParseFloat(clean(string(n)), 64)
	if err != nil || !(v > 0 && v < 1e6) {
		return 0
	}
	return v
}

// maxStreams bounds the questions to one device. Recorders have many.
const maxStreams = 64

func (c *Camera) streamsOf(ctx context.Context, s *session, service mediaService, u *url.URL) error {
	var told struct{ Profiles []profile }
	if err := s.call(ctx, u, service.profiles, &told); err != nil {
		return err
	}
	asked := 0
	for _, p := range told.Profiles {
		if p.encoder() == nil || asked == maxStreams {
			continue
		}
		asked++
		stream, err := s.stream(ctx, service, u, p)
		if stream.URL != "" {
			c.Streams = append(c.Streams, stream)
		}
		if err != nil {
			c.trouble(StepStreams, "its stream "+strconv.Quote(stream.Profile), err)
		}
		if err != nil && !goesOn(err) {
			return nil // told; it would be the same with the others
		}
	}
	if asked == 0 {
		return errNoVideo
	}
	return nil
}

// goesOn reports whether another question may fare better. One for an account
// that was refused does not.
func goesOn(err error) bool {
	ours := errors.Is(err, errNoVideo) || errors.Is(err, errStreamURL) || errors.Is(err, errCredentials)
	return ours || answered(err) && !errors.Is(err, ingest.ErrUnauthorized)
}

func (p profile) encoder() *encoder {
	if p.Encoder2 != nil {
		return p.Encoder2
	}
	return p.Encoder
}

// stream asks where a profile's video is. What it returns with errCredentials
// is a stream all the same.
func (s *session) stream(ctx context.Context, service mediaService, u *url.URL, p profile) (Stream, error) {
	e := p.encoder()
	stream := Stream{
		Profile: cmp.Or(clean(p.Name), clean(p.Token)), Codec: strings.ToUpper(clean(e.Encoding)),
		Width: int(e.Width.value()), Height: int(e.Height.value()), FPS: e.FPS.value(),
		GOP: int(cmp.Or(e.GOP2.value(), e.GOPH264.value(), e.GOPH265.value())),
	}
	var told struct {
		URI  string `xml:"MediaUri>Uri"`
		URI2 string `xml:"Uri"`
	}
	err := s.call(ctx, u, service.uri(p.Token), &told)
	if err == nil {
		stream.URL, err = withoutCredentials(cmp.Or(told.URI, told.URI2), s.password)
	}
	return stream, err
}
