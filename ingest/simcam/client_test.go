package simcam

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v5/pkg/auth"
	"github.com/bluenviron/gortsplib/v5/pkg/base"
	rtspconn "github.com/bluenviron/gortsplib/v5/pkg/conn"
	"github.com/bluenviron/gortsplib/v5/pkg/ntp"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"go.uber.org/goleak"

	"tidewatch/ingest"
)

var scratch string

func TestMain(m *testing.M) {
	var err error
	if scratch, err = os.MkdirTemp("", "simcam"); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		os.RemoveAll(scratch)
		os.Exit(code)
	}))
}

// patience is far beyond what anything here takes.
const patience = 60 * time.Second

// films are prepared videos of half a second with 12 pictures a second, the
// first a key frame, shared by all tests.
var films = sync.OnceValues(func() (map[string]string, error) {
	raw := filepath.Join(scratch, "raw.avi")
	out, err := exec.Command("ffmpeg", "-nostdin", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=322x242:rate=12",
		"-t", "0.5", "-c:v", "mpeg4", raw).CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("ffmpeg: %w: %s", err, out)
	}
	small := Encoding{Codec: ingest.H264, GOP: time.Second, Quality: 30, Width: 160, Height: 120}
	prepared := make(map[string]string)
	for name, e := range map[string]Encoding{
		"h264": DefaultEncoding(), "small": small, "h265": {Codec: ingest.H265, GOP: time.Second, Quality: 30},
	} {
		if prepared[name], err = PrepareAs(context.Background(), raw, scratch, e); err != nil {
			return nil, err
		}
	}
	return prepared, nil
})

func film(t *testing.T, name string) string {
	t.Helper()
	prepared, err := films()
	if err != nil {
		t.Fatal(err)
	}
	return prepared[name]
}

// run serves the H.264 film at two paths until the test ends, and tells since
// when.
func run(t *testing.T, change ...func(*Config)) (*Server, time.Time) {
	t.Helper()
	cfg := Config{
		Listen: "127.0.0.1:0", Username: "camera", Password: "pw",
		Cameras: []Camera{{Path: "kerb", Video: film(t, "h264")}, {Path: "other", Video: film(t, "h264")}},
	}
	for _, f := range change {
		f(&cfg)
	}
	server := New(cfg, discard)
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	began := time.Now()
	go func() { done <- server.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return server, began
}

// viewer is a client that sees every byte: it speaks RTSP over TCP, one request
// after the other, and what comes between goes to packets and reports.
type viewer struct {
	t    *testing.T
	url  *base.URL
	raw  *net.TCPConn
	conn *rtspconn.Conn

	password string
	digest   *auth.Sender
	session  base.HeaderValue
	sequence int
	ended    error // why reading ended

	packets []*rtp.Packet
	reports []*rtcp.SenderReport
}

func dial(t *testing.T, server *Server, path string) *viewer {
	t.Helper()
	raw, err := net.Dial("tcp", server.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { raw.Close() })
	u, err := base.ParseURL(server.URL(path))
	if err != nil {
		t.Fatal(err)
	}
	v := &viewer{t: t, url: u, raw: raw.(*net.TCPConn), conn: rtspconn.NewConn(bufio.NewReader(raw), raw), password: "pw"}
	v.raw.SetDeadline(time.Now().Add(patience))
	return v
}

// view watches a camera.
func view(t *testing.T, server *Server, path string) *viewer {
	t.Helper()
	v := dial(t, server, path)
	for _, method := range []base.Method{base.Describe, base.Setup, base.Play} {
		if answer := v.do(method); answer.StatusCode != base.StatusOK {
			t.Fatalf("%s answered with %d", method, answer.StatusCode)
		}
	}
	return v
}

// do sends a request, again with a digest if it is asked for one for the first
// time, and returns the answer.
func (v *viewer) do(method base.Method) *base.Response {
	v.t.Helper()
	answer := v.ask(method)
	if offer := answer.Header["WWW-Authenticate"]; v.digest == nil && offer != nil {
		v.challenged(offer)
		return v.ask(method)
	}
	return answer
}

func (v *viewer) challenged(offer base.HeaderValue) {
	v.t.Helper()
	v.digest = &auth.Sender{WWWAuth: offer, User: "camera", Pass: v.password}
	if err := v.digest.Initialize(); err != nil {
		v.t.Fatal(err)
	}
}

func (v *viewer) ask(method base.Method) *base.Response {
	v.t.Helper()
	v.sequence++
	request := &base.Request{Method: method, URL: v.url, Header: base.Header{"CSeq": base.HeaderValue{fmt.Sprint(v.sequence)}}}
	if v.session != nil {
		request.Header["Session"] = v.session
	}
	if method == base.Setup {
		u, err := base.ParseURL(v.url.String() + "/trackID=0")
		if err != nil {
			v.t.Fatal(err)
		}
		request.URL = u
		request.Header["Transport"] = base.HeaderValue{"RTP/AVP/TCP;unicast;interleaved=0-1"}
	}
	if v.digest != nil {
		v.digest.AddAuthorization(request)
	}
	if err := v.conn.WriteRequest(request); err != nil {
		v.t.Fatal(err)
	}
	for {
		answer := v.read()
		if v.ended != nil {
			v.t.Fatalf("no answer to %s: %v", method, v.ended)
		}
		if answer != nil {
			if session := answer.Header["Session"]; session != nil {
				v.session = base.HeaderValue{session[0][:32]} // without its timeout
			}
			return answer
		}
	}
}

// read takes one message and returns it if it is an answer.
func (v *viewer) read() *base.Response {
	v.t.Helper()
	message, err := v.conn.Read()
	if err != nil {
		v.ended = err
		return nil
	}
	switch m := message.(type) {
	case *base.Response:
		return m
	case *base.InterleavedFrame:
		if m.Channel == 0 {
			packet := new(rtp.Packet)
			if err := packet.Unmarshal(append([]byte(nil), m.Payload...)); err != nil {
				v.t.Fatal(err)
			}
			v.packets = append(v.packets, packet)
			return nil
		}
		packets, err := rtcp.Unmarshal(m.Payload)
		if err != nil {
			v.t.Fatal(err)
		}
		for _, packet := range packets {
			v.reports = append(v.reports, packet.(*rtcp.SenderReport))
		}
	}
	return nil
}

// until reads on until enough has come.
func (v *viewer) until(enough func() bool) {
	v.t.Helper()
	for !enough() {
		v.read()
		if v.ended != nil {
			v.t.Fatalf("after %d packets and %d reports: %v", len(v.packets), len(v.reports), v.ended)
		}
	}
}

// lasts reads another while of video and returns its packets.
func (v *viewer) lasts(while time.Duration) []*rtp.Packet {
	v.t.Helper()
	from := len(v.packets)
	v.until(func() bool {
		of := v.packets[from:]
		return len(of) > 0 && of[len(of)-1].Timestamp-of[0].Timestamp >= uint32(ticks(while))
	})
	return v.packets[from:]
}

// report reads to the next sender report and returns what time it tells.
func (v *viewer) report() time.Time {
	v.t.Helper()
	had := len(v.reports)
	v.until(func() bool { return len(v.reports) > had })
	return ntp.Decode(v.reports[had].NTPTime)
}
