package interop_test

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"tidewatch/ingest"
)

// serve starts a server of a film until the test ends and returns its URL.
func serve(t *testing.T, server string, codec ingest.Codec) string {
	t.Helper()
	program, options, _ := strings.Cut(server, " ")
	if program == "vlc" {
		return serveVLC(t, codec, options == "basic")
	}
	mode, protocols := "open", "any"
	switch options {
	case "digest":
		mode = options
	case "udp":
		protocols = options
	}
	return serveGStreamer(t, codec, mode, protocols)
}

// serveGStreamer runs Debian's own Python: another one that comes first in
// PATH would not find Debian's bindings of GStreamer.
func serveGStreamer(t *testing.T, codec ingest.Codec, mode, protocols string) string {
	t.Helper()
	mount := fmt.Sprintf("cam=%s=%s", codec, films[string(codec)])
	cmd := exec.Command("/usr/bin/python3", "testdata/gstreamer.py", mode, protocols, mount)
	cmd.Env = append(os.Environ(), "INTEROP_USER="+user, "INTEROP_PASSWORD="+password)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	said := start(t, cmd)
	port, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("GStreamer's RTSP server did not start: %v: %s; script/setup test installs it", err, said)
	}
	return fmt.Sprintf("rtsp://127.0.0.1:%s/cam", strings.TrimSpace(port))
}

// serveVLC runs VLC, which refuses to be root, as nobody. It begins the film at
// once, whoever watches, and again at its end.
func serveVLC(t *testing.T, codec ingest.Codec, basic bool) string {
	t.Helper()
	address := freeAddress(t)
	url := "rtsp://" + address + "/cam"
	args := []string{"-I", "dummy", "--no-dbus", "--no-audio", "--loop", "--sout", "#rtp{sdp=" + url + "}"}
	authorization := ""
	if basic {
		args = append(args, "--sout-rtsp-user", user, "--sout-rtsp-pwd", password)
		authorization = "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password)) + "\r\n"
	}
	cmd := exec.Command("vlc", append(args, films[string(codec)])...)
	cmd.Env = append(os.Environ(), "HOME=/nonexistent")
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if os.Getuid() == 0 {
		const nobody = 65534
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: nobody, Gid: nobody}
	}
	said := start(t, cmd)
	for deadline := time.Now().Add(patience); !describes(address, url, authorization); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("VLC does not serve its film: %s", said)
		}
	}
	return url
}

// start runs a server until the test ends, and returns what it complains of.
func start(t *testing.T, cmd *exec.Cmd) fmt.Stringer {
	t.Helper()
	said := new(complaints)
	cmd.Stderr = said
	if err := cmd.Start(); err != nil {
		t.Fatalf("%v; script/setup test installs it", err)
	}
	t.Cleanup(func() {
		if err := cmd.Process.Kill(); err != nil {
			t.Errorf("the server had ended: %v: %s", err, said)
		}
		// Its state says that it was killed.
		_ = cmd.Wait()
	})
	return said
}

// complaints may be read while they are written.
type complaints struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (c *complaints) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.text.Write(p)
}

func (c *complaints) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.text.String()
}

// freeAddress is one on which nobody listens.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// describes reports whether a server describes a video.
func describes(address, url, authorization string) bool {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return false // not yet
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(time.Second)) // it may keep the connection after a description without video
	fmt.Fprintf(conn, "DESCRIBE %s RTSP/1.0\r\nCSeq: 1\r\n%s\r\n", url, authorization)
	for lines := bufio.NewReader(conn); ; {
		line, err := lines.ReadString('\n')
		if strings.HasPrefix(line, "m=video") {
			return true
		}
		if err != nil || strings.HasPrefix(line, "RTSP/1.0 ") && !strings.Contains(line, " 200 ") {
			return false
		}
	}
}
