package ingest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Code names why something is wrong with a camera, for programs. What it means
// and what to set on the camera is said elsewhere, in several languages.
type Code string

// Why a stream does not come, be it the main one or the smaller one. Those that
// have to do with one host tell it as the fact "host".
const (
	URLUnusable      Code = "url"           // of the configuration: no RTSP URL
	AuthorityEmpty   Code = "ca_file"       // of the configuration: no certificate in it
	HostUnknown      Code = "no_host"       // no address for the name
	Unreachable      Code = "unreachable"   // no way to the host
	ConnectRefused   Code = "refused"       // nobody listens on the port
	Silent           Code = "silent"        // no answer
	Unheard          Code = "unheard"       // the connection was ended without an answer
	ResetByCamera    Code = "reset"         // RST
	EndedByCamera    Code = "ended"         // FIN
	Unauthorized     Code = "unauthorized"  // user name or password refused
	StaleNonce       Code = "stale_nonce"   // the camera took its challenge back
	BasicOnly        Code = "basic"         // the password is wanted in the clear
	NotFound         Code = "not_found"     // no such path
	BadStatus        Code = "status"        // refused with the RTSP status "status"
	Untrusted        Code = "untrusted"     // its certificate is not trusted
	NoTLS            Code = "no_tls"        // rtsps, and it does not speak TLS
	TLSOnly          Code = "tls"           // rtsp, and it speaks TLS
	OldTLS           Code = "old_tls"       // neither TLS 1.2 nor 1.3
	AnswersHTTP      Code = "http"          // a web server
	ProtocolUnknown  Code = "protocol"      // no RTSP as we know it
	Redirected       Code = "redirected"    // elsewhere, or for ever
	NoVideo          Code = "no_video"      // neither H.264 nor H.265
	TransportRefused Code = "transport"     // neither TCP nor UDP, as allowed
	TrackUnusable    Code = "track"         // its video has no address
	Stalled          Code = "stalled"       // no video for "for"
	NoKeyFrame       Code = "no_key"        // no whole key frame for "for"
	IntraRefresh     Code = "intra_refresh" // as no_key: it refreshes its picture bit by bit
	StreamRestarted  Code = "sender"        // it began its stream anew
	TimeJumped       Code = "time_jump"     // its media clock jumped
	UnitEndless      Code = "endless"       // an access unit does not end
	OtherFault       Code = "other"         // anything else: "error" is what the machine says
)

// What is wrong with a stream that comes.
const (
	KeyFramesAway   Code = "key_frames_away"  // none that is whole, for "for"
	KeyFramesApart  Code = "key_frames_apart" // "apart" or more, as a smart codec sends them
	PacketsLost     Code = "packets_lost"     // on the way
	FewPictures     Code = "few_pictures"     // "rate" a second of those "configured"
	MediaClockWrong Code = "media_clock"      // it runs at "percent" of true speed
	ClockUnknown    Code = "clock_unknown"    // no sender reports
	ClockFast       Code = "clock_fast"       // "by" so much
	ClockSlow       Code = "clock_slow"       // "by" so much
	ClockZoneFast   Code = "clock_zone_fast"  // "by" so much, as a wrong time zone makes it
	ClockZoneSlow   Code = "clock_zone_slow"  // "by" so much, as a wrong time zone makes it
	ClockGains      Code = "clock_gains"      // "by" so much a day
	ClockLoses      Code = "clock_loses"      // "by" so much a day
	Undecodable     Code = "undecodable"      // its pictures
	SubUndecodable  Code = "sub_undecodable"  // those of the smaller stream
	SubDiffers      Code = "sub_differs"      // the smaller stream shows another part of the street
	TooSmall        Code = "too_small"        // vehicles: the "heights" in pixels, by zone
	SceneDark       Code = "dark"             // nothing but black and a few lights
	SceneCovered    Code = "covered"          // something without detail before most of the view
	SceneBlurred    Code = "blurred"          // the same street, without its fine detail
	SceneMoved      Code = "moved"            // by up to "percent" of the picture's longer side
	SceneElsewhere  Code = "elsewhere"        // another view than that of the zones
	SceneFrozen     Code = "frozen"           // the same picture again and again
	SceneLost       Code = "scene_lost"       // nothing that was seen before is there
	ProgramFault    Code = "program"          // ours
)

// What is wrong with a device that is asked by ONVIF, beside what is told of
// hosts above. All tell the fact "host".
const (
	ONVIFAddress      Code = "onvif_address"      // its address cannot be used
	ONVIFRefused      Code = "onvif_refused"      // nobody listens on the port
	ONVIFNoService    Code = "onvif_no_service"   // no such service there
	ONVIFCertificate  Code = "onvif_certificate"  // its certificate is not trusted
	ONVIFProtocol     Code = "onvif_protocol"     // no ONVIF as we know it
	ONVIFEndless      Code = "onvif_endless"      // its answer has no end
	ONVIFFault        Code = "onvif_fault"        // it refuses the question
	ONVIFUnsupported  Code = "onvif_unsupported"  // it does not know the question
	ONVIFUnauthorized Code = "onvif_unauthorized" // it refuses the account
	ONVIFBothClocks   Code = "onvif_both_clocks"  // as above, by its own clock and by ours
	ONVIFSpared       Code = "onvif_spared"       // not asked, since the account was refused before
	ONVIFGivenUp      Code = "onvif_given_up"     // not asked, since it had stopped answering
	ONVIFNoTime       Code = "onvif_no_time"      // neither UTC nor a local time with its zone
	ONVIFLocalTime    Code = "onvif_local_time"   // local time told as UTC
	ONVIFTwoTimes     Code = "onvif_two_times"    // another time than that by which it checks accounts
	ONVIFNoMedia      Code = "onvif_no_media"     // no media service
	ONVIFNoVideo      Code = "onvif_no_video"     // no profile with video
	ONVIFStreamURL    Code = "onvif_stream_url"   // an address that is no RTSP URL
	ONVIFURLAccount   Code = "onvif_url_account"  // credentials in the stream's URL
)

