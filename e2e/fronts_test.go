package e2e

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// calledBy is the name of the pages, in the certificate as well.
const calledBy = "tidewatch.example.com"

// front is a reverse proxy of others, with TLS, before the pages.
type front struct {
	t       *testing.T
	dir     string // its own: pem, key, both.pem, and what it writes
	address string
	plain   string // address without TLS, where it has one
	cert    *x509.Certificate
	*process
}

func newFront(t *testing.T) *front {
	t.Helper()
	server := httptest.NewTLSServer(nil) // has a certificate for the name
	defer server.Close()
	key, err := x509.MarshalPKCS8PrivateKey(server.TLS.Certificates[0].PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	f := &front{t: t, dir: t.TempDir(), address: freeAddress(t), plain: freeAddress(t), cert: server.Certificate()}
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: f.cert.Raw})
	key = pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})
	f.write("pem", string(cert))
	f.write("key", string(key))
	f.write("both.pem", string(cert)+string(key))
	return f
}

// freeAddress is one of loopback on which nobody listens just now.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// write puts a file into the folder, and into its text the paths and the address.
func (f *front) write(name, text string) (path string) {
	f.t.Helper()
	path = filepath.Join(f.dir, name)
	text = strings.NewReplacer("$PEM", filepath.Join(f.dir, "pem"), "$KEY", filepath.Join(f.dir, "key"),
		"$BOTH", filepath.Join(f.dir, "both.pem"), "$ADDRESS", f.address, "$DIR", f.dir).Replace(text)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		f.t.Fatal(err)
	}
	return path
}

// run starts the program and waits until it listens.
func (f *front) run(program string, args ...string) *front {
	f.t.Helper()
	f.process = startOther(f.t, []string{"HOME=" + f.dir}, program, args...)
	eventually(f.t, program+" to listen", func() bool {
		if f.ended() {
			f.t.Fatalf("%s ended", program)
		}
		conn, err := net.Dial("tcp", f.address)
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
	return f
}

// nginx runs the example of the deploy folder as it is, but for addresses,
// paths and further changes: pairs of old and new.
func nginx(t *testing.T, pages string, changes ...string) *front {
	t.Helper()
	f := newFront(t)
	example, err := os.ReadFile("../deploy/nginx.example.conf")
	if err != nil {
		t.Fatal(err)
	}
	text := string(example)
	changes = append([]string{
		"listen 443 ssl", "listen $ADDRESS ssl", "listen 80;", "listen " + f.plain + ";",
		"/etc/nginx/tidewatch.pem", "$PEM", "/etc/nginx/tidewatch.key", "$KEY",
		"server 127.0.0.1:8420;", "server " + strings.TrimPrefix(pages, "http://") + ";",
	}, changes...)
	for i := 0; i < len(changes); i += 2 {
		if strings.Count(text, changes[i]) != 1 {
			t.Fatalf("the example has not one %q", changes[i])
		}
		text = strings.Replace(text, changes[i], changes[i+1], 1)
	}
	f.write("tidewatch.conf", text)
	main := f.write("nginx.conf", `
		pid $DIR/pid;
		events {}
		http {
			access_log off;
			error_log stderr warn;
			client_body_temp_path $DIR/bodies; proxy_temp_path $DIR/answers;
			fastcgi_temp_path $DIR/fastcgi; uwsgi_temp_path $DIR/uwsgi; scgi_temp_path $DIR/scgi;
			include $DIR/tidewatch.conf;
		}`)
	return f.run(nginxProgram(t), "-c", main, "-p", f.dir, "-e", "stderr", "-g", "daemon off; master_process off;")
}

// nginxProgram is what set-up brought, or the machine's own.
func nginxProgram(t *testing.T) string {
	t.Helper()
	path := filepath.Join(defaultAssets(t), "bin", "nginx")
	if _, err := os.Stat(path); err == nil {
		return path
	}
	path, err := exec.LookPath("nginx")
	if err != nil {
		t.Fatalf("%v: run script/setup test", err)
	}
	return path
}

// twoNginx have one before the other, which knows its client by an address of
// its own.
func twoNginx(t *testing.T, pages string) *front {
	t.Helper()
	inner := nginx(t, pages)
	return nginx(t, "http://"+inner.address,
		"proxy_pass http://tidewatch;", "proxy_pass https://tidewatch; proxy_bind 127.0.0.2; proxy_ssl_server_name on; proxy_ssl_name "+calledBy+";")
}

func haproxy(t *testing.T, pages string) *front {
	t.Helper()
	path := needs(t, "haproxy")
	f := newFront(t)
	return f.run(path, "-db", "-f", f.write("haproxy.cfg", `
defaults
	mode http
	timeout connect 5s
	timeout client 30s
	timeout server 150s
	timeout http-request 10s
	option forwardfor
frontend officers
	bind $ADDRESS ssl crt $BOTH alpn h2,http/1.1
	default_backend tidewatch
backend tidewatch
	server tidewatch `+strings.TrimPrefix(pages, "http://")+"\n"))
}

func caddy(t *testing.T, pages string) *front {
	t.Helper()
	path := needs(t, "caddy")
	f := newFront(t)
	return f.run(path, "run", "--adapter", "caddyfile", "--config", f.write("Caddyfile", `
{
	admin off
	auto_https off
	storage file_system $DIR
}
https://:`+port(f.address)+` {
	bind 127.0.0.1
	tls $PEM $KEY
	reverse_proxy `+strings.TrimPrefix(pages, "http://")+`
}
`))
}

func port(address string) string {
	_, port, _ := net.SplitHostPort(address)
	return port
}

// needs is the path of a program that not every machine has.
func needs(t *testing.T, program string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		t.Skipf("%s is not installed", program)
	}
	return path
}

// visit comes to the pages through a front, by their name and with nothing in
// the browser, from an address of loopback. It claims to be somebody else.
func (f *front) visit(from string) *visitor {
	f.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		f.t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(f.cert)
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	transport := &http.Transport{
		ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: calledBy},
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, network, f.address)
		},
	}
	f.t.Cleanup(transport.CloseIdleConnections)
	return &visitor{f.t, "https://" + calledBy + ":" + port(f.address), &http.Client{
		Jar: jar, Transport: impostor{transport}, Timeout: patience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// forged is an address that nobody comes from.
const forged = "203.0.113.9"

// impostor says of each request that it comes from elsewhere.
type impostor struct{ http.RoundTripper }

func (i impostor) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	for _, header := range []string{"X-Forwarded-For", "X-Real-IP", "X_Forwarded_For", "True-Client-IP"} {
		r.Header.Set(header, forged)
	}
	r.Header.Set("Forwarded", "for="+forged)
	return i.RoundTripper.RoundTrip(r)
}
