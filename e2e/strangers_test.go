package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"
	"golang.org/x/mod/sumdb/note"

	"tidewatch/enforce"
	"tidewatch/enforce/proof"
)

// stranger is somebody who has found out how to write to Kafka, and has copied
// the key of the worker.
type stranger struct {
	t     *testing.T
	topic string
	*kafka.Transport
	address string
	dialer  *kafka.Dialer
	worker  note.Signer
}

const topic = "tidewatch-cases"

// breakIn takes the socket of the embedded broker, which is there for the user
// that runs it; with an address it is a broker of the operator's, which lets
// everybody in.
func (s *street) breakIn(address string) *stranger {
	s.t.Helper()
	b := &stranger{t: s.t, topic: topic, address: address, Transport: &kafka.Transport{}, dialer: &kafka.Dialer{}}
	if address == "" {
		b.address, b.Dial, b.dialer.DialFunc = "embedded.invalid:9092", s.socket, s.socket
	}
	key, err := os.ReadFile(filepath.Join(s.Data, "keys", "worker.key"))
	if err == nil {
		b.worker, err = note.NewSigner(strings.TrimSpace(string(key)))
	}
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(b.CloseIdleConnections)
	return b
}

// socket dials the embedded broker, by a path that is short enough for a socket.
func (s *street) socket(ctx context.Context, _, _ string) (net.Conn, error) {
	dir, err := os.Open(filepath.Join(s.Data, "kafka"))
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	return (&net.Dialer{}).DialContext(ctx, "unix", fmt.Sprintf("/proc/self/fd/%d/broker.sock", dir.Fd()))
}

// write puts bytes where the events of a case are, or in the partition after it.
func (b *stranger) write(id string, beside int, value []byte) {
	b.t.Helper()
	home := kafka.Murmur2Balancer{Consistent: true}
	w := &kafka.Writer{
		Addr: kafka.TCP(b.address), Topic: b.topic, Transport: b.Transport, RequiredAcks: kafka.RequireAll, BatchTimeout: time.Millisecond,
		Balancer: kafka.BalancerFunc(func(m kafka.Message, partitions ...int) int {
			return (home.Balance(m, partitions...) + beside) % len(partitions)
		}),
	}
	defer w.Close()
	if err := w.WriteMessages(b.t.Context(), kafka.Message{Key: []byte(id), Value: value}); err != nil {
		b.t.Fatal(err)
	}
}

// find is the first event of a type that the log holds of a case, as it stands
// there.
func (b *stranger) find(id string, kind enforce.EventType) (found []byte) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), patience)
	defer cancel()
	for partition := range 8 {
		r := kafka.NewReader(kafka.ReaderConfig{Brokers: []string{b.address}, Topic: b.topic, Partition: partition, Dialer: b.dialer, MaxWait: time.Second})
		for {
			lag, err := r.ReadLag(ctx)
			if err != nil {
				b.t.Fatal(err)
			}
			if lag == 0 {
				break
			}
			m, err := r.ReadMessage(ctx)
			if err != nil {
				b.t.Fatal(err)
			}
			var e enforce.Event
			if found == nil && json.Unmarshal(m.Value, &e) == nil && e.Case == id && e.Type == kind && bytes.Contains(m.Value, []byte(`"signature"`)) {
				found = m.Value
			}
		}
		_ = r.Close()
	}
	if found == nil {
		b.t.Fatalf("no signed %s of case %s in the log", kind, id)
	}
	return found
}

// withSignature is an event with the signature of another one.
func (b *stranger) withSignature(e enforce.Event, of []byte) []byte {
	b.t.Helper()
	var members, other map[string]json.RawMessage
	text, err := json.Marshal(e)
	if err := errors.Join(err, json.Unmarshal(text, &members), json.Unmarshal(of, &other)); err != nil {
		b.t.Fatal(err)
	}
	members["signature"] = other["signature"]
	if text, err = json.Marshal(members); err != nil {
		b.t.Fatal(err)
	}
	return text
}

// forge makes an event of a case.
func forge(id string, kind enforce.EventType, revision int) enforce.Event {
	e := enforce.Event{
		ID: fmt.Sprintf("forged/%s/%s/%d", id, kind, revision), Case: id, Type: kind, Actor: "officer/officer",
		Via: enforce.ViaSession, At: time.Now().UTC().Truncate(time.Microsecond), Revision: revision,
	}
	switch kind {
	case enforce.Confirmed, enforce.Warned:
		e.Decision = &enforce.Decision{Plate: "川B66666"}
	case enforce.Rejected:
		e.Decision = &enforce.Decision{Reason: "unclear"}
	case enforce.Held, enforce.Released:
		e.Hold = &enforce.Hold{Reason: "forged"}
	case enforce.Receipted:
		e.Receipt = &enforce.Receipt{Platform: "GA/T 1400", Accepted: true, Code: "0", At: e.At}
	case enforce.UploadFailed:
		e.Failure = &enforce.Failure{Attempt: 1, Error: "unreachable: forged"}
	case enforce.StopEnded:
		e.StopEnd = &e.At
	case enforce.Timestamped:
		e.Timestamp = &enforce.Timestamp{SHA256: strings.Repeat("0", 64), At: e.At}
	case enforce.Deleted:
		e.Deletion = &enforce.Deletion{Rule: "forged"}
	}
	return e
}

