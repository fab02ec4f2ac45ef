package rtsp

import (
	"crypto/tls"
	"encoding/pem"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"tidewatch/ingest"
	"tidewatch/ingest/simcam"
)

// listen serves every connection until the test ends, and returns the address.
func listen(t *testing.T, serve func(net.Conn)) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	group.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			group.Go(func() {
				defer conn.Close()
				serve(conn)
			})
		}
	})
	t.Cleanup(func() {
		listener.Close()
		group.Wait()
	})
	return listener.Addr().String()
}

// says answers whatever comes first, and hangs up.
func says(text string) func(net.Conn) {
	return func(conn net.Conn) {
		buffer := make([]byte, 4096)
		if _, err := conn.Read(buffer); err != nil {
			return
		}
		_, _ = io.WriteString(conn, text)
		_, _ = io.Copy(io.Discard, conn) // until the client hangs up, so that it is not reset
	}
}

// silent takes what comes.
func silent(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }

// speaksTLS shakes hands, and hangs up where that fails.
func speaksTLS(security *tls.Config) func(net.Conn) {
	return func(conn net.Conn) {
		secured := tls.Server(conn, security)
		if secured.Handshake() == nil {
			silent(secured)
		}
	}
}

// web is an HTTP server, with or without TLS.
func web(t *testing.T, secure bool) (server *httptest.Server, authority []byte) {
	t.Helper()
	server = httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	if !secure {
		server.Start()
	} else {
		server.StartTLS()
		authority = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	}
	t.Cleanup(server.Close)
	return server, authority
}

// What answers at a camera's address and is no RTSP, or not the one asked for,
// is told by its name, without waiting for ever.
func TestStrangersAreTold(t *testing.T) {
	plainWeb, _ := web(t, false)
	secureWeb, authority := web(t, true)
	certificate := secureWeb.TLS.Certificates
	camera, _ := serve(t, "127.0.0.1:0", "kerb")
	old := &tls.Config{Certificates: certificate, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}
	for _, test := range []struct {
		name    string
		scheme  string
		address string
		want    error
		words   string
	}{
		{"TLS asked of a camera without it which waits for more", "rtsps", camera.Addr(), ErrNoTLS, "does not speak TLS"},
		{"TLS asked of any port which waits for more", "rtsps", listen(t, silent), ErrNoTLS, "write rtsp in the URL if it has none"},
		{"TLS asked of what hangs up", "rtsps", listen(t, func(net.Conn) {}), ErrNoTLS, "does not speak TLS"},
		{"TLS asked of a web server", "rtsps", plainWeb.Listener.Addr().String(), ErrNoTLS, "does not speak TLS"},
		{"TLS of before", "rtsps", listen(t, speaksTLS(old)), ErrOldTLS, "1.2 or 1.3"},
		{"TLS of nobody known", "rtsps", listen(t, speaksTLS(&tls.Config{Certificates: certificate})), ErrUntrusted, "ca_file"},
		{"no TLS with a port that hangs up", "rtsp", listen(t, speaksTLS(&tls.Config{Certificates: certificate})), ErrTLS, "Write rtsps"},
		{"no TLS with a port of before", "rtsp", listen(t, speaksTLS(old)), ErrTLS, "Write rtsps"},
		{"an alert of TLS", "rtsp", listen(t, says("\x15\x03\x01\x00\x02\x02\x46")), ErrTLS, "speaks TLS"},
		{"a web server", "rtsp", plainWeb.Listener.Addr().String(), ErrHTTP, "answers HTTP, not RTSP. This is a port for browsers"},
		{"a web server with TLS, without it", "rtsp", secureWeb.Listener.Addr().String(), ErrHTTP, "answers HTTP"},
		{"a page without a header", "rtsp", listen(t, says("<!DOCTYPE HTML>\n<html>Bad request version</html>")), ErrHTTP, "answers HTTP"},
		{"half of a header", "rtsp", listen(t, says("HTTP/1.1 400 Bad Request\r\n")), ErrHTTP, "answers HTTP"},
		{"another service", "rtsp", listen(t, says("SSH-2.0-OpenSSH_9.2\r\n")), ErrProtocol, "RTSP port"},
		{"what hangs up", "rtsp", listen(t, func(net.Conn) {}), ErrUnheard, "without an answer. Check that the URL"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			patient := func(_ *ingest.Camera, cfg *Config) { cfg.AnswerTimeout = patience }
			if strings.HasSuffix(test.name, "which waits for more") {
				patient = impatient
			}
			fault(t, newSource(t, test.scheme+"://"+test.address+"/kerb?key=secret", patient), test.want, test.address, test.words)
		})
	}
	t.Run("a web server whose certificate is trusted", func(t *testing.T) {
		trusting := func(c *ingest.Camera, _ *Config) { c.Authority = authority }
		url := "rtsps://" + secureWeb.Listener.Addr().String() + "/kerb"
		fault(t, newSource(t, url, trusting), ErrHTTP, "port for browsers")
	})
}

// A camera with TLS is pulled as ever; that it is asked for without is told.
func TestTheSameCameraWithAndWithoutTLS(t *testing.T) {
	secureWeb, authority := web(t, true)
	server, _ := serveAs(t, simcam.Config{Listen: "127.0.0.1:0", TLS: &tls.Config{Certificates: secureWeb.TLS.Certificates}}, "kerb")
	trusting := func(c *ingest.Camera, _ *Config) { c.Authority = authority }
	pull(t, newSource(t, strings.Replace(server.URL("kerb"), "rtsp:", "rtsps:", 1), trusting), lasts(0))
	fault(t, newSource(t, strings.Replace(server.URL("kerb"), "rtsps:", "rtsp:", 1)), ErrTLS, "Write rtsps")
}
