package kafka

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Of two systems on one log the second refuses, and says which is the first.
func TestASecondSystemRefuses(t *testing.T) {
	cluster := openCluster(t)
	first := externalConfig(t.TempDir(), cluster.ListenAddrs())
	a := claimed(t, first)
	second := externalConfig(t.TempDir(), cluster.ListenAddrs())
	second.SessionTimeout = time.Second // so it waits no longer for the first to go
	b := openLog(t, second)
	err := b.Claim(t.Context())
	want := "claim topic tidewatch.cases: another Tidewatch writes to it: " + first.System + ", connected from 127.0.0.1"
	if err == nil || !strings.HasPrefix(err.Error(), want) || !strings.Contains(err.Error(), "run only one Tidewatch per case log") {
		t.Errorf("the second says %v, want %s", err, want)
	}
	if err := b.Append(t.Context(), event("a", 1)); err != nil || b.Waiting() != 1 {
		t.Errorf("its event is not kept back (%v)", err)
	}
	if err := a.Append(t.Context(), event("a", 2)); err != nil || a.Waiting() != 0 || a.Health() != nil {
		t.Errorf("the first is disturbed: %v, %v", err, a.Health())
	}
	// Once the first has ended, which takes no waiting, the second may.
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	if err := b.Claim(t.Context()); err != nil {
		t.Errorf("after the first has ended: %v", err)
	}
}

// Commands that work beside a Tidewatch read and write, and claim nothing.
func TestACommandIsNoSecondSystem(t *testing.T) {
	cluster := openCluster(t)
	cfg := externalConfig(t.TempDir(), cluster.ListenAddrs())
	system := claimed(t, cfg)
	if err := system.Append(t.Context(), event("a", 1)); err != nil {
		t.Fatal(err)
	}
	cfg.System, cfg.SpoolDir = "", t.TempDir()
	command := claimed(t, cfg)
	if err := command.Append(t.Context(), event("a", 2)); err != nil || command.Waiting() > 0 {
		t.Errorf("it cannot write: %v", err)
	}
	if got := events(t, command); len(got) != 2 {
		t.Errorf("it reads %v", got)
	}
	if err := system.lease.held(); err != nil {
		t.Errorf("the system has lost its claim: %v", err)
	}
}

// A command makes no topic where none is.
func TestACommandMakesNoTopic(t *testing.T) {
	cluster := openCluster(t)
	cfg := externalConfig(t.TempDir(), cluster.ListenAddrs())
	cfg.System = ""
	command := openLog(t, cfg)
	err := command.Follow(t.Context(), func() {}, nil)
	if err == nil || !strings.Contains(err.Error(), "topic tidewatch.cases does not exist: is kafka.topic right?") {
		t.Errorf("reading says %v", err)
	}
	if _, err := command.lookUp(t.Context()); !errors.Is(err, kerr.UnknownTopicOrPartition) {
		t.Errorf("the topic is there: %v", err)
	}
}