// attack writes everything that a stranger can think of, of a case that waits
// for its officer and one that was rejected, and returns how much that was.
func (b *stranger) attack(waits, rejected enforce.Case) (n int) {
	b.t.Helper()
	write := func(id string, value []byte, err error) {
		if err != nil {
			b.t.Fatal(err)
		}
		b.write(id, 0, value)
		n++
	}
	for _, kind := range []enforce.EventType{
		enforce.Confirmed, enforce.Warned, enforce.Rejected, enforce.Held, enforce.Released, enforce.Receipted,
		enforce.UploadFailed, enforce.Timestamped, enforce.Deleted, enforce.StopEnded,
	} {
		text, err := json.Marshal(forge(waits.ID, kind, waits.Revision))
		write(waits.ID, text, err)
		signed, err := proof.SignEvent(b.worker, forge(waits.ID, kind, waits.Revision))
		if kind != enforce.StopEnded { // which the worker may write
			write(waits.ID, signed, err)
		}
	}
	desk, worker := b.find(rejected.ID, enforce.Rejected), b.find(waits.ID, enforce.Suspected)
	for _, signature := range [][]byte{desk, worker} {
		write(waits.ID, b.withSignature(forge(waits.ID, enforce.Confirmed, 1), signature), nil)
		write(rejected.ID, b.withSignature(forge(rejected.ID, enforce.Confirmed, 2), signature), nil)
	}
	again := bytes.ReplaceAll(desk, []byte(rejected.ID), []byte(waits.ID))
	write(waits.ID, again, nil)
	write(rejected.ID, bytes.Replace(desk, []byte(`"revision":1`), []byte(`"revision":2`), 1), nil)
	b.write(waits.ID, 1, worker) // where it might be read before what followed it
	return n + 1
}

// TestStrangersInTheCaseLog has somebody who can write to Kafka try to get a
// case to the police, to keep one from them, and to have evidence deleted.
func TestStrangersInTheCaseLog(t *testing.T) {
	for name, external := range map[string]bool{"embedded broker": false, "broker of the operator": true} {
		t.Run(name, func(t *testing.T) {
			s := newStreet(t)
			address := ""
			if external {
				cluster, err := kfake.NewCluster(kfake.Ports(0))
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(cluster.Close)
				address = cluster.ListenAddrs()[0]
				s.Replace = [2]string{"\npolice:", "\nkafka:\n  brokers: [\"" + address + "\"]\npolice:"}
			}
			s.strangers(address)
		})
	}
}

func (s *street) strangers(address string) {
	t := s.t
	w := s.run()
	password := w.says(`password:\s+(\S+)`)
	van, car := w.twoCases()
	o := signIn(t, w.url, password)
	o.reject(car.ID)

	b := s.breakIn(address)
	n := b.attack(van, car)
	eventually(t, "the record of what was forged", func() bool {
		return w.count(`SELECT toInt32(count()) FROM case_events FINAL WHERE outcome = 'unproven'`) == n
	})
	b.write(car.ID, 0, b.find(car.ID, enforce.Rejected)) // a copy
	eventually(t, "the record of a copy", func() bool {
		return w.count(`SELECT toInt32(count()) FROM case_events FINAL WHERE type = 'rejected' AND outcome = 'void'`) == 1
	})
	if got := w.metric("tidewatch_caselog_strangers_total", ""); got != float64(n) {
		t.Errorf("%v strangers counted, want %d", got, n)
	}
	if w.says(`(somebody else writes to the case log)`) == "" || !s.alarmed(w) {
		t.Error("no alarm")
	}
	for id, want := range map[string]enforce.State{van.ID: enforce.StateSuspected, car.ID: enforce.StateRejected} {
		var state enforce.State
		if w.sql([]any{&state}, `SELECT toString(state) FROM cases FINAL WHERE case_id = ?`, id); state != want {
			t.Errorf("case %s is %s", id, state)
		}
	}
	o.seesStrangers(van.ID)
	if list := s.uploaded(); len(list) > 0 {
		t.Fatalf("at the police: %+v", list)
	}

	w.stop(syscall.SIGKILL) // all followers read the log anew
	w = s.run()
	o = signIn(t, w.url, password)
	o.confirm(van.ID, "川A12345")
	o.seesUpload(van.ID)
	if list := s.uploaded(); len(list) != 1 || list[0].Plate != "川A12345" || list[0].Received != 1 {
		t.Errorf("at the police: %+v", list)
	}
	s.acknowledged(w, password, van.ID, n)
	s.checkRecord(van.ID)
	w.stop(syscall.SIGINT)
}

