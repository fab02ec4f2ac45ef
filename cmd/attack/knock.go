package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"net"
	"time"
)

// open connects to a door.
func (d door) open(ctx context.Context) (net.Conn, error) {
	return (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, d.Network, d.Address)
}

// ask sends something to a door and reads the beginning of an answer.
func ask(ctx context.Context, d door, text []byte) ([]byte, error) {
	conn, err := d.open(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(3 * time.Second))
	if _, err := conn.Write(text); err != nil {
		return nil, err
	}
	answer := make([]byte, 4096)
	n, err := io.ReadAtLeast(conn, answer, 1)
	return answer[:n], err
}

// databaseAt signs in to whatever may be a database, as its default user.
func databaseAt(ctx context.Context, d door) result {
	answer, err := ask(ctx, d, clickhouseHello("default", ""))
	if err == nil && len(answer) > 0 && answer[0] == 0 { // hello, where 2 is an exception
		return gotIn("the database says hello")
	}
	return refused("%v %q", err, answer)
}

// clickhouseHello is the first packet of a client.
func clickhouseHello(user, password string) []byte {
	packet := []byte{0}
	text := func(s string) {
		packet = binary.AppendUvarint(packet, uint64(len(s)))
		packet = append(packet, s...)
	}
	text("attack")
	for _, n := range []uint64{24, 1, 54460} {
		packet = binary.AppendUvarint(packet, n)
	}
	text("")
	text(user)
	text(password)
	return packet
}

// brokerAt asks whatever may be a broker for its topics.
func brokerAt(ctx context.Context, d door) result {
	answer, err := ask(ctx, d, kafkaRequest(3, 1, []byte{0xff, 0xff, 0xff, 0xff})) // metadata of all topics
	if err == nil && bytes.Contains(answer, []byte("tidewatch")) {
		return gotIn("the broker names its topics")
	}
	return refused("%v %q", err, answer)
}

// kafkaRequest is a request with its length and header.
func kafkaRequest(key, version int16, body []byte) []byte {
	var b bytes.Buffer
	for _, v := range []any{key, version, int32(1), int16(6), []byte("attack"), body} {
		_ = binary.Write(&b, binary.BigEndian, v) // a buffer takes everything
	}
	return append(binary.BigEndian.AppendUint32(nil, uint32(b.Len())), b.Bytes()...)
}

// pageAt asks whatever may speak HTTP.
func pageAt(ctx context.Context, d door) result {
	answer, err := ask(ctx, d, []byte("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"))
	if err == nil && bytes.HasPrefix(answer, []byte("HTTP/1.1 200")) {
		return gotIn("%s", answer)
	}
	return refused("%v %q", err, answer)
}
