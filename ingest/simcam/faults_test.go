package simcam

import (
	"bytes"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/google/go-cmp/cmp"
	"github.com/pion/rtp"
)

// gaps counts the packets missing between those that came.
func gaps(packets []*rtp.Packet) int {
	n := 0
	for i, packet := range packets[1:] {
		n += int(packet.SequenceNumber - packets[i].SequenceNumber - 1)
	}
	return n
}

// parameterSets reports whether a packet of H.264 brings some: the encoder
// aggregates them.
func parameterSets(packet *rtp.Packet) bool {
	const stapA = 24
	return packet.PayloadType == payloadH264 && packet.Payload[0]&0x1F == stapA
}

func TestClockIsWrongAsTold(t *testing.T) {
	t.Parallel()
	for _, offset := range []time.Duration{time.Hour, 8 * time.Hour, -8 * time.Hour} {
		t.Run(offset.String(), func(t *testing.T) {
			server, began := run(t)
			server.Feed("kerb").Misbehave(Faults{ClockOffset: offset})
			told := view(t, server, "kerb").report()
			if told.Before(began.Add(offset-time.Second)) || told.After(time.Now().Add(offset+time.Second)) {
				t.Errorf("it says %s, %s off", told, time.Until(told))
			}
			if told := view(t, server, "other").report(); told.After(time.Now().Add(time.Second)) || told.Before(began.Add(-time.Second)) {
				t.Errorf("another camera says %s", told)
			}
		})
	}
}

func TestClockSteps(t *testing.T) {
	t.Parallel()
	server, _ := run(t)
	v := view(t, server, "kerb")
	before := v.report()
	media := v.reports[0].RTPTime
	server.Feed("kerb").Misbehave(Faults{ClockOffset: time.Hour})
	stepped := v.report().Sub(before) - time.Duration(v.reports[1].RTPTime-media)*time.Second/clockRate
	if (stepped - time.Hour).Abs() > time.Millisecond {
		t.Errorf("the clock stepped by %s, want an hour", stepped)
	}
	server.Feed("kerb").Misbehave(Faults{})
	if told := v.report(); told.After(time.Now().Add(time.Second)) {
		t.Errorf("healed, it says %s", told)
	}
}

func TestClockDrifts(t *testing.T) {
	t.Parallel()
	m := newMisbehaviour(Faults{ClockDrift: 500, ClockOffset: time.Minute})
	if ahead := m.told(m.since.Add(2000 * time.Second)).Sub(m.since.Add(2000 * time.Second)); ahead != time.Minute+time.Second {
		t.Errorf("after 2000 s the clock is %s ahead, want 1m1s", ahead)
	}
}

func TestCameraKeepsItsTimeToItself(t *testing.T) {
	t.Parallel()
	server, _ := run(t)
	server.Feed("kerb").Misbehave(Faults{NoReports: true})
	v := view(t, server, "kerb")
	v.lasts(time.Second)
	if len(v.reports) > 0 {
		t.Errorf("%d sender reports", len(v.reports))
	}
	server.Feed("kerb").Misbehave(Faults{})
	v.report()
}

func TestPacketsGetLost(t *testing.T) {
	t.Parallel()
	server, _ := run(t)
	v := view(t, server, "kerb")
	if n := gaps(v.lasts(time.Second)); n > 0 {
		t.Errorf("%d packets lost by a good camera", n)
	}
	server.Feed("kerb").Misbehave(Faults{Loss: 0.5, LossSeed: 7})
	from := len(v.packets) - 1
	v.until(func() bool { return gaps(v.packets[from:]) > 0 })
	server.Feed("kerb").Misbehave(Faults{})
	v.lasts(time.Second) // the fault may have taken one more frame
	if n := gaps(v.lasts(time.Second)); n > 0 {
		t.Errorf("%d packets lost by a healed camera", n)
	}
}

func TestLossFollowsItsSeed(t *testing.T) {
	t.Parallel()
	pattern := func(seed uint64) (lost []bool) {
		m := newMisbehaviour(Faults{Loss: 0.1, LossSeed: seed})
		for range 1000 {
			lost = append(lost, m.loses())
		}
		return lost
	}
	first := pattern(1)
	if !slices.Equal(first, pattern(1)) || slices.Equal(first, pattern(2)) {
		t.Error("what gets lost is not up to the seed alone")
	}
	n := 0
	for _, lost := range first {
		if lost {
			n++
		}
	}
	if n < 50 || n > 150 {
		t.Errorf("%d of 1000 packets lost, want about 100", n)
	}
}

