package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/segmentio/kafka-go"

	"tidewatch/cmd/trialrig"
	"tidewatch/enforce"
)

// The cases of the world, by what is done to them.
const (
	confirmedCase = iota // by the officer, before
	rejectedCase         // by the officer, before
	forgedCase
	replayedCase
	closedCase
	keptCase
	plateCase
	crossCase
	guessCase
)

// genuine has the officer decide two cases and keeps how the log has it.
func (s *site) genuine(ctx context.Context) error {
	for i, decision := range []struct {
		what, state string
		form        url.Values
	}{
		{"confirm", "uploaded", url.Values{"plate": {"川A12345"}, "sure": {"yes"}}},
		{"reject", "rejected", url.Values{"reason": {"unclear"}, "note": {"a trial"}}},
	} {
		id := s.world.Cases[i]
		answer, err := s.officer.Decide(ctx, id, decision.what, decision.form)
		if err != nil {
			return err
		}
		if err := trialrig.Until(ctx, decision.what+" to take effect", func() bool {
			return s.state(ctx, id) == decision.state
		}); err != nil {
			return fmt.Errorf("%w: the answer was %d, the case is %s: %s", err, answer.Status, s.state(ctx, id), short(answer.Body))
		}
	}
	s.sent = 1
	var err error
	s.world.Genuine, err = s.world.find(ctx, s.world.Cases[confirmedCase], enforce.Confirmed)
	return err
}

// find reads the case log for an event.
func (w *world) find(ctx context.Context, id string, kind enforce.EventType) (found []byte, err error) {
	err = w.eachEvent(ctx, func(text []byte) bool {
		var e enforce.Event
		if json.Unmarshal(text, &e) == nil && e.Case == id && e.Type == kind {
			found = text
		}
		return found != nil
	})
	return found, err
}

var errNotFound = errors.New("not in the case log")

// eachEvent reads the log from its beginning until enough says so.
func (w *world) eachEvent(ctx context.Context, enough func([]byte) bool) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	dialer := &kafka.Dialer{Timeout: 3 * time.Second, SASLMechanism: w.Broker.transport().SASL, DialFunc: w.Broker.dial}
	for partition := range 8 {
		conn, err := dialer.DialLeader(ctx, "tcp", w.Broker.Address, w.Topic, partition)
		if err != nil {
			return err
		}
		done, err := drain(conn, enough)
		if err != nil || done {
			return err
		}
	}
	return errNotFound
}

// drain reads a partition to its present end.
func drain(conn *kafka.Conn, enough func([]byte) bool) (bool, error) {
	defer conn.Close()
	first, last, err := conn.ReadOffsets()
	if err != nil || first == last {
		return false, err
	}
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	batch := conn.ReadBatch(1, 8<<20)
	defer batch.Close()
	for offset := first; offset < last; {
		m, err := batch.ReadMessage()
		if err != nil {
			return false, err
		}
		if enough(m.Value) {
			return true, nil
		}
		offset = m.Offset + 1
	}
	return false, nil
}

// forgery is an event that nobody decided on these pages.
type forgery struct {
	name string
	of   int // index of the case
	make func(w *world, id string) any
	// worked tells whether it took effect.
	worked func(ctx context.Context, s *site, id string) string
}

// forged are events that are appended with the broker's credentials: by a
// stranger who has them, and by a program of the system's own user.
func forged(*world) []attempt {
	var all []attempt
	for _, by := range []role{stranger, insider} {
		who := map[role]string{stranger: "a stranger", insider: "a program within"}[by]
		for _, f := range forgeries() {
			all = append(all, attempt{
				name: fmt.Sprintf("case log: %s appends %s", who, f.name), by: by,
				try: f.append, after: f.look,
			})
		}
	}
	return all
}

// append writes the forgery to the log. That it is taken is no harm yet.
func (f forgery) append(ctx context.Context, w *world) result {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	text, err := json.Marshal(f.make(w, w.Cases[f.of]))
	if err != nil {
		return refused("%v", err)
	}
	transport := w.Broker.transport()
	defer transport.CloseIdleConnections()
	writer := &kafka.Writer{
		Addr: kafka.TCP(w.Broker.Address), Topic: w.Topic, Transport: transport, MaxAttempts: 1,
		Balancer: kafka.Murmur2Balancer{Consistent: true}, BatchTimeout: time.Millisecond,
	}
	if err := writer.WriteMessages(ctx, kafka.Message{Key: []byte(w.Cases[f.of]), Value: text}); err != nil {
		return refused("%v", err)
	}
	return refused("it was appended, without effect")
}

// look waits for an effect that must not come. What is appended is at the
// police some seconds later, where nothing checks it.
func (f forgery) look(ctx context.Context, s *site) result {
	for deadline := time.Now().Add(8 * time.Second); time.Now().Before(deadline) && ctx.Err() == nil; time.Sleep(time.Second) {
		if what := f.worked(ctx, s, s.world.Cases[f.of]); what != "" {
			return gotIn("%s", what)
		}
	}
	return result{}
}

// moved tells of a case that is no longer suspected, or was sent.
func moved(ctx context.Context, s *site, id string) string {
	if state := s.state(ctx, id); state != string(enforce.StateSuspected) {
		return fmt.Sprintf("case %s is %s", id, state)
	}
	sent, err := trialrig.AtThePolice(s.world.Police)
	if err == nil && len(sent) > s.sent {
		before := s.sent
		s.sent = len(sent)
		return fmt.Sprintf("the police have %d cases, before %d", len(sent), before)
	}
	return ""
}

// recorded tells of a forged event that the database says took effect.
func recorded(kind enforce.EventType) func(context.Context, *site, string) string {
	return func(ctx context.Context, s *site, id string) string {
		conn, err := analyst.sign(ctx, s.world)
		if err != nil {
			return fmt.Sprintf("cannot look: %v", err)
		}
		defer conn.Close()
		text, err := fetch(ctx, conn, fmt.Sprintf(
			"SELECT event_id FROM case_events FINAL WHERE case_id = %s AND type = %s AND outcome = 'applied'", quote(id), quote(string(kind))))
		if err != nil {
			return fmt.Sprintf("cannot look: %v", err)
		}
		if text != "" {
			return fmt.Sprintf("case %s: %s took effect", id, kind)
		}
		return ""
	}
}

func event(id string, kind enforce.EventType, revision int) enforce.Event {
	return enforce.Event{ID: rand.Text(), Case: id, Type: kind, At: time.Now().UTC().Truncate(time.Microsecond), Actor: "officer/officer", Revision: revision}
}

// sentTwice tells of a case that the police got again.
func sentTwice(_ context.Context, s *site, id string) string {
	sent, err := trialrig.AtThePolice(s.world.Police)
	if err != nil {
		return ""
	}
	for _, one := range sent {
		if one.Received > 1 {
			return fmt.Sprintf("case %s: the police have one case %d times", id, one.Received)
		}
	}
	return ""
}
