package rtsp

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"tidewatch/ingest"
	"tidewatch/rescue"
)

// reply is what a scripted camera answers to a method; lines end in "\n".
type reply map[string]string

const (
	ok  = "RTSP/1.0 200 OK\n"
	sdp = "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=-\nc=IN IP4 0.0.0.0\nt=0 0\n"
	// video announces H.264 at the address that HOST stands for.
	video = sdp + "m=video 0 RTP/AVP 96\na=rtpmap:96 H264/90000\na=fmtp:96 packetization-mode=1\na=control:rtsp://HOST/track\n"
	// challenge is the answer to requests without a digest.
	challenge = "RTSP/1.0 401 Unauthorized\nWWW-Authenticate: Digest realm=\"camera\", nonce=\"once\"\n"
	audio     = sdp + "m=audio 0 RTP/AVP 0\na=control:rtsp://HOST/track\n"
)

// addressed announces H.264 at an address.
func addressed(control string) string { return strings.ReplaceAll(video, "rtsp://HOST/track", control) }

func described(body string) string {
	return ok + "Content-Type: application/sdp\nContent-Base: rtsp://HOST/\nBODY\n" + body
}

// script serves a camera that answers each request as told and keeps silent
// where it is told nothing. Where it is told what to answer to "none", it does
// so to requests without credentials. It returns its address.
func script(t *testing.T, replies reply) string {
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
			group.Go(func() { answer(conn, replies) })
		}
	})
	t.Cleanup(func() {
		listener.Close()
		group.Wait()
	})
	return listener.Addr().String()
}

// answer ends when the client hangs up.
func answer(conn net.Conn, replies reply) {
	defer conn.Close()
	requests := bufio.NewReader(conn)
	for {
		method, sequence, authorized := "", "", false
		for {
			line, err := requests.ReadString('\n')
			if err != nil {
				return
			}
			line = strings.TrimSpace(line)
			if line == "" {
				break
			}
			if method == "" {
				method, _, _ = strings.Cut(line, " ")
			}
			if number, found := strings.CutPrefix(line, "CSeq: "); found {
				sequence = number
			}
			authorized = authorized || strings.HasPrefix(line, "Authorization: ")
		}
		text, found := replies[method]
		if refusal, guarded := replies["none"]; guarded && !authorized {
			text, found = refusal, true
		}
		if !found {
			continue
		}
		head, body, _ := strings.Cut(strings.ReplaceAll(text, "HOST", conn.LocalAddr().String()), "BODY\n")
		body = strings.ReplaceAll(body, "\n", "\r\n")
		if strings.HasPrefix(head, "RTSP/") {
			head += fmt.Sprintf("CSeq: %s\nContent-Length: %d\n\n", sequence, len(body))
		}
		fmt.Fprint(conn, strings.ReplaceAll(head, "\n", "\r\n")+body)
	}
}

func impatient(_ *ingest.Camera, cfg *Config) {
	cfg.AnswerTimeout, cfg.UnitTimeout = 300*time.Millisecond, 300*time.Millisecond
	cfg.KeyTimeout = time.Hour
}

