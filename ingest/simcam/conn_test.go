package simcam

import (
	"io"
	"net"
	"testing"
	"time"
)

// TestConnLosesAndHoldsBackNothing writes frames and messages in pieces and
// never a last one.
func TestConnLosesAndHoldsBackNothing(t *testing.T) {
	door, err := listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer door.Close()
	client, err := net.Dial("tcp", door.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	server, err := door.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	client.SetDeadline(time.Now().Add(patience))
	more, last := "$\x00\x00\x02\x80\x60", "$\x00\x00\x02\x80\xe0"
	for _, pieces := range [][]string{
		{more}, {last}, {more, more}, {more, more, last}, {more, "RTSP/1.0 200 OK\r\n\r\n"}, {"$\x01\x00\x02\x80\xc8"}, {"$"}, {more, "x"},
	} {
		want := ""
		for _, piece := range pieces {
			want += piece
			if n, err := server.Write([]byte(piece)); err != nil || n != len(piece) {
				t.Fatalf("wrote %d of %q: %v", n, piece, err)
			}
		}
		got := make([]byte, len(want))
		if _, err := io.ReadFull(client, got); err != nil || string(got) != want {
			t.Errorf("wrote %q, read %q: %v", want, got, err)
		}
	}
}
