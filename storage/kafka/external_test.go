package kafka

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"tidewatch/enforce"
)

// openCluster starts a Kafka as operators run one, at TCP ports.
func openCluster(t *testing.T, options ...kfake.Opt) *kfake.Cluster {
	t.Helper()
	cluster, err := kfake.NewCluster(append([]kfake.Opt{
		kfake.NumBrokers(1), kfake.GroupMinSessionTimeout(time.Millisecond), kfake.WithLogger(brokerLog{testLog(t)}),
	}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	return cluster
}

// externalConfig is that of a system with its own data folder.
func externalConfig(dir string, brokers []string) Config {
	cfg := testConfig(dir, brokers...)
	cfg.System, cfg.Memory = "host a, data folder "+dir, filepath.Join(dir, "case-log.json")
	cfg.CheckEvery, cfg.RefusedWait = 50*time.Millisecond, 50*time.Millisecond
	return cfg
}

// claimed opens the case log as the one system that writes to it.
func claimed(t *testing.T, cfg Config) *Log {
	t.Helper()
	l := openLog(t, cfg)
	if err := l.Claim(t.Context()); err != nil {
		t.Fatal(err)
	}
	return l
}

// administrator is somebody else with rights.
func administrator(t *testing.T, cluster *kfake.Cluster, options ...kgo.Opt) *kadm.Client {
	t.Helper()
	client, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(cluster.ListenAddrs()...), kgo.MetadataMinAge(10 * time.Millisecond)}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return kadm.NewClient(client)
}

func makeTopic(t *testing.T, admin *kadm.Client, name string, partitions int32, settings map[string]string) {
	t.Helper()
	configs := map[string]*string{}
	for name, value := range settings {
		configs[name] = &value
	}
	if _, err := admin.CreateTopic(t.Context(), partitions, 1, configs, name); err != nil {
		t.Fatal(err)
	}
}

func set(t *testing.T, admin *kadm.Client, topic, name, value string) {
	t.Helper()
	answer, err := admin.AlterTopicConfigs(t.Context(), []kadm.AlterConfig{{Name: name, Value: &value}}, topic)
	if err == nil {
		_, err = answer.On(topic, func(r *kadm.AlterConfigsResponse) error { return r.Err })
	}
	if err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, admin *kadm.Client, topic string) {
	t.Helper()
	if _, err := admin.DeleteTopic(t.Context(), topic); err != nil {
		t.Fatal(err)
	}
}

// kept are the settings that the truth needs.
var kept = map[string]string{"cleanup.policy": "delete", "retention.ms": "-1", "retention.bytes": "-1"}

// says waits until the case log's health begins so.
func says(t *testing.T, l *Log, want string) {
	t.Helper()
	var got error
	eventually(t, "health says "+want, func() bool {
		got = l.Health()
		return got != nil && strings.HasPrefix(got.Error(), want)
	})
}

func well(t *testing.T, l *Log) {
	t.Helper()
	eventually(t, "all is well", func() bool { return l.Health() == nil && l.Waiting() == 0 })
}

// events reads all that is in the log, by ID, in the order of each case.
func events(t *testing.T, l *Log) (ids []string) {
	t.Helper()
	caughtUp := make(chan struct{})
	stop := background(t, func(ctx context.Context) error {
		return l.Follow(ctx, func() { close(caughtUp) }, func(e enforce.Event, _ Position) error {
			ids = append(ids, e.ID)
			return nil
		})
	})
	receive(t, caughtUp)
	stop()
	slices.SortStableFunc(ids, func(a, b string) int { return strings.Compare(a[:1], b[:1]) })
	return ids
}

// What an administrator made is not believed to be as we would have made it.
func TestATopicMadeByOthers(t *testing.T) {
	tests := map[string]struct {
		settings map[string]string
		want     string // the start's refusal; empty: it runs
		health   string
	}{
		"kept for good":  {kept, "", ""},
		"Kafka's own":    {nil, "retention.ms is 604800000: events are deleted after 7 days; mend it by: ALTER retention.ms=-1", ""},
		"a day and a MB": {map[string]string{"retention.ms": "3600000", "retention.bytes": "1000000"}, "retention.ms is 3600000: events are deleted after 1h0m0s; retention.bytes is 1000000: what is beyond that is deleted, the oldest events first; mend it by: ALTER retention.ms=-1,retention.bytes=-1", ""},
		"compacted":      {map[string]string{"cleanup.policy": "compact", "retention.ms": "-1"}, "cleanup.policy is compact: of each case all but the newest event is deleted; mend it by: ALTER cleanup.policy=delete", ""},
		"both":           {map[string]string{"cleanup.policy": "compact,delete", "retention.ms": "-1"}, "cleanup.policy is compact,delete: of each case all but the newest event is deleted; mend it by: ALTER cleanup.policy=delete", ""},
		"small events": {
			map[string]string{"retention.ms": "-1", "max.message.bytes": "3000"},
			"", "max.message.bytes is 3000: an event may have 528384; mend it by: ALTER max.message.bytes=1048588",
		},
		"more copies than there are": {
			map[string]string{"retention.ms": "-1", "min.insync.replicas": "2"},
			"", "min.insync.replicas is 2 and there are 1 replicas: no event can be written; mend it by: ALTER min.insync.replicas=1",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			cluster := openCluster(t)
			cfg := externalConfig(t.TempDir(), cluster.ListenAddrs())
			makeTopic(t, administrator(t, cluster), cfg.Topic, 3, test.settings)
			l := openLog(t, cfg)
			if diff := cmp.Diff(inFull(cfg, test.want), said(l.Claim(t.Context()))); diff != "" {
				t.Errorf("the start says (-want +got):\n%s", diff)
			}
			if test.want == "" {
				if diff := cmp.Diff(inFull(cfg, test.health), said(l.Health())); diff != "" {
					t.Errorf("health says (-want +got):\n%s", diff)
				}
			}
		})
	}
}

