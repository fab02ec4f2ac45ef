package feed_test

import (
	"bufio"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
)

// basic is a camera that knows Basic authentication alone. It returns its
// address, and what was said to it.
func basic(t *testing.T) (address string, heard func() string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	var said lockedBuffer
	group.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			group.Go(func() { refuseBasic(conn, &said) })
		}
	})
	t.Cleanup(func() {
		listener.Close()
		group.Wait()
	})
	return listener.Addr().String(), said.String
}

// refuseBasic answers each request with a challenge until the client hangs up.
func refuseBasic(conn net.Conn, said *lockedBuffer) {
	defer conn.Close()
	requests := bufio.NewReader(conn)
	sequence := ""
	for {
		line, err := requests.ReadString('\n')
		if err != nil {
			return
		}
		fmt.Fprint(said, line)
		if number, found := strings.CutPrefix(strings.TrimSpace(line), "CSeq: "); found {
			sequence = number
		}
		if strings.TrimSpace(line) == "" {
			fmt.Fprintf(conn, "RTSP/1.0 401 Unauthorized\r\nCSeq: %s\r\nWWW-Authenticate: Basic realm=\"camera\"\r\n\r\n", sequence)
		}
	}
}