// claimAndHang is a system that is killed.
func claimAndHang(dir string) error {
	cfg := externalConfig(dir, []string{os.Getenv("BROKER")})
	cfg.SessionTimeout = aSession(os.Getenv("SESSION"))
	l, err := NewLog(cfg, slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	if err != nil {
		return err
	}
	if err := l.Claim(context.Background()); err != nil {
		return err
	}
	fmt.Println("claimed")
	select {}
}

func aSession(s string) time.Duration {
	d, err := time.ParseDuration(s)
	if err != nil {
		panic(err)
	}
	return d
}

// killAfterClaim has another process claim the log and kills it.
func killAfterClaim(t *testing.T, dir string, cluster *kfake.Cluster, session time.Duration) {
	t.Helper()
	t.Setenv("BROKER", cluster.ListenAddrs()[0])
	t.Setenv("SESSION", session.String())
	helper, lines := startHelper(t, "claim", dir)
	if !lines.Scan() || lines.Text() != "claimed" {
		t.Fatalf("the helper said %q", lines.Text())
	}
	kill(helper)
}

// Who was killed and starts again has the log at once: its session would last
// for minutes yet.
func TestClaimOutlivesAKill(t *testing.T) {
	cluster, dir := openCluster(t), t.TempDir()
	for range 3 {
		killAfterClaim(t, dir, cluster, 5*time.Minute)
	}
	cfg := externalConfig(dir, cluster.ListenAddrs())
	cfg.SessionTimeout = 5 * time.Minute
	l := claimed(t, cfg)
	if err := l.lease.held(); err != nil {
		t.Errorf("the claim is not held: %v", err)
	}
}

// Another system takes over from one that was killed once that is given up.
func TestClaimOfADeadSystemEnds(t *testing.T) {
	cluster := openCluster(t)
	killAfterClaim(t, t.TempDir(), cluster, 2*time.Second)
	if err := claimed(t, externalConfig(t.TempDir(), cluster.ListenAddrs())).lease.held(); err != nil {
		t.Errorf("the claim is not held: %v", err)
	}
}

// A copy of a data folder at the same place is the same system to Kafka: the
// later one takes over, and the earlier one notices and stops writing.
func TestACopiedDataFolder(t *testing.T) {
	cluster := openCluster(t)
	cfg := externalConfig(t.TempDir(), cluster.ListenAddrs())
	cfg.SessionTimeout = time.Second
	a := claimed(t, cfg)
	if err := a.inspect(t.Context()); err != nil { // so that the name is on the disk
		t.Fatal(err)
	}
	text, err := os.ReadFile(cfg.Memory)
	if err != nil {
		t.Fatal(err)
	}
	cfg.SpoolDir, cfg.Memory = t.TempDir(), filepath.Join(t.TempDir(), "copy.json")
	if err := os.WriteFile(cfg.Memory, text, 0o600); err != nil {
		t.Fatal(err)
	}
	b := claimed(t, cfg)
	says(t, a, "topic tidewatch.cases: a copy of this data folder has taken over the case log")
	if err := a.Append(t.Context(), event("a", 1)); err != nil || a.Waiting() != 1 {
		t.Errorf("it still writes (%v)", err)
	}
	if err := b.Append(t.Context(), event("a", 2)); err != nil || b.Waiting() != 0 {
		t.Errorf("the later one cannot write (%v)", err)
	}
}

// A copy of a data folder at another place is another system.
func TestADataFolderCopiedElsewhere(t *testing.T) {
	cluster := openCluster(t)
	cfg := externalConfig(t.TempDir(), cluster.ListenAddrs())
	claimed(t, cfg)
	cfg.System, cfg.SpoolDir, cfg.SessionTimeout = "host b, the same data folder", t.TempDir(), time.Second
	if err := openLog(t, cfg).Claim(t.Context()); err == nil || !strings.Contains(err.Error(), "another Tidewatch writes to it") {
		t.Errorf("the copy says %v", err)
	}
}

// Many start at once, and one has it.
func TestClaimsInTheSameMoment(t *testing.T) {
	cluster := openCluster(t)
	answers := make(chan error, 4)
	for range cap(answers) {
		cfg := externalConfig(t.TempDir(), cluster.ListenAddrs())
		cfg.SessionTimeout = time.Second
		l := openLog(t, cfg)
		go func() {
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			answers <- l.Claim(ctx)
		}()
	}
	held := 0
	for range cap(answers) {
		if receive(t, answers) == nil {
			held++
		}
	}
	if held != 1 {
		t.Errorf("%d have claimed it, want 1", held)
	}
}

// A claim ends by itself while it cannot be renewed, and is made again when
// Kafka is back; what comes meanwhile is kept.
func TestClaimThroughAnOutage(t *testing.T) {
	cluster := openCluster(t)
	cfg := externalConfig(t.TempDir(), cluster.ListenAddrs())
	cfg.SessionTimeout = 500 * time.Millisecond
	l := claimed(t, cfg)
	background(t, l.Run)
	var away atomic.Bool
	away.Store(true)
	cluster.Control(func(request kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		return nil, errors.New("away"), away.Load() && request.Key() != int16(kmsg.ApiVersions)
	})
	eventually(t, "the claim has run out", func() bool { return l.lease.held() != nil })
	if err := l.Append(t.Context(), event("a", 1)); err != nil {
		t.Fatal(err)
	}
	says(t, l, "kafka cannot be reached: 1 events wait")
	away.Store(false)
	well(t, l)
	if err := l.lease.held(); err != nil {
		t.Errorf("the claim is not held: %v", err)
	}
}