func TestStalledCameraAnswers(t *testing.T) {
	t.Parallel()
	const while = 500 * time.Millisecond
	for _, test := range []struct {
		name string
		play bool // before the stall
	}{{"from PLAY on", false}, {"later", true}} {
		t.Run(test.name, func(t *testing.T) {
			server, _ := run(t)
			feed := server.Feed("kerb")
			if !test.play {
				feed.Misbehave(Faults{Stall: true})
			}
			v := view(t, server, "kerb")
			if test.play {
				v.lasts(0)
			}
			feed.Misbehave(Faults{Stall: true})
			v.do(base.GetParameter)
			had := len(v.packets)
			for stalled := time.Now(); time.Since(stalled) < while; time.Sleep(5 * time.Millisecond) {
				if answer := v.do(base.GetParameter); answer.StatusCode != base.StatusOK {
					t.Fatalf("a keepalive is answered with %d", answer.StatusCode)
				}
			}
			feed.Misbehave(Faults{})
			v.lasts(0)
			// A frame may have been on its way when the stall began.
			pause := uint32(0)
			for i, packet := range v.packets[max(1, had):] {
				pause = max(pause, packet.Timestamp-v.packets[max(1, had)+i-1].Timestamp)
			}
			if test.play && pause < uint32(ticks(while/2)) {
				t.Errorf("no pause of more than %d ticks", pause)
			}
			if !test.play && had > 0 {
				t.Errorf("%d packets of a camera that sends none", had)
			}
			if n := gaps(v.packets); n > 0 {
				t.Errorf("%d packets are missing", n)
			}
		})
	}
}

func TestKeyFramesAreLeftOut(t *testing.T) {
	t.Parallel()
	server, _ := run(t)
	server.Feed("kerb").Misbehave(Faults{NoKeyFrames: true})
	v := view(t, server, "kerb")
	if slices.ContainsFunc(v.lasts(2*time.Second), parameterSets) {
		t.Error("a key frame came")
	}
	if n := gaps(v.packets); n > 0 {
		t.Errorf("%d packets are missing", n)
	}
	server.Feed("kerb").Misbehave(Faults{})
	v.until(func() bool { return slices.ContainsFunc(v.packets, parameterSets) })
}

func TestCameraHangsUp(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		end  func(*Feed)
		want error
	}{
		{"with a FIN", (*Feed).HangUp, io.EOF},
		{"with an RST", (*Feed).Reset, syscall.ECONNRESET},
	} {
		t.Run(test.name, func(t *testing.T) {
			server, _ := run(t)
			v, other := view(t, server, "kerb"), view(t, server, "other")
			test.end(server.Feed("kerb"))
			for v.ended == nil {
				v.read()
			}
			if !errors.Is(v.ended, test.want) {
				t.Errorf("the connection ended with %v, want %v", v.ended, test.want)
			}
			other.lasts(time.Second)
			for server.Feed("kerb").Watchers() > 0 {
				time.Sleep(5 * time.Millisecond)
			}
			view(t, server, "kerb").lasts(0)
		})
	}
}

func TestCameraWritesJunk(t *testing.T) {
	t.Parallel()
	server, _ := run(t)
	v := view(t, server, "kerb")
	junk := []byte("RTSP/9.9 nonsense\r\n\r\n")
	server.Feed("kerb").Write(junk)
	for v.ended == nil {
		v.read()
	}
	if errors.Is(v.ended, io.EOF) || !strings.Contains(v.ended.Error(), "RTSP/1.0") {
		t.Errorf("the client sees %v, want what is not RTSP/1.0", v.ended)
	}
}

func TestCameraShowsAnotherVideo(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		film        string
		payloadType uint8
	}{{"small", payloadH264}, {"h265", payloadH265}} {
		t.Run(test.film, func(t *testing.T) {
			server, _ := run(t)
			feed := server.Feed("kerb")
			v := view(t, server, "kerb")
			v.lasts(time.Second)
			if err := feed.Show(film(t, test.film)); err != nil {
				t.Fatal(err)
			}
			var sps []byte
			switch f := feed.video.Load().format.(type) {
			case *format.H264:
				sps = f.SPS
			case *format.H265:
				sps = f.SPS
			}
			arrived := func(p *rtp.Packet) bool { return p.PayloadType == test.payloadType && bytes.Contains(p.Payload, sps) }
			from := len(v.packets) - 1
			v.until(func() bool { return slices.ContainsFunc(v.packets[from:], arrived) })
			for i, packet := range v.packets[from+1:] {
				if step := packet.Timestamp - v.packets[from+i].Timestamp; step != 0 && step != clockRate/12 {
					t.Errorf("the media time steps by %d, want %d", step, clockRate/12)
				}
			}
			if n := gaps(v.packets); n > 0 {
				t.Errorf("%d packets are missing", n)
			}
			description := string(dial(t, server, "kerb").do(base.Describe).Body)
			if announced := strings.Contains(description, "H265/90000"); announced != (test.film == "h265") {
				t.Errorf("the camera is described as %s", description)
			}
		})
	}
	server, _ := run(t)
	if err := server.Feed("kerb").Show("/no/such.mp4"); err == nil || !strings.Contains(err.Error(), "/no/such.mp4") {
		t.Errorf("got %v, want it to name the file", err)
	}
}

