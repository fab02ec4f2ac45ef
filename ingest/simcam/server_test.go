package simcam

import (
	"bufio"
	"context"
	"encoding/base64"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/textproto"
	"strings"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/ntp"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"go.uber.org/goleak"
)

var discard = slog.New(slog.DiscardHandler)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// run serves a film of half a second on two paths until the test ends, and
// tells since when.
func run(t *testing.T) (*Server, time.Time) {
	t.Helper()
	video, err := Prepare(t.Context(), source(t, "a.avi", "-t", "0.5", "-c:v", "mpeg4"), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	server := New(Config{
		Listen: "127.0.0.1:0", Username: "camera", Password: "pw",
		Cameras: []Camera{{Path: "kerb", Video: video}, {Path: "other", Video: video}},
	}, discard)
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

// describe sends one bare request and returns its status and headers.
func describe(t *testing.T, server *Server, path, authorization string) (string, http.Header) {
	t.Helper()
	conn, err := net.Dial("tcp", server.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if authorization != "" {
		authorization = "Authorization: " + authorization + "\r\n"
	}
	fmt.Fprintf(conn, "DESCRIBE %s RTSP/1.0\r\nCSeq: 1\r\n%s\r\n", server.URL(path), authorization)
	reader := textproto.NewReader(bufio.NewReader(conn))
	status, err := reader.ReadLine()
	if err != nil {
		t.Fatal(err)
	}
	headers, err := reader.ReadMIMEHeader()
	if err != nil {
		t.Fatal(err)
	}
	return status, http.Header(headers)
}

func TestServerTakesDigestOnly(t *testing.T) {
	server, _ := run(t)
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte("camera:pw"))
	for name, authorization := range map[string]string{"nothing": "", "basic": basic} {
		for _, path := range []string{"kerb", "nowhere"} {
			t.Run(name+" for "+path, func(t *testing.T) {
				status, headers := describe(t, server, path, authorization)
				if !strings.Contains(status, " 401 ") {
					t.Errorf("answered %q, want 401", status)
				}
				offer := headers.Values("WWW-Authenticate")
				if authorization == "" && (len(offer) != 1 || !strings.HasPrefix(offer[0], "Digest ")) {
					t.Errorf("offers %q, want digest alone", offer)
				}
			})
		}
	}
}

// TestServerLoopsWithoutATimeJump watches five loops, and the sender reports
// that come with them.
func TestServerLoopsWithoutATimeJump(t *testing.T) {
	server, began := run(t)
	u, err := base.ParseURL(strings.Replace(server.URL("kerb"), "://", "://camera:pw@", 1))
	if err != nil {
		t.Fatal(err)
	}
	tcp := gortsplib.ProtocolTCP
	client := &gortsplib.Client{Scheme: u.Scheme, Host: u.Host, Protocol: &tcp}
	if err := client.Start(); err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	desc, _, err := client.Describe(u)
	if err != nil {
		t.Fatal(err)
	}
	if err := client.SetupAll(desc.BaseURL, desc.Medias); err != nil {
		t.Fatal(err)
	}
	medi := desc.Medias[0]
	packets, reports := make(chan rtp.Header, 10000), make(chan *rtcp.SenderReport, 100)
	client.OnPacketRTP(medi, medi.Formats[0], func(pkt *rtp.Packet) { packets <- pkt.Header })
	client.OnPacketRTCP(medi, func(pkt rtcp.Packet) {
		if report, ok := pkt.(*rtcp.SenderReport); ok {
			reports <- report
		}
	})
	if _, err := client.Play(nil); err != nil {
		t.Fatal(err)
	}

	deadline := time.After(time.Minute)
	receive := func() rtp.Header {
		select {
		case header := <-packets:
			return header
		case <-deadline:
			t.Fatal("no more packets")
			return rtp.Header{}
		}
	}
	last := receive()
	first := last.Timestamp
	for last.Timestamp-first < 5*clockRate/2 {
		header := receive()
		// 12 pictures a second, also where the film begins again.
		if step := header.Timestamp - last.Timestamp; step != 0 && step != clockRate/12 {
			t.Fatalf("timestamp moves by %d, want %d", step, clockRate/12)
		}
		if header.SequenceNumber != last.SequenceNumber+1 {
			t.Fatalf("packet %d after %d", header.SequenceNumber, last.SequenceNumber)
		}
		last = header
	}
	if filmed := time.Duration(last.Timestamp) * time.Second / clockRate; filmed > time.Since(began) {
		t.Errorf("%s of video within %s: it is played faster than it was taken", filmed, time.Since(began))
	}
	select {
	case report := <-reports:
		if told := ntp.Decode(report.NTPTime); told.Before(began.Add(-time.Second)) || told.After(time.Now().Add(100*time.Millisecond)) {
			t.Errorf("sender report says it is %s, not between %s and now", told, began)
		}
	case <-deadline:
		t.Error("no sender report")
	}
}