func TestSourceSaysWhatIsWrongWithACamera(t *testing.T) {
	for _, test := range []struct {
		name    string
		replies reply
		want    error
		words   string
	}{
		{"no answer", reply{}, ErrSilent, "does not answer"},
		{"no such stream", reply{"OPTIONS": ok, "DESCRIBE": "RTSP/1.0 404 Not Found\n"}, ErrNotFound, "Check the path"},
		{"forbidden", reply{"OPTIONS": ok, "DESCRIBE": "RTSP/1.0 403 Forbidden\n"}, ingest.ErrUnauthorized, "user name or the password"},
		{"an error that repeats a secret", reply{"OPTIONS": ok, "DESCRIBE": "RTSP/1.0 500 the password is " + password + "\n"}, nil, "status=500"},
		{"sound only", reply{"OPTIONS": ok, "DESCRIBE": described(audio)}, ErrNoVideo, "H.264"},
		{"no description", reply{"OPTIONS": ok, "DESCRIBE": described("secret\n")}, ErrProtocol, "firmware"},
		{"a line of the description", reply{"OPTIONS": ok, "DESCRIBE": described(sdp + "a secret\n")}, ErrProtocol, "RTSP port"},
		{
			"a description of another type",
			reply{"OPTIONS": ok, "DESCRIBE": ok + "Content-Type: text/secret\n"},
			ErrProtocol, "RTSP port",
		},
		{
			"a base address",
			reply{"OPTIONS": ok, "DESCRIBE": ok + "Content-Type: application/sdp\nContent-Base: https://HOST/?password=secret\nBODY\n" + video},
			ErrProtocol, "RTSP port",
		},
		{
			"an address of the stream",
			reply{"OPTIONS": ok, "DESCRIBE": described(sdp + "a=control:rtsp://HOST/secret%zz\n")},
			ErrProtocol, "RTSP port",
		},
		{
			"an address of the video",
			reply{"OPTIONS": ok, "DESCRIBE": described(addressed("rtsp://HOST/secret%zz"))},
			ErrTrack, "firmware",
		},
		{
			"a video's address with a fragment, and digests",
			reply{"none": challenge, "OPTIONS": ok, "DESCRIBE": described(addressed("secret#1"))},
			ErrTrack, "firmware",
		},
		{
			"a video's address that is none, and digests",
			reply{"none": challenge, "OPTIONS": ok, "DESCRIBE": described(addressed("secret%zz"))},
			ErrTrack, "firmware",
		},
		{
			"a redirect to nowhere",
			reply{"OPTIONS": ok, "DESCRIBE": "RTSP/1.0 302 Moved\nLocation: rtsp://HOST/?password=secret%zz\x7f\n"},
			ErrProtocol, "RTSP port",
		},
		{
			"a redirect elsewhere",
			reply{"OPTIONS": ok, "DESCRIBE": "RTSP/1.0 302 Moved\nLocation: rtsp://127.0.0.2:554/kerb\n"},
			ErrRedirected, "if you trust it",
		},
		{
			"a redirect in a circle",
			reply{"OPTIONS": ok, "DESCRIBE": "RTSP/1.0 302 Moved\nLocation: rtsp://HOST/kerb\n"},
			ErrRedirected, "if you trust it",
		},
		{
			"no video comes",
			reply{
				"OPTIONS": ok, "DESCRIBE": described(video), "PLAY": ok + "Session: 1\n",
				"SETUP": ok + "Session: 1\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1\n",
			},
			ErrStalled, "bit rate",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			address := script(t, test.replies)
			source := newSource(t, "rtsp://"+address+"/kerb?key=secret", impatient)
			if test.want != nil {
				fault(t, source, test.want, address, test.words)
				return
			}
			err := source.Run(t.Context(), nil)
			if err == nil || !strings.Contains(err.Error(), test.words) || strings.Contains(err.Error(), password) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestSourceIsRefusedByTheRightCamera(t *testing.T) {
	server, _ := serve(t, "127.0.0.1:0", "kerb")
	wrong := func(c *ingest.Camera, _ *Config) { c.Password = "secret-but-wrong" }
	none := func(c *ingest.Camera, _ *Config) { c.Username, c.Password = "", "" }
	fault(t, newSource(t, server.URL("kerb"), wrong), ingest.ErrUnauthorized, server.Addr(), "Check the user name and the password")
	fault(t, newSource(t, server.URL("kerb"), none), ingest.ErrUnauthorized, server.Addr())
	fault(t, newSource(t, server.URL("nowhere"), wrong), ingest.ErrUnauthorized, server.Addr())
	fault(t, newSource(t, server.URL("nowhere")), ErrNotFound, server.Addr(), "Check the path")
}

func TestSourceIsRefusedByTheHost(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	listener.Close()
	fault(t, newSource(t, "rtsp://"+address+"/kerb"), ErrRefused, address, "Check that the camera is on")
}

func TestSourceRefusesURLs(t *testing.T) {
	for name, url := range map[string]string{
		"credentials in it": "rtsp://officer:secret@127.0.0.1/kerb",
		"no URL":            "rtsp://officer:secret\x7f@[",
		"another scheme":    "http://127.0.0.1/kerb?password=secret",
		"no host":           "rtsp:///secret",
		"empty":             "",
	} {
		t.Run(name, func(t *testing.T) {
			fault(t, newSource(t, url), ErrURL, "apart from it")
		})
	}
}

// TestSourceTellsOfAnEnd checks that a camera that hangs up is told from one
// that goes silent.
func TestSourceTellsOfAnEnd(t *testing.T) {
	server, stop := serve(t, "127.0.0.1:0", "kerb")
	var once sync.Once
	err := newSource(t, server.URL("kerb")).Run(t.Context(), func(*ingest.Unit) { once.Do(func() { go stop() }) })
	if !errors.Is(err, ErrEnded) {
		t.Errorf("got %v, want ErrEnded", err)
	}
}

// TestAPanicOnTheClientsGoroutineIsReturned strikes where the client calls us.
// Nothing that was struck is given another unit.
func TestAPanicOnTheClientsGoroutineIsReturned(t *testing.T) {
	server, _ := serve(t, "127.0.0.1:0", "kerb")
	for name, strike := range map[string]func(*Source) func(*ingest.Unit){
		"as a unit is taken": func(*Source) func(*ingest.Unit) {
			return func(*ingest.Unit) { panic("struck") }
		},
		"as a packet comes": func(s *Source) func(*ingest.Unit) {
			s.now = func() time.Time { panic("struck") }
			return func(*ingest.Unit) { t.Error("a unit came") }
		},
	} {
		t.Run(name, func(t *testing.T) {
			source := newSource(t, server.URL("kerb"))
			emit, units := strike(source), 0
			err := source.Run(t.Context(), func(u *ingest.Unit) { units++; emit(u) })
			if caught := rescue.From(err); caught == nil || caught.Value != "struck" || units > 1 {
				t.Errorf("after %d units: %v", units, err)
			}
		})
	}
}

// TestAPanicAboutCredentialsWithholdsThem has the look at a request fail.
func TestAPanicAboutCredentialsWithholdsThem(t *testing.T) {
	var ended error
	a := access{fail: func(err error) { ended = err }}
	a.answered(nil) // which nobody would send
	if rescue.From(ended) == nil {
		t.Errorf("the session ends with %v", ended)
	}
	if a.rescued(func() { panic("struck") }) {
		t.Error("what panicked is taken for done")
	}
}