func TestServerRefusesConnectionsForAWhile(t *testing.T) {
	t.Parallel()
	server, _ := run(t)
	v := view(t, server, "kerb")
	for range 2 {
		if err := server.Refuse(); err != nil {
			t.Fatal(err)
		}
		if _, err := net.Dial("tcp", server.Addr()); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("got %v, want the connection refused", err)
		}
		v.lasts(time.Second)
		if err := server.Accept(); err != nil {
			t.Fatal(err)
		}
		view(t, server, "kerb").lasts(0)
	}
}

func TestServerEndsWhileItRefuses(t *testing.T) {
	t.Parallel()
	server, _ := run(t)
	if err := server.Refuse(); err != nil {
		t.Fatal(err)
	}
}

func TestRequestsAreAnsweredAsTold(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name     string
		faults   Faults
		password string
		want     []base.StatusCode // of DESCRIBE, SETUP and so on, up to the first refusal
	}{
		{"a good camera", Faults{}, "pw", []base.StatusCode{200, 200, 200}},
		{"another password", Faults{Password: "new"}, "pw", []base.StatusCode{401}},
		{"another password, known", Faults{Password: "new"}, "new", []base.StatusCode{200, 200, 200}},
		{"the path is gone", Faults{Status: 404}, "pw", []base.StatusCode{404}},
		{"no bandwidth", Faults{Status: 453}, "pw", []base.StatusCode{453}},
		{"elsewhere", Faults{Redirect: "rtsp://127.0.0.2:554/kerb"}, "pw", []base.StatusCode{302}},
		{"no TCP", Faults{NoTCP: true}, "pw", []base.StatusCode{200, 461}},
		{"no UDP, and TCP asked for", Faults{NoUDP: true}, "pw", []base.StatusCode{200, 200, 200}},
		{"nonces for one request", Faults{NonceUses: 1}, "pw", []base.StatusCode{200, 401}},
		{"nonces for two requests", Faults{NonceUses: 2}, "pw", []base.StatusCode{200, 200, 401}},
	} {
		t.Run(test.name, func(t *testing.T) {
			server, _ := run(t)
			server.Feed("kerb").Misbehave(test.faults)
			v := dial(t, server, "kerb")
			v.password = test.password
			var got []base.StatusCode
			for _, method := range []base.Method{base.Describe, base.Setup, base.Play} {
				answer := v.do(method)
				got = append(got, answer.StatusCode)
				if answer.StatusCode == base.StatusFound && answer.Header["Location"][0] != test.faults.Redirect {
					t.Errorf("redirected to %q", answer.Header["Location"])
				}
				if answer.StatusCode != base.StatusOK {
					break
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
			if status := view(t, server, "other").do(base.GetParameter).StatusCode; status != base.StatusOK {
				t.Errorf("another camera answers %d", status)
			}
		})
	}
}

// TestStaleNoncesAreRenewed answers each new challenge, as a client should.
func TestStaleNoncesAreRenewed(t *testing.T) {
	t.Parallel()
	server, _ := run(t)
	v := view(t, server, "kerb")
	v.lasts(0)
	for range 2 {
		server.Feed("kerb").ExpireNonces()
		answer := v.do(base.GetParameter)
		offer := answer.Header["WWW-Authenticate"]
		if answer.StatusCode != base.StatusUnauthorized || len(offer) != 1 || !strings.Contains(offer[0], `stale="true"`) {
			t.Fatalf("answered with %d and %q", answer.StatusCode, offer)
		}
		v.challenged(offer)
		if answer := v.do(base.GetParameter); answer.StatusCode != base.StatusOK {
			t.Fatalf("the new nonce is answered with %d", answer.StatusCode)
		}
	}
	v.lasts(time.Second)
}