// Causes are the names of the facts that each code has, in the order in which
// they are told.
var Causes = map[Code][]string{
	URLUnusable: nil, AuthorityEmpty: nil,
	HostUnknown: {"host"}, Unreachable: {"host"}, ConnectRefused: {"host"}, Silent: {"host"}, Unheard: {"host"},
	ResetByCamera: {"host"}, EndedByCamera: {"host"}, Unauthorized: {"host"}, StaleNonce: {"host"}, BasicOnly: {"host"},
	NotFound: {"host"}, BadStatus: {"host", "status"}, Untrusted: {"host"}, NoTLS: {"host"}, TLSOnly: {"host"},
	OldTLS: {"host"}, AnswersHTTP: {"host"}, ProtocolUnknown: {"host"}, Redirected: {"host"}, NoVideo: {"host"},
	TransportRefused: {"host"}, TrackUnusable: {"host"}, Stalled: {"host", "for"}, NoKeyFrame: {"host", "for"},
	IntraRefresh: {"host", "for"}, StreamRestarted: {"host"}, TimeJumped: {"host"}, UnitEndless: {"host"},
	OtherFault: {"host", "error"},

	KeyFramesAway: {"for"}, KeyFramesApart: {"apart"}, PacketsLost: nil, FewPictures: {"rate", "configured"}, MediaClockWrong: {"percent"},
	ClockUnknown: nil, ClockFast: {"by"}, ClockSlow: {"by"}, ClockZoneFast: {"by"}, ClockZoneSlow: {"by"},
	ClockGains: {"by"}, ClockLoses: {"by"}, Undecodable: nil, SubUndecodable: nil, SubDiffers: nil, TooSmall: {"heights"},
	SceneDark: nil, SceneCovered: nil, SceneBlurred: nil, SceneMoved: {"percent"}, SceneElsewhere: nil, SceneFrozen: nil,
	SceneLost: nil, ProgramFault: nil,

	ONVIFAddress: {"host"}, ONVIFRefused: {"host"}, ONVIFNoService: {"host"}, ONVIFCertificate: {"host"},
	ONVIFProtocol: {"host"}, ONVIFEndless: {"host"}, ONVIFFault: {"host"}, ONVIFUnsupported: {"host"},
	ONVIFUnauthorized: {"host"}, ONVIFBothClocks: {"host"}, ONVIFSpared: {"host"}, ONVIFGivenUp: {"host"},
	ONVIFNoTime: {"host"}, ONVIFLocalTime: {"host"}, ONVIFTwoTimes: {"host"}, ONVIFNoMedia: {"host"},
	ONVIFNoVideo: {"host"}, ONVIFStreamURL: {"host"}, ONVIFURLAccount: {"host"},
}

// Fact is what was measured or met. Its value is a string, an int, a float64, a
// time.Duration, or a map[string]int.
type Fact struct {
	Name  string
	Value any
}

// Cause is why something is wrong with a camera: a code and its facts, none of
// which is a password or holds one. The zero Cause is that nothing is wrong.
type Cause struct {
	Code  Code
	Facts []Fact
}

// Because returns a cause; pairs are names of facts and their values.
func Because(code Code, pairs ...any) Cause {
	c := Cause{Code: code}
	for i := 0; i+1 < len(pairs); i += 2 {
		c.Facts = append(c.Facts, Fact{fmt.Sprint(pairs[i]), pairs[i+1]})
	}
	return c
}

// With returns the cause with another fact before those that it has.
func (c Cause) With(name string, value any) Cause {
	c.Facts = slices.Insert(slices.Clone(c.Facts), 0, Fact{name, value})
	return c
}

// Values are the facts for programs. A length of time is a number of seconds,
// and named so.
func (c Cause) Values() map[string]any {
	values := map[string]any{}
	for _, f := range c.Facts {
		if d, ok := f.Value.(time.Duration); ok {
			values[f.Name+"_seconds"] = d.Seconds()
		} else {
			values[f.Name] = f.Value
		}
	}
	return values
}

// Fault is a cause as an error: why a connection failed or ended.
type Fault struct{ Cause }

// NewFault returns a fault; pairs are names of facts and their values.
func NewFault(code Code, pairs ...any) *Fault { return &Fault{Because(code, pairs...)} }

// Error is for engineers: the code and the facts.
func (f *Fault) Error() string {
	text := strings.ReplaceAll(string(f.Code), "_", " ")
	for _, fact := range f.Facts {
		text += fmt.Sprintf(" %s=%v", fact.Name, fact.Value)
	}
	return text
}

// Is reports whether the other is a fault of the same code.
func (f *Fault) Is(target error) bool {
	other, ok := target.(*Fault)
	return ok && other.Code == f.Code
}

// CauseOf is the cause of an error; of any but a fault only what it says is
// known.
func CauseOf(err error) Cause {
	var fault *Fault
	switch {
	case err == nil:
		return Because(EndedByCamera)
	case errors.As(err, &fault):
		return fault.Cause
	}
	return Because(OtherFault, "error", err.Error())
}
