package feed_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"flag"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidewatch/ingest"
	"tidewatch/ingest/feed"
	"tidewatch/ingest/simcam"
)

var update = flag.Bool("update", false, "write docs/faults.md")

// fault is what a camera, or the way to it, does wrong. The table of faults in
// the documentation is made from these.
type fault struct {
	name     string
	is       string // what goes wrong
	health   string // how the camera then fares
	metric   string // that tells
	reaction string // what is done about it
	test     func(t *testing.T)
}

func ended(reason string) string {
	return fmt.Sprintf("`tidewatch_ingest_failures_total{reason=%q}`", reason)
}

func trouble(kind ingest.Kind) string {
	return fmt.Sprintf("`tidewatch_ingest_trouble{kind=%q}`", string(kind))
}

// failed checks that connections have ended for a reason.
func (r *rig) failed(reason string) {
	r.t.Helper()
	if r.metric("tidewatch_ingest_failures_total", reason) == 0 {
		r.t.Errorf("no failure with reason %s is counted", reason)
	}
}

// troubled checks that the metric of a trouble stands.
func (r *rig) troubled(kind ingest.Kind) {
	r.t.Helper()
	r.until("the metric of "+string(kind), func() bool { return r.metric("tidewatch_ingest_trouble", string(kind)) == 1 })
}

// refusing is a camera that answers so from the start, and is healed.
func refusing(faults simcam.Faults, why ingest.Code) func(*testing.T) {
	return func(t *testing.T) {
		r := newRig(t)
		r.misbehave(faults)
		r.start()
		r.in(ingest.Offline, ingest.TroubleStream, why)
		r.troubled(ingest.TroubleStream)
		r.failed(string(why))
		r.misbehave(simcam.Faults{})
		r.live()
		r.discreet()
	}
}

// failing is a camera that plays, does something once or until it is healed,
// and is offline for it, then live again in another session.
func failing(do func(*rig), why ingest.Code) func(*testing.T) {
	return func(t *testing.T) {
		r := newRig(t)
		r.start()
		r.live()
		session := r.newest().Session
		do(r)
		r.in(ingest.Offline, ingest.TroubleStream, why)
		r.failed(string(why))
		r.misbehave(simcam.Faults{})
		r.live()
		if again := r.newest().Session; again <= session {
			t.Errorf("session %d follows session %d", again, session)
		}
		r.discreet()
	}
}