// alarmed reports whether the readiness speaks of strangers, and is good.
func (s *street) alarmed(w *tidewatch) bool {
	response := w.get("/readyz")
	defer response.Body.Close()
	var answer struct {
		Ready  bool
		System []struct{ Name string }
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		s.t.Fatal(err)
	}
	for _, condition := range answer.System {
		if condition.Name == "case_log_strangers" {
			return answer.Ready
		}
	}
	return false
}

// acknowledged sees what the commands say, before and after the operator knows.
func (s *street) acknowledged(w *tidewatch, password, id string, n int) {
	s.t.Helper()
	if out, err := s.command("verify", "--case="+id); err == nil || !strings.Contains(out, `"confirmed" by "officer/officer" is not signed. It is void`) {
		s.t.Errorf("verify: %v\n%s", err, out)
	}
	if out, err := s.command("log", "acknowledge"); err != nil || !strings.Contains(out, fmt.Sprint(n, " messages")) {
		s.t.Errorf("acknowledge: %v\n%s", err, out)
	}
	if out, err := s.command("verify", "--all"); err != nil || !strings.Contains(out, "is not signed") {
		s.t.Errorf("verify after that: %v\n%s", err, out)
	}
	eventually(s.t, "the end of the alarm", func() bool { return !s.alarmed(w) })
	for _, try := range []struct{ password, want string }{{"guessed", "name or password wrong"}, {password, "is held"}} {
		out, err := s.commandWith(try.password+"\n", "case", "hold", id, "--officer=officer", "--reason=objection")
		if !strings.Contains(out, try.want) {
			s.t.Errorf("hold with the password %q: %v\n%s", try.password, err, out)
		}
	}
	eventually(s.t, "the hold in the record", func() bool {
		return w.count(`SELECT toInt32(count()) FROM case_events FINAL WHERE type = 'held' AND outcome = 'applied' AND JSONExtractString(payload, 'via') = 'command_line'`) == 1
	})
}

// checkRecord has a case written down, and sees that its record proves itself.
func (s *street) checkRecord(id string) {
	s.t.Helper()
	dir := filepath.Join(s.t.TempDir(), "case")
	if out, err := s.command("case", "export", id, "--to="+dir); err != nil {
		s.t.Fatalf("export: %v\n%s", err, out)
	}
	s.checkPackage(dir)
	record := filepath.Join(dir, "events.json")
	whole, err := os.ReadFile(record)
	if err != nil {
		s.t.Fatal(err)
	}
	altered := bytes.Replace(whole, []byte("川A12345"), []byte("川A54321"), 1)
	if err := os.WriteFile(record, altered, 0o600); err != nil {
		s.t.Fatal(err)
	}
	keys, err := s.command("log", "keys")
	trusted := filepath.Join(s.t.TempDir(), "keys")
	if err == nil {
		err = os.WriteFile(trusted, []byte(keys), 0o600)
	}
	if err != nil {
		s.t.Fatal(err)
	}
	check := func(what string, want ...string) {
		out, err := s.command("verify", "--keys="+trusted, dir)
		for _, text := range want {
			if err == nil || !strings.Contains(out, text) {
				s.t.Errorf("verify %s: %v\n%s\nwant %q", what, err, out, text)
			}
		}
	}
	check("an altered record", "confirmed by officer/officer, has a signature", "seals another record")
	if err := errors.Join(os.Remove(filepath.Join(dir, "roster")), os.Remove(filepath.Join(dir, "events.note"))); err != nil {
		s.t.Fatal(err)
	}
	check("a record without what proves it", "roster: is not there")
}

// seesStrangers looks at a case whose record holds what others wrote.
func (o *officer) seesStrangers(id string) {
	o.t.Helper()
	var text string
	o.do(chromedp.Navigate(o.url+"/cases/"+id), chromedp.Text("#history", &text, chromedp.ByQuery))
	for _, want := range []string{"Unknown, as “Officer officer”", "川B·66666", "it does not prove that this system wrote it"} {
		if !strings.Contains(text, want) {
			o.t.Errorf("the record does not say %q:\n%s", want, text)
		}
	}
}
