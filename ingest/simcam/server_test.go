package simcam

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/textproto"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/bluenviron/gortsplib/v5/pkg/liberrors"
	"github.com/bluenviron/gortsplib/v5/pkg/ntp"
	"github.com/pion/rtp"
)

var discard = slog.New(slog.DiscardHandler)

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
	t.Parallel()
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

// TestServerLoopsWithoutATimeJump watches five loops of each codec, and the
// sender report that comes with them.
func TestServerLoopsWithoutATimeJump(t *testing.T) {
	t.Parallel()
	for _, codec := range []string{"h264", "h265"} {
		t.Run(codec, func(t *testing.T) {
			server, began := run(t, func(cfg *Config) { cfg.Cameras[0].Video = film(t, codec) })
			v := view(t, server, "kerb")
			packets := v.lasts(5 * time.Second / 2)
			for i, packet := range packets[1:] {
				// 12 pictures a second, also where the film begins again.
				if step := packet.Timestamp - packets[i].Timestamp; step != 0 && step != clockRate/12 {
					t.Fatalf("timestamp moves by %d, want %d", step, clockRate/12)
				}
			}
			if n := gaps(packets); n > 0 {
				t.Errorf("%d packets are missing", n)
			}
			last := packets[len(packets)-1].Timestamp
			if filmed := time.Duration(last) * time.Second / clockRate; filmed > time.Since(began) {
				t.Errorf("%s of video within %s: it is played faster than it was taken", filmed, time.Since(began))
			}
			if len(v.reports) != 1 {
				t.Fatalf("%d sender reports, want one at the beginning", len(v.reports))
			}
			report := v.reports[0]
			if of := packets[0]; report.SSRC != of.SSRC || report.RTPTime-of.Timestamp != clockRate/12 {
				t.Errorf("the report is of %d at %d, not of %d with the second picture after %d", report.SSRC, report.RTPTime, of.SSRC, of.Timestamp)
			}
			// Media time counts from the server's start.
			zero := ntp.Decode(report.NTPTime).Add(-time.Duration(report.RTPTime) * time.Second / clockRate)
			if zero.Before(began.Add(-time.Millisecond)) || zero.After(time.Now()) {
				t.Errorf("the report says that the server began at %s, not at %s", zero, began)
			}
		})
	}
}

// TestCamerasKeepStep compares what the sender reports of two cameras say of
// the media time that both share.
func TestCamerasKeepStep(t *testing.T) {
	t.Parallel()
	for _, phase := range []time.Duration{0, 200 * time.Millisecond, -200 * time.Millisecond} {
		t.Run(phase.String(), func(t *testing.T) {
			server, _ := run(t, func(cfg *Config) {
				cfg.Cameras[1].Video, cfg.Cameras[1].Phase = film(t, "small"), phase
			})
			var zero []time.Time
			var step []uint32
			for _, path := range []string{"kerb", "other"} {
				v := view(t, server, path)
				v.lasts(0)
				told := v.report()
				zero = append(zero, told.Add(-time.Duration(v.reports[0].RTPTime)*time.Second/clockRate))
				step = append(step, v.packets[0].Timestamp%(clockRate/12))
			}
			if apart := zero[1].Sub(zero[0]).Abs(); apart > 20*time.Microsecond { // a tick, and rounding
				t.Errorf("they are %s apart", apart)
			}
			if want := uint32(ticks(time.Second+phase)) % (clockRate / 12); step[0] != 0 || step[1] != want {
				t.Errorf("frames come %d after each other's, want 0 and %d", step, want)
			}
		})
	}
}

func TestCamerasShareAVideo(t *testing.T) {
	t.Parallel()
	server, _ := run(t)
	if server.Feed("kerb").video.Load() != server.Feed("other").video.Load() {
		t.Error("the same file is in memory twice")
	}
}

// TestServerSpeaksToAnyClient uses a client of the library's own.
func TestServerSpeaksToAnyClient(t *testing.T) {
	t.Parallel()
	certificate, pool := certify(t)
	for _, test := range []struct {
		name     string
		change   func(*Config)
		protocol gortsplib.Protocol
		want     error
	}{
		{"TCP", func(*Config) {}, gortsplib.ProtocolTCP, nil},
		{"TCP where UDP could be had", func(cfg *Config) { cfg.UDP = true }, gortsplib.ProtocolTCP, nil},
		{"UDP", func(cfg *Config) { cfg.UDP = true }, gortsplib.ProtocolUDP, nil},
		{"UDP where there is none", func(*Config) {}, gortsplib.ProtocolUDP, liberrors.ErrClientBadStatusCode{}},
		{"TLS", func(cfg *Config) { cfg.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}} }, gortsplib.ProtocolTCP, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			server, _ := run(t, test.change)
			u, err := base.ParseURL(strings.Replace(server.URL("kerb"), "://", "://camera:pw@", 1))
			if err != nil {
				t.Fatal(err)
			}
			client := &gortsplib.Client{
				Scheme: u.Scheme, Host: u.Host, Protocol: &test.protocol,
				TLSConfig: &tls.Config{RootCAs: pool},
			}
			if err := client.Start(); err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			desc, _, err := client.Describe(u)
			if err != nil {
				t.Fatal(err)
			}
			err = client.SetupAll(desc.BaseURL, desc.Medias)
			if test.want != nil {
				if !errors.As(err, &liberrors.ErrClientBadStatusCode{}) {
					t.Errorf("got %v, want to be refused", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			known := make(chan struct{})
			once := sync.OnceFunc(func() { close(known) })
			client.OnPacketRTPAny(func(media *description.Media, _ format.Format, pkt *rtp.Packet) {
				if _, ok := client.PacketNTP(media, pkt); ok {
					once()
				}
			})
			if _, err := client.Play(nil); err != nil {
				t.Fatal(err)
			}
			select {
			case <-known:
			case <-time.After(patience):
				t.Error("no packet with a known time came")
			}
			server.Feed("kerb").Reset()
			if err := client.Wait(); err == nil {
				t.Error("the connection goes on after a reset")
			}
		})
	}
}

// certify makes a certificate for the loopback address.
func certify(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(parsed)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}