func inFull(cfg Config, want string) string {
	if want == "" {
		return ""
	}
	return "topic " + cfg.Topic + ": " + strings.ReplaceAll(want, "ALTER ", fmt.Sprintf(
		"kafka-configs.sh --bootstrap-server %s --alter --entity-type topics --entity-name %s --add-config ", cfg.Brokers[0], cfg.Topic))
}

func said(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// A topic of ours has what the truth needs, whatever the cluster gives others.
func TestATopicOfOurOwn(t *testing.T) {
	cluster := openCluster(t, kfake.NumBrokers(4), kfake.BrokerConfigs(map[string]string{
		"log.retention.ms": "1000", "message.max.bytes": "2000", "default.replication.factor": "1",
	}))
	l := claimed(t, externalConfig(t.TempDir(), cluster.ListenAddrs()))
	if err := l.Health(); err != nil {
		t.Errorf("health says %v", err)
	}
	if err := l.Concern(); err != nil {
		t.Errorf("a concern is %v", err)
	}
	seen, err := l.lookUp(t.Context())
	if err != nil || len(seen.partitions) != 2 || seen.partitions[0].replicas != 3 {
		t.Errorf("the topic is %+v, %v; want 2 partitions with 3 replicas", seen, err)
	}
	settings, err := l.describe(t.Context())
	if err != nil || settings["min.insync.replicas"] != "2" || settings["retention.ms"] != "-1" {
		t.Errorf("its settings are %v, %v", settings, err)
	}
}

// The cluster's administrators may ask for other numbers of copies.
func TestReplication(t *testing.T) {
	cluster := openCluster(t, kfake.NumBrokers(3))
	cfg := externalConfig(t.TempDir(), cluster.ListenAddrs())
	cfg.Replication = 2
	seen, err := claimed(t, cfg).lookUp(t.Context())
	if err != nil || seen.partitions[0].replicas != 2 {
		t.Errorf("the topic is %+v, %v; want 2 replicas", seen, err)
	}
}

// Settings that change while we run are noticed, and again when they are mended.
func TestSettingsThatChange(t *testing.T) {
	cluster := openCluster(t)
	admin := administrator(t, cluster)
	cfg := externalConfig(t.TempDir(), cluster.ListenAddrs())
	l := claimed(t, cfg)
	background(t, l.Run)
	well(t, l)

	set(t, admin, cfg.Topic, "retention.ms", "1000000")
	says(t, l, "topic tidewatch.cases: retention.ms is 1000000: events are deleted after 16m40s; mend it by: kafka-configs.sh")
	if err := l.Append(t.Context(), event("a", 1)); err != nil || l.Waiting() != 0 {
		t.Errorf("an event is not taken for that: %v", err)
	}
	set(t, admin, cfg.Topic, "retention.ms", "-1")
	well(t, l)

	set(t, admin, cfg.Topic, "cleanup.policy", "compact")
	says(t, l, "topic tidewatch.cases: cleanup.policy is compact")
	if err := l.Append(t.Context(), event("a", 2)); err != nil || l.Waiting() != 1 {
		t.Errorf("an event goes where the one before it would be deleted (%v)", err)
	}
	set(t, admin, cfg.Topic, "cleanup.policy", "delete")
	well(t, l)
	if diff := cmp.Diff([]string{"a-1", "a-2"}, events(t, l)); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

// A topic that was deleted, and perhaps made anew by somebody, is not taken for
// the case log: nothing is appended to it, and nothing is lost.
func TestATopicDeletedAndMadeAnew(t *testing.T) {
	tests := map[string]struct {
		running bool
		anew    map[string]string // nil: it is not made anew
		want    string
	}{
		"made anew while we run":      {true, map[string]string{}, "its topic ID is "},
		"made anew while we are away": {false, kept, "its topic ID is "},
		"deleted while we run":        {true, nil, "it is gone: it was deleted"},
		"deleted while we are away":   {false, nil, "it is gone: it was deleted"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			cluster := openCluster(t)
			admin := administrator(t, cluster)
			cfg := externalConfig(t.TempDir(), cluster.ListenAddrs())
			cfg.CheckEvery = time.Hour // the first event after it finds out
			l := claimed(t, cfg)
			stop := background(t, l.Run)
			if err := l.Append(t.Context(), event("a", 1), event("b", 1)); err != nil {
				t.Fatal(err)
			}
			if !test.running {
				stop()
				l.Close()
			}
			remove(t, admin, cfg.Topic)
			if test.anew != nil {
				makeTopic(t, admin, cfg.Topic, 1, test.anew)
			}
			if !test.running {
				l = claimed(t, cfg)
				stop = background(t, l.Run)
			}
			if err := l.Append(t.Context(), event("a", 2), event("c", 1)); err != nil {
				t.Fatal(err)
			}
			says(t, l, "topic tidewatch.cases: "+test.want)
			if n := l.Waiting(); n != 2 {
				t.Errorf("%d events wait, want 2", n)
			}
			if err := l.Health(); !strings.Contains(err.Error(), "remove "+cfg.Memory+", start it; 2 events wait") {
				t.Errorf("health does not say what to do: %v", err)
			}
			if ends, err := l.ends(t.Context(), []int{0}); test.anew != nil && (err != nil || len(ends) > 0) {
				t.Errorf("something was appended to the new topic: %v, %v", ends, err)
			}

			if test.anew != nil {
				reading := cfg
				reading.System, reading.SpoolDir = "", t.TempDir()
				err := openLog(t, reading).Follow(t.Context(), func() {}, nil)
				if err == nil || !strings.Contains(err.Error(), "its topic ID is ") {
					t.Errorf("a command that reads the new topic says %v", err)
				}
			}

			// The operator takes it as it is.
			stop()
			l.Close()
			if err := os.Remove(cfg.Memory); err != nil {
				t.Fatal(err)
			}
			if test.anew != nil {
				set(t, admin, cfg.Topic, "retention.ms", "-1")
			}
			l = claimed(t, cfg)
			background(t, l.Run)
			well(t, l)
			if diff := cmp.Diff([]string{"a-2", "c-1"}, events(t, l)); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
		})
	}
}

// Before there are events an administrator may make the topic again.
func TestAnEmptyTopicMadeAnew(t *testing.T) {
	cluster := openCluster(t)
	admin := administrator(t, cluster)
	cfg := externalConfig(t.TempDir(), cluster.ListenAddrs())
	makeTopic(t, admin, cfg.Topic, 2, nil)
	l := openLog(t, cfg)
	if err := l.Claim(t.Context()); err == nil {
		t.Fatal("it starts on a topic that deletes")
	}
	l.Close()
	remove(t, admin, cfg.Topic)
	makeTopic(t, admin, cfg.Topic, 3, kept)
	l = claimed(t, cfg)
	if err := l.Append(t.Context(), event("a", 1)); err != nil || l.Waiting() > 0 || l.Health() != nil {
		t.Errorf("an event is not taken: %v, %v", err, l.Health())
	}
	if n := l.watcher.spread(); n != 3 {
		t.Errorf("cases are spread over %d partitions, want 3", n)
	}
}

// Events that were deleted at the beginning of the log are missed.
func TestDeletedRecords(t *testing.T) {
	cluster := openCluster(t)
	cfg := externalConfig(t.TempDir(), cluster.ListenAddrs())
	l := claimed(t, cfg)
	background(t, l.Run)
	if err := l.Append(t.Context(), event("a", 1), event("a", 2), event("a", 3)); err != nil {
		t.Fatal(err)
	}
	seen := topic{partitions: make([]partition, 2)}
	if err := l.measure(t.Context(), &seen); err != nil {
		t.Fatal(err)
	}
	of := slices.IndexFunc(seen.partitions, func(p partition) bool { return p.end == 3 })
	upTo := make(kadm.Offsets)
	upTo.AddOffset(cfg.Topic, int32(of), 2, -1)
	if _, err := administrator(t, cluster).DeleteRecords(t.Context(), upTo); err != nil {
		t.Fatal(err)
	}
	says(t, l, fmt.Sprintf("topic tidewatch.cases: partition %d began at offset 0 and begins at 2: its first events were deleted", of))
}

// A case stays in its partition when an administrator adds some.
func TestAddedPartitions(t *testing.T) {
	cluster := openCluster(t)
	cfg := externalConfig(t.TempDir(), cluster.ListenAddrs())
	l := claimed(t, cfg)
	if err := l.Append(t.Context(), event("a", 0)); err != nil {
		t.Fatal(err)
	}
	if _, err := administrator(t, cluster).UpdatePartitions(t.Context(), 20, cfg.Topic); err != nil {
		t.Fatal(err)
	}
	l.Close()
	l = claimed(t, cfg)
	for c := 'a'; c <= 'z'; c++ {
		if err := l.Append(t.Context(), event(string(c), 1)); err != nil {
			t.Fatal(err)
		}
	}
	ends, err := l.ends(t.Context(), make([]int, 20))
	if err != nil || len(ends) != 2 || ends[0]+ends[1] != 27 {
		t.Errorf("partitions end at %v, %v; want 27 events in the first two", ends, err)
	}
	if err := l.Health(); err != nil {
		t.Errorf("health says %v", err)
	}
}

func openLogError(t *testing.T, cfg Config) error {
	t.Helper()
	l, err := NewLog(cfg, testLog(t), prometheus.NewRegistry())
	if err == nil {
		l.Close()
	}
	return err
}

func TestMemoryThatCannotBeRead(t *testing.T) {
	for name, text := range map[string]string{"torn": `{"system": "A`, "empty": "", "another file": "{}"} {
		t.Run(name, func(t *testing.T) {
			cfg := externalConfig(t.TempDir(), []string{"127.0.0.1:1"})
			if err := os.WriteFile(cfg.Memory, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := openLogError(t, cfg); err == nil || !strings.Contains(err.Error(), "remove the file to take the topic as it is") {
				t.Errorf("error %v", err)
			}
		})
	}
}
