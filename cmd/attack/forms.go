package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// held are the connections that the intruder keeps open, with when it began.
var held struct {
	sync.Mutex
	conns []net.Conn
	since time.Time
}

// halfForms is how many half-sent forms are held.
const halfForms = 1500

// heldForms hold half-sent forms, under which all that follows happens.
func heldForms() []attempt {
	return []attempt{{
		name: fmt.Sprintf("pages: hold %d half-sent forms while an officer works", halfForms),
		try: func(ctx context.Context, w *world) result {
			n := holdForms(ctx, w, halfForms)
			time.Sleep(3 * time.Second)
			return refused("%d held, and an officer's page came", n)
		},
		during: func(ctx context.Context, s *site) result {
			time.Sleep(2 * time.Second)
			begin := time.Now()
			answer, err := s.officer.Do(ctx, http.MethodGet, "/", nil)
			if err != nil || answer.Status != http.StatusOK || time.Since(begin) > 10*time.Second {
				return gotIn("an officer's page: %v, status %d, after %s", err, answer.Status, time.Since(begin).Round(time.Second))
			}
			return result{}
		},
	}}
}

// holdForms opens connections on which the most of a form is yet to come.
func holdForms(ctx context.Context, w *world, n int) int {
	d := door{Network: "tcp", Address: hostOf(w.Pages)}
	held.Lock()
	defer held.Unlock()
	held.since = time.Now()
	for range n {
		conn, err := d.open(ctx)
		if err != nil {
			break
		}
		_, _ = fmt.Fprintf(conn, "POST /sign-in HTTP/1.1\r\nHost: %s\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000\r\n\r\nname=off", hostOf(w.Pages))
		held.conns = append(held.conns, conn)
	}
	return len(held.conns)
}

func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	return u.Host
}

// limitOfForms is for how long a half-sent form may be held.
const limitOfForms = 75 * time.Second

// formsStillHeld counts, once their time is up, how many are still open.
func formsStillHeld(ctx context.Context, _ *world) result {
	held.Lock()
	defer held.Unlock()
	wait := time.Until(held.since.Add(limitOfForms))
	select {
	case <-ctx.Done():
	case <-time.After(wait):
	}
	var open atomic.Int64
	var each sync.WaitGroup
	for _, conn := range held.conns {
		each.Go(func() {
			if !closed(conn) {
				open.Add(1)
			}
			_ = conn.Close()
		})
	}
	each.Wait()
	n := len(held.conns)
	held.conns = nil
	if open.Load() > 0 {
		return gotIn("%d of %d are open after %s", open.Load(), n, time.Since(held.since).Round(time.Second))
	}
	return refused("all %d were closed within %s", n, limitOfForms)
}

// closed says whether the other side has closed a connection, after whatever
// it answered. It takes its time: on a busy machine a short one is over before
// anything was read.
func closed(conn net.Conn) bool {
	_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	for part := make([]byte, 4096); ; {
		if _, err := conn.Read(part); err != nil {
			var timeout net.Error
			return !asTimeout(err, &timeout) || !timeout.Timeout()
		}
	}
}

// slowStop is how long a stop may take while half-sent forms are held.
const slowStop = 12 * time.Second

// commands are what is tried with the system's own programs, and at its end:
// the system is stopped by the first of them that needs that.
func commands(*world) []attempt {
	return []attempt{
		{name: "pages: half-sent forms are held for ever", try: formsStillHeld},
		{name: "command: hold a case in the name of anybody", by: insider, after: func(ctx context.Context, s *site) result {
			out, err := s.town.Command(ctx, "case", "hold", s.world.Cases[keptCase], "--officer=somebody", "--reason=forged", "--config="+s.town.Config)
			if err == nil && strings.Contains(out, "is held") {
				return gotIn("%s", out)
			}
			return refused("%s", lastLine(out))
		}},
		{name: "pages: 50 half-sent forms keep the system from stopping", try: func(ctx context.Context, w *world) result {
			return refused("%d held", holdForms(ctx, w, 50))
		}, after: func(_ context.Context, s *site) result {
			s.watch.pause()
			if took := s.stop(); took > slowStop {
				return gotIn("it took %s", took.Round(100*time.Millisecond))
			}
			return result{}
		}},
		readableFile("keys/signing.key"),
		readableFile("officers.json"),
	}
}

func lastLine(text string) string {
	all := strings.Split(strings.TrimSpace(text), "\n")
	return all[len(all)-1]
}

// readableFile opens a file of the stopped system to others: a start must
// refuse it.
func readableFile(name string) attempt {
	return attempt{name: "files: a start with " + name + " that others can read", by: insider, after: func(ctx context.Context, s *site) result {
		restore, err := s.town.OpenToOthers(name)
		if err != nil {
			return refused("%v", err)
		}
		defer restore()
		system, err := s.town.Run(ctx)
		if err == nil {
			system.Stop(terminate)
			return gotIn("it started")
		}
		return refused("%s", lastLine(err.Error()))
	}}
}
