package clickhouse

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// errNotNative says that whoever connected does not speak the native protocol.
var errNotNative = errors.New("not a greeting of ClickHouse's native protocol")

// Packets of the native protocol, by their first number.
const (
	packetHello     = 0
	packetException = 2
)

// Revisions of the protocol, of which both sides use the lower one.
const (
	quotaKeyRevision = 54458 // from it on a client says the key of its quota after the greetings
	newestRevision   = 54469 // the newest of which we know the greetings
)

// longestText bounds each text of a greeting, and so what is read of anybody
// who has not yet said who he is.
const longestText = 1024

// hello is what a client of the native protocol says first.
type hello struct {
	client                   string
	major, minor, revision   uint64
	database, user, password string
}

func readHello(r *bufio.Reader) (hello, error) {
	var h hello
	kind, err := binary.ReadUvarint(r)
	if err != nil {
		return h, err
	}
	if kind != packetHello {
		return h, errNotNative
	}
	if h.client, err = readText(r); err != nil {
		return h, err
	}
	for _, number := range []*uint64{&h.major, &h.minor, &h.revision} {
		if *number, err = binary.ReadUvarint(r); err != nil {
			return h, err
		}
	}
	for _, text := range []*string{&h.database, &h.user, &h.password} {
		if *text, err = readText(r); err != nil {
			return h, err
		}
	}
	return h, nil
}

func readText(r *bufio.Reader) (string, error) {
	length, err := binary.ReadUvarint(r)
	if err != nil {
		return "", err
	}
	if length > longestText {
		return "", fmt.Errorf("%w: a text of %d bytes", errNotNative, length)
	}
	text := make([]byte, length)
	_, err = io.ReadFull(r, text)
	return string(text), err
}

// encode is h as readHello reads it, with the key of no quota where one has to
// follow.
func (h hello) encode() []byte {
	b := binary.AppendUvarint(nil, packetHello)
	b = appendText(b, h.client)
	for _, number := range []uint64{h.major, h.minor, h.revision} {
		b = binary.AppendUvarint(b, number)
	}
	for _, text := range []string{h.database, h.user, h.password} {
		b = appendText(b, text)
	}
	if h.revision >= quotaKeyRevision {
		b = appendText(b, "")
	}
	return b
}

// welcome is how the engine's answer to a greeting begins.
type welcome struct {
	server                 string
	major, minor, revision uint64
}

func readWelcome(r *bufio.Reader) (welcome, error) {
	var w welcome
	kind, err := binary.ReadUvarint(r)
	if err != nil {
		return w, err
	}
	if kind != packetHello {
		return w, errNotNative
	}
	if w.server, err = readText(r); err != nil {
		return w, err
	}
	for _, number := range []*uint64{&w.major, &w.minor, &w.revision} {
		if *number, err = binary.ReadUvarint(r); err != nil {
			return w, err
		}
	}
	return w, nil
}

// encode is w as readWelcome reads it.
func (w welcome) encode() []byte {
	b := appendText(binary.AppendUvarint(nil, packetHello), w.server)
	for _, number := range []uint64{w.major, w.minor, w.revision} {
		b = binary.AppendUvarint(b, number)
	}
	return b
}

func appendText(b []byte, text string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(text))), text...)
}

// exception is an error as ClickHouse tells it to its clients.
type exception struct {
	code    int32 // ClickHouse's own
	message string
}

func (e *exception) Error() string { return e.message }

func (e *exception) encode() []byte {
	b := binary.AppendUvarint(nil, packetException)
	b = binary.LittleEndian.AppendUint32(b, uint32(e.code))
	for _, text := range []string{"DB::Exception", "DB::Exception: " + e.message, ""} { // name, message, stack
		b = appendText(b, text)
	}
	return append(b, 0) // no further one within
}