// clockOff is a camera whose clock is off by so much.
func clockOff(by time.Duration, why ingest.Code) func(*testing.T) {
	return func(t *testing.T) {
		r := newRig(t)
		r.misbehave(simcam.Faults{ClockOffset: by})
		r.start()
		r.in(ingest.Degraded, ingest.TroubleClock, why)
		r.troubled(ingest.TroubleClock)
		r.until("the error of the clock", func() bool {
			return (seconds(r.metric("tidewatch_ingest_clock_error_seconds", "")) - by).Abs() < 5*time.Second
		})
		u := r.timed()
		if off := u.Time(r.camera.ClockTolerance).Sub(u.Arrival); off.Abs() > 5*time.Second {
			t.Errorf("judged by a time that is %s off ours", off)
		}
		if clockError, _ := u.Resolved().ClockError(); (clockError - by).Abs() > 5*time.Second {
			t.Errorf("the picture says its clock is %s off", clockError)
		}
		r.misbehave(simcam.Faults{})
		r.live()
		r.discreet()
	}
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// lossy is a camera on a network that loses packets.
func lossy(share float64) func(*testing.T) {
	return func(t *testing.T) {
		r := newRig(t)
		r.camera.Transport = ingest.TransportUDP
		// After a loss, 64 packets are waited for, in case it is only late.
		r.cfg.RTSP.UnitTimeout = patience
		r.misbehave(simcam.Faults{Loss: share, LossSeed: 1})
		r.start()
		r.in(ingest.Degraded, ingest.TroubleDamage, ingest.PacketsLost)
		r.troubled(ingest.TroubleDamage)
		r.until("whole pictures between", func() bool { r.mu.Lock(); defer r.mu.Unlock(); return len(r.looks) > 3 })
		for _, metric := range []string{"tidewatch_rtsp_gaps_total", "tidewatch_ingest_damaged_units_total"} {
			if r.metric(metric, "main") == 0 {
				t.Errorf("%s counts nothing", metric)
			}
		}
		r.misbehave(simcam.Faults{})
		r.live()
		r.mu.Lock()
		defer r.mu.Unlock()
		for _, look := range r.looks {
			if look.Unit.Damaged || look.Shown == nil || look.Shown.Damaged {
				t.Error("a damaged picture is looked at")
			}
		}
		r.discreet()
	}
}

// What is done, with the numbers in force.
var (
	usual     = feed.DefaultConfig()
	waits     = fmt.Sprintf("tried again, first after %s, then after ever longer, up to %s", usual.Supervisor.FirstWait, usual.Supervisor.LongestWait)
	carefully = fmt.Sprintf("tried again after %s, then after up to %s: cameras lock accounts", usual.Supervisor.UnauthorizedWait/6, usual.Supervisor.UnauthorizedWait)
	anew      = fmt.Sprintf("connected anew after %s without a picture", usual.RTSP.UnitTimeout)
	keyless   = fmt.Sprintf("connected anew after %s, for which most cameras give a key frame", usual.RTSP.KeyTimeout)
)

const ourClock = "our clock is used; the measured error goes with each picture into the evidence"

// faults are in the order of the documentation.
var faults = []fault{
	{
		"refused", "nobody listens on the camera's port", "offline", ended("refused"), waits,
		func(t *testing.T) {
			r := newRig(t)
			r.check(r.server.Refuse())
			r.start()
			r.in(ingest.Offline, ingest.TroubleStream, ingest.ConnectRefused)
			r.failed("refused")
			r.check(r.server.Accept())
			r.live()
			r.discreet()
		},
	},
	{
		"wrong password", "401 to the right request", "offline", ended("unauthorized"),
		carefully,
		refusing(simcam.Faults{Password: "another"}, ingest.Unauthorized),
	},
	{
		"stale nonce", "the challenge runs out while the session is set up", "offline for a moment", ended("stale_nonce"),
		"connected anew with a new challenge; no wrong password is assumed",
		refusing(simcam.Faults{NonceUses: 2}, ingest.StaleNonce),
	},
	{
		"stale nonce in a session", "the challenge of a running session runs out", "live; offline for a moment if the camera hangs up", ended("ended"),
		"keepalives go on with the old one; if the camera ends the session for that, connected anew with a new one",
		func(t *testing.T) {
			// Told to be quick, we send a keepalive each second. This camera
			// forgives one that is stale, and hangs up at the second.
			r := newRig(t, func(c *simcam.Config) { c.IdleTimeout = 8 * time.Second })
			r.start()
			r.live()
			session := r.newest().Session
			r.server.Feed("main").ExpireNonces()
			r.in(ingest.Offline, ingest.TroubleStream, ingest.EndedByCamera)
			r.failed("ended")
			r.live()
			if again := r.newest().Session; again <= session {
				t.Errorf("session %d follows session %d", again, session)
			}
			if n := r.metric("tidewatch_ingest_failures_total", "unauthorized"); n > 0 {
				t.Errorf("%v times the password was taken for wrong", n)
			}
			r.discreet()
		},
	},
	{
		"password in the clear", "the camera knows Basic authentication alone, without TLS", "offline", ended("basic"),
		"the password is not sent, unless `allow_basic` allows it",
		func(t *testing.T) {
			r := newRig(t)
			address, heard := basic(t)
			r.camera.URL = "rtsp://" + address + "/main"
			r.start()
			r.in(ingest.Offline, ingest.TroubleStream, ingest.BasicOnly)
			r.failed("basic")
			r.discreet()
			if text := heard(); strings.Count(text, "OPTIONS") < 2 || strings.Contains(text, "Authorization") {
				t.Errorf("the camera heard\n%s", text)
			}
		},
	},
	{
		"no such stream", "404", "offline", ended("not_found"), waits,
		refusing(simcam.Faults{Status: 404}, ingest.NotFound),
	},
	{
		"busy", "453, or another refusal", "offline", ended("status"), waits,
		refusing(simcam.Faults{Status: 453}, ingest.BadStatus),
	},
	{
		"untrusted certificate", "TLS, and nobody we know has signed the certificate", "offline", ended("untrusted"),
		"no request is sent; `ca_file` names whom to trust",
		func(t *testing.T) {
			security, authority := certificate(t)
			r := newRig(t, func(c *simcam.Config) { c.TLS, c.UDP = security, false })
			r.start()
			r.in(ingest.Offline, ingest.TroubleStream, ingest.Untrusted)
			r.failed("untrusted")
			r.discreet()

			trusting := newRig(t, func(c *simcam.Config) { c.TLS, c.UDP = security, false })
			trusting.camera.Authority = authority
			trusting.start()
			trusting.live()
			trusting.discreet()
		},
	},
	{
		"TLS where there is none", "the camera does not speak it on this port", "offline", ended("no_tls"),
		"nothing is sent without it; `rtsp` does without",
		func(t *testing.T) {
			r := newRig(t)
			r.camera.URL = strings.Replace(r.camera.URL, "rtsp:", "rtsps:", 1)
			r.start()
			r.in(ingest.Offline, ingest.TroubleStream, ingest.NoTLS)
			r.failed("no_tls")
			r.discreet()
		},
	},
	{
		"no TLS where there is", "the camera speaks only TLS on this port", "offline", ended("tls"),
		"it is asked whether it does, and the reason names `rtsps`",
		func(t *testing.T) {
			security, _ := certificate(t)
			r := newRig(t, func(c *simcam.Config) { c.TLS, c.UDP = security, false })
			r.camera.URL = strings.Replace(r.camera.URL, "rtsps:", "rtsp:", 1)
			r.start()
			r.in(ingest.Offline, ingest.TroubleStream, ingest.TLSOnly)
			r.failed("tls")
			r.discreet()
		},
	},
	{
		"a web server", "HTTP at the port of the URL", "offline", ended("http"), "the reason says so",
		func(t *testing.T) {
			r := newRig(t)
			server := httptest.NewServer(http.NotFoundHandler())
			t.Cleanup(server.Close)
			r.camera.URL = "rtsp://" + server.Listener.Addr().String() + "/main"
			r.start()
			r.in(ingest.Offline, ingest.TroubleStream, ingest.AnswersHTTP)
			r.failed("http")
			r.discreet()
		},
	},
	{
		"refuses TCP", "461 to RTP over TCP", "live", "`tidewatch_ingest_up`", "UDP is used, unless `transport: tcp` forbids it",
		func(t *testing.T) {
			r := newRig(t)
			r.misbehave(simcam.Faults{NoTCP: true})
			r.start()
			r.live()
			r.discreet()

			strict := newRig(t)
			strict.camera.Transport = ingest.TransportTCP
			strict.misbehave(simcam.Faults{NoTCP: true})
			strict.start()
			strict.in(ingest.Offline, ingest.TroubleStream, ingest.TransportRefused)
			strict.failed("transport")
			strict.discreet()
		},
	},
	{
		"redirected", "the camera names another host", "offline", ended("redirected"),
		"not followed: the credentials stay at home",
		func(t *testing.T) {
			thief, err := net.Listen("tcp", "127.0.0.2:0")
			if err != nil {
				t.Fatal(err)
			}
			defer thief.Close()
			caught := make(chan net.Conn, 1)
			go func() {
				if conn, err := thief.Accept(); err == nil {
					caught <- conn
				}
			}()
			refusing(simcam.Faults{Redirect: "rtsp://" + thief.Addr().String() + "/main"}, ingest.Redirected)(t)
			select {
			case conn := <-caught:
				conn.Close()
				t.Error("the redirect was followed")
			default:
			}
		},
	},
	{
		"redirect loop", "the camera names itself", "offline", ended("redirected"), "given up after three connections; " + waits,
		func(t *testing.T) {
			r := newRig(t)
			r.misbehave(simcam.Faults{Redirect: r.server.URL("main")})
			r.start()
			r.in(ingest.Offline, ingest.TroubleStream, ingest.Redirected)
			r.failed("redirected")
			r.misbehave(simcam.Faults{})
			r.live()
			r.discreet()
		},
	},
	{
		"no media", "PLAY is answered, and nothing follows", "offline", ended("stalled"),
		anew,
		refusing(simcam.Faults{Stall: true}, ingest.Stalled),
	},
	{
		"stall", "video stops, keepalives are answered", "offline", ended("stalled"),
		anew,
		failing(func(r *rig) { r.misbehave(simcam.Faults{Stall: true}) }, ingest.Stalled),
	},
	{
		"hang-up", "FIN", "offline", ended("ended"), waits,
		failing(func(r *rig) { r.server.Feed("main").HangUp() }, ingest.EndedByCamera),
	},
	{
		"reset", "RST", "offline", ended("reset"), waits,
		failing(func(r *rig) { r.server.Feed("main").Reset() }, ingest.ResetByCamera),
	},
	{
		"garbage", "what looks like RTSP but is not, on the control connection", "offline", ended("protocol"), waits,
		failing(func(r *rig) { r.server.Feed("main").Write([]byte("RTSP/9.9 " + password + "\r\n\r\n")) }, ingest.ProtocolUnknown),
	},
	{
		"noise", "bytes between the packets that look like nothing", "live", "`tidewatch_rtsp_gaps_total`, if a packet is lost in it",
		"passed over",
		func(t *testing.T) {
			r := newRig(t)
			r.start()
			r.live()
			session := r.newest().Session
			if n := r.server.Feed("main").Write([]byte("HTTP/1.1 " + password + "\r\n\r\n")); n != 1 {
				t.Fatalf("the noise went to %d sessions", n)
			}
			r.live()
			r.live()
			if now := r.newest().Session; now != session {
				t.Errorf("session %d follows session %d", now, session)
			}
			r.discreet()
		},
	},
	{
		"no key frame", "pictures come, but none that can be decoded", "blind, then offline", trouble(ingest.TroubleKeys) + ", " + ended("no_key"),
		keyless,
		func(t *testing.T) {
			r := newRig(t)
			r.start()
			r.live()
			r.misbehave(simcam.Faults{NoKeyFrames: true})
			r.in(ingest.Blind, ingest.TroubleKeys, ingest.KeyFramesAway)
			r.troubled(ingest.TroubleKeys)
			r.in(ingest.Offline, ingest.TroubleStream, ingest.NoKeyFrame)
			r.failed("no_key")
			r.misbehave(simcam.Faults{})
			r.live()
			r.discreet()
		},
	},
	{
		"new resolution", "other parameter sets in the same session", "live", "`tidewatch_ingest_up`",
		"the new format goes with each picture; a clip does not cross the change",
		func(t *testing.T) {
			r := newRig(t)
			r.start()
			r.live()
			before := r.newest()
			r.check(r.server.Feed("main").Show(film(t, ingest.H264, 160)))
			r.until("pictures of another format", func() bool { return r.newest().Format.SizeOf(r.newest().NALUs) != before.Format.SizeOf(before.NALUs) })
			r.live()
			if now := r.newest(); now.Session != before.Session || now.Damaged {
				t.Errorf("session %d, damaged %v; want session %d to go on", now.Session, now.Damaged, before.Session)
			}
			r.discreet()
		},
	},
	{
		"new codec", "H.264 becomes H.265 in the same session", "offline for a moment", ended("stalled"),
		anew + ": the camera then says what it sends",
		func(t *testing.T) {
			r := newRig(t)
			r.start()
			r.live()
			r.check(r.server.Feed("main").Show(film(t, ingest.H265, 320)))
			r.in(ingest.Offline, ingest.TroubleStream, ingest.Stalled)
			r.failed("stalled")
			r.until("pictures in H.265", func() bool { return r.newest().Format.Codec == ingest.H265 })
			r.live()
			r.discreet()
		},
	},
	{
		"1 % loss", "1 % of the packets are lost over UDP", "degraded", trouble(ingest.TroubleDamage),
		"what is damaged, up to the next whole key frame, is neither looked at nor evidence", lossy(0.01),
	},
	{
		"5 % loss", "5 % of the packets are lost over UDP", "degraded", trouble(ingest.TroubleDamage),
		"as above; TCP would mend it", lossy(0.05),
	},
	{
		"too few pictures", "fewer than `frame_interval` says", "degraded", trouble(ingest.TroubleRate), "none",
		func(t *testing.T) {
			r := newRig(t)
			r.camera.FrameInterval = 40 * time.Millisecond
			r.start()
			r.in(ingest.Degraded, ingest.TroubleRate, ingest.FewPictures)
			r.troubled(ingest.TroubleRate)
			r.discreet()
		},
	},
	{
		"an hour off", "the camera's clock is an hour fast", "degraded", trouble(ingest.TroubleClock) + ", `tidewatch_ingest_clock_error_seconds`",
		ourClock, clockOff(time.Hour, ingest.ClockZoneFast),
	},
	{
		"eight hours off", "the camera's clock knows no time zone", "degraded", trouble(ingest.TroubleClock) + ", `tidewatch_ingest_clock_error_seconds`",
		ourClock, clockOff(-8*time.Hour, ingest.ClockZoneSlow),
	},
	{
		"clock set", "the camera's clock is set while it plays", "degraded while it is wrong", "`tidewatch_ingest_clock_steps_total`",
		"its error is measured anew",
		func(t *testing.T) {
			r := newRig(t)
			r.start()
			r.live()
			r.timed()
			r.misbehave(simcam.Faults{ClockOffset: time.Minute})
			r.in(ingest.Degraded, ingest.TroubleClock, ingest.ClockFast)
			if steps := r.metric("tidewatch_ingest_clock_steps_total", ""); steps != 1 {
				t.Errorf("%v steps counted, want 1", steps)
			}
			r.misbehave(simcam.Faults{})
			r.live()
			r.discreet()
		},
	},
	{
		"no clock", "no RTCP sender reports", "degraded", trouble(ingest.TroubleClock),
		"our clock is used, and the evidence says that the camera's was unknown; what came before a report is told its time by it",
		func(t *testing.T) {
			r := newRig(t)
			r.misbehave(simcam.Faults{NoReports: true})
			r.start()
			r.in(ingest.Degraded, ingest.TroubleClock, ingest.ClockUnknown)
			r.troubled(ingest.TroubleClock)
			r.until("a picture", func() bool { return r.newest() != nil })
			uncertain := r.newest()
			if _, known := uncertain.Resolved().ClockError(); known || !uncertain.Time(time.Hour).Equal(uncertain.Arrival) {
				t.Error("a time is known that nobody told")
			}
			r.misbehave(simcam.Faults{})
			r.live()
			if clockError, known := uncertain.Resolved().ClockError(); !known || clockError.Abs() > 10*time.Second {
				t.Errorf("after the report the picture before it has the error %s (%v)", clockError, known)
			}
			r.discreet()
		},
	},
	{
		"drift", "the camera's clock gains 500 ppm", "degraded", trouble(ingest.TroubleClock) + ", `tidewatch_ingest_clock_drift_ratio`",
		"the drift is measured and taken into account; beyond `clock_tolerance` our clock is used",
		func(t *testing.T) {
			r := newRig(t)
			r.cfg.ClockSpan = time.Second // half a minute instead of two and a half
			r.misbehave(simcam.Faults{ClockDrift: 500})
			r.start()
			r.in(ingest.Degraded, ingest.TroubleClock, ingest.ClockGains)
			// A loaded machine is a poor network.
			r.until("the drift", func() bool {
				drift := r.metric("tidewatch_ingest_clock_drift_ratio", "")
				return drift > 400e-6 && drift < 600e-6
			})
			r.discreet()
		},
	},
	{
		"no smaller stream", "the main stream plays, the smaller one does not", "degraded", trouble(ingest.TroubleSubStream),
		"the main stream is looked at as well",
		func(t *testing.T) {
			r := newRig(t)
			r.camera.SubURL = r.server.URL("sub")
			r.start()
			r.live()
			r.until("a look at the smaller stream", func() bool { return r.newest().Stream == ingest.Sub })
			r.server.Feed("sub").Misbehave(simcam.Faults{Status: 404})
			r.server.Feed("sub").HangUp()
			r.in(ingest.Degraded, ingest.TroubleSubStream, ingest.NotFound)
			r.troubled(ingest.TroubleSubStream)
			r.until("a look at the main stream", func() bool { return r.newest().Stream == ingest.Main })
			r.server.Feed("sub").Misbehave(simcam.Faults{})
			r.live()
			r.until("a look at the smaller stream again", func() bool { return r.newest().Stream == ingest.Sub })
			r.discreet()
		},
	},
	{
		"smart codec", "key frames come a minute and more apart, as H.264+ and H.265+ send a street at rest", "degraded", trouble(ingest.TroubleKeys),
		fmt.Sprintf("beyond %s, the pictures between are decoded on from the last key frame and looked at at the usual pace; "+
			"beyond %s health says how far apart key frames are, and what to set", usual.Inspector.KeysApart, usual.Inspector.KeysFar),
		smart(ingest.H264),
	},
	{
		"smart codec of H.265", "the same in H.265", "degraded", trouble(ingest.TroubleKeys), "the same",
		smart(ingest.H265),
	},
	{
		"loss between distant key frames", "packets are lost, and the next key frame is a minute away", "blind, then offline",
		trouble(ingest.TroubleKeys) + ", " + ended("no_key"), "nothing is looked at up to the next key frame; " + keyless,
		func(t *testing.T) {
			r := newRig(t)
			r.smart(ingest.H264, 320)
			session := r.newest().Session
			r.misbehave(simcam.Faults{Loss: 0.3, LossSeed: 1})
			r.in(ingest.Blind, ingest.TroubleKeys, ingest.KeyFramesAway)
			r.troubled(ingest.TroubleKeys)
			seen := r.newest()
			r.misbehave(simcam.Faults{})
			r.in(ingest.Offline, ingest.TroubleStream, ingest.NoKeyFrame)
			r.failed("no_key")
			if r.newest() != seen || seen.Session != session {
				t.Errorf("looked at %+v after the loss", r.newest().Stamp)
			}
			r.followed()
			r.check(r.server.Feed("main").Show(film(t, ingest.H264, 160)))
			r.live()
			r.discreet()
		},
	},
}

// smart is a camera with a smart codec, which is looked at on and on, and again
// after a reconnect.
func smart(codec ingest.Codec) func(*testing.T) {
	return func(t *testing.T) {
		r := newRig(t, func(c *simcam.Config) { c.Cameras[0].Video = film(t, codec, 320) })
		r.cfg.RTSP.UnitTimeout = patience
		r.smart(codec, 320)
		key := r.newest().Lead[0]
		r.until("a look longer after the key frame than anything is waited for", func() bool {
			return r.newest().PTS-key.PTS > 3*r.cfg.RTSP.KeyTimeout
		})
		r.followed()
		for health := range r.healths {
			if strings.Contains(health, "State:blind") || strings.Contains(health, "State:offline") {
				t.Errorf("meanwhile it was said: %s", health)
			}
		}
		again := []string{smartFilm(t, codec, 160), smartFilm(t, codec, 320)}
		r.server.Feed("main").HangUp()
		var shown time.Time
		r.until("looks in another session", func() bool {
			// Real cameras begin with a key frame for whoever connects.
			if time.Since(shown) > 10*time.Second {
				shown = time.Now()
				r.check(r.server.Feed("main").Show(again[0]))
				again[0], again[1] = again[1], again[0]
			}
			now := r.newest()
			return now.Session > key.Session && len(now.Lead) > 0
		})
		r.followed()
		r.discreet()
	}
}

// smart pulls a camera that begins to use its smart codec, until a picture between
// two key frames is looked at.
func (r *rig) smart(codec ingest.Codec, width int) {
	r.t.Helper()
	long := smartFilm(r.t, codec, width)
	r.cfg.Inspector.KeysApart, r.cfg.Inspector.KeysFar = 2*time.Second, 2*time.Second
	r.start()
	r.live()
	r.check(r.server.Feed("main").Show(long))
	r.in(ingest.Degraded, ingest.TroubleKeys, ingest.KeyFramesApart)
	r.troubled(ingest.TroubleKeys)
	r.until("a picture between two key frames", func() bool { return len(r.newest().Lead) > 0 })
}

// followed checks that what was looked at can be shown, and that no look was long
// after the one before.
func (r *rig) followed() {
	r.t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, look := range r.looks {
		for _, u := range look.Unit.Run() {
			if u.Damaged || u.Session != look.Unit.Session || !u.Linked {
				r.t.Errorf("look %d needs a unit of %s: damaged %v, session %d", i, u.PTS, u.Damaged, u.Session)
			}
		}
		if !look.Unit.Run()[0].Key || look.Shown != look.Unit {
			r.t.Errorf("look %d does not begin with a key unit, or is not the one to show", i)
		}
		if i == 0 || r.looks[i-1].Unit.Session != look.Unit.Session {
			continue
		}
		if since := look.Unit.PTS - r.looks[i-1].Unit.PTS; since > 10*time.Second || since <= 0 {
			r.t.Errorf("look %d comes %s after the one before", i, since)
		}
	}
}

func (r *rig) check(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

func TestFaults(t *testing.T) {
	for _, f := range slices.Concat(faults, streamFaults) {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			f.test(t)
		})
	}
}

