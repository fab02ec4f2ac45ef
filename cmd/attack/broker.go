package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/sasl/plain"
)

// broker are attempts at the case log without its password.
func broker() []attempt {
	var all []attempt
	for _, size := range []int64{400 << 20, 2<<30 - 1, -1, 99 << 20} {
		all = append(all, attempt{
			name: fmt.Sprintf("broker: announce %d bytes before signing in", size),
			try: eachDoor(func(ctx context.Context, d door) {
				announce(ctx, d, binary.BigEndian.AppendUint32(nil, uint32(size)), 64<<20)
			}),
			after: stillSlim,
		})
	}
	return append(all,
		attempt{name: "broker: 50 wrong passwords", try: func(ctx context.Context, w *world) result {
			var last error
			for i := range 50 {
				wrong := access{w.Broker.Address, "tidewatch", fmt.Sprint("wrong", i)}
				if last = wrong.reach(ctx); last == nil {
					return gotIn("a wrong password was taken")
				}
			}
			return refused("%v", last)
		}},
		attempt{name: "broker: no password", try: func(ctx context.Context, w *world) result {
			return refusedBy(access{Address: w.Broker.Address}.reach(ctx), "the topics can be listed")
		}},
		attempt{name: "broker: 300 connections that say nothing", try: eachDoor(func(ctx context.Context, d door) {
			for range 300 {
				if conn, err := d.open(ctx); err == nil {
					defer conn.Close()
				}
			}
			time.Sleep(3 * time.Second)
		})},
	)
}

// announce tells many times that much is coming, and sends some of it.
func announce(ctx context.Context, d door, head []byte, some int) {
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			conn, err := d.open(ctx)
			if err != nil {
				return
			}
			defer conn.Close()
			_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
			_, _ = conn.Write(head)
			part := make([]byte, 1<<20)
			for range some / len(part) {
				if _, err := conn.Write(part); err != nil {
					return
				}
			}
			time.Sleep(time.Second)
		})
	}
	group.Wait()
}

// grown is by how much memory may differ that is used anyhow, in bytes.
const grown = 250 << 20

// stillSlim tells whether the system's memory has grown by what was announced.
func stillSlim(_ context.Context, s *site) result {
	now := resident(s.world.PIDs)
	if more := now - s.resident; more > grown {
		return gotIn("its memory went from %d to %d MB", s.resident>>20, now>>20)
	}
	return refused("%d MB, before %d", now>>20, s.resident>>20)
}

func (a access) transport() *kafka.Transport {
	t := &kafka.Transport{DialTimeout: 3 * time.Second, Dial: a.dial}
	if a.Username != "" {
		t.SASL = plain.Mechanism{Username: a.Username, Password: a.Password}
	}
	return t
}

// dial connects to the broker, whatever address it tells of itself.
func (a access) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	d := door{Network: "tcp", Address: a.Address}
	if strings.HasPrefix(a.Address, "/") {
		d.Network = "unix"
	}
	return d.open(ctx)
}

// reach lists the topics of a broker.
func (a access) reach(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	transport := a.transport()
	defer transport.CloseIdleConnections()
	client := &kafka.Client{Addr: kafka.TCP(a.Address), Transport: transport}
	_, err := client.Metadata(ctx, &kafka.MetadataRequest{})
	return err
}

func removeAll(path string) error { return os.RemoveAll(path) }