// TestFaultsAreDocumented holds docs/faults.md against the table above.
func TestFaultsAreDocumented(t *testing.T) {
	const path = "../../docs/faults.md"
	var want strings.Builder
	want.WriteString(`# What cameras do wrong, and what then happens

Each row is a test of that name (` + "`go test ./ingest/feed -run 'TestFaults/NAME'`" + `), with our connection on one side and a camera that misbehaves on request on the other. This page is made from the tests' table; they fail when it is not. Wherever a camera is not live, its page, ` + "`/cameras.json` and `/readyz`" + ` say since when and why, and what to set on the camera ([every cause](troubles.md)); no name or password of an account is ever in what they say.

| fault | what happens | health | metric | reaction |
|---|---|---|---|---|
`)
	for _, f := range slices.Concat(faults, streamFaults) {
		fmt.Fprintf(&want, "| %s | %s | %s | %s | %s |\n", f.name, f.is, f.health, f.metric, f.reaction)
	}
	want.WriteString(`
## What else does so

Beside cameras there are other devices and servers. What they do wrong is tried by tests of the packages that speak to them.

| fault | what happens | reaction | test |
|---|---|---|---|
`)
	for _, n := range neighbours {
		want.WriteString(n.told())
	}
	if *update {
		if err := os.WriteFile(path, []byte(want.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want.String(), string(got)); diff != "" {
		t.Errorf("%s is not up to date; run go test ./ingest/feed -run Documented -update (-want +got):\n%s", path, diff)
	}
}

// certificate is a camera's own, for loopback, and the PEM that makes it
// trusted.
func certificate(t *testing.T) (*tls.Config, []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	signed, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{signed}, PrivateKey: key}}},
		pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: signed})
}
