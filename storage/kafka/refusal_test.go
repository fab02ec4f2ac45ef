package kafka

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"tidewatch/enforce"
)

func large(caseID string, n int) enforce.Event {
	e := event(caseID, n)
	e.Failure.Error = strings.Repeat("busy ", 2000)
	return e
}

// An event that is too large holds up its own case alone, through a restart,
// and is sent when the limit has been raised.
func TestAnEventTooLarge(t *testing.T) {
	cluster := openCluster(t)
	admin := administrator(t, cluster)
	cfg := externalConfig(t.TempDir(), cluster.ListenAddrs())
	makeTopic(t, admin, cfg.Topic, 2, map[string]string{"retention.ms": "-1", "max.message.bytes": "3000"})
	l := claimed(t, cfg)
	stop := background(t, l.Run)
	for _, e := range []enforce.Event{event("a", 1), large("a", 2), event("a", 3), event("b", 1), event("c", 1), large("c", 2), event("b", 2)} {
		if err := l.Append(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	refused := func(l *Log) {
		t.Helper()
		says(t, l, fmt.Sprintf("kafka refuses an event for its size: raise max.message.bytes of topic tidewatch.cases: kafka-configs.sh "+
			"--bootstrap-server %s --alter --entity-type topics --entity-name tidewatch.cases --add-config max.message.bytes=1048588: "+
			"3 events wait; topic tidewatch.cases: max.message.bytes is 3000", cfg.Brokers[0]))
	}
	refused(l)
	if n, _ := l.spool.refused(); n != l.Waiting() {
		t.Errorf("%d events wait, and %d of them are refused", l.Waiting(), n)
	}
	if diff := cmp.Diff([]string{"a-1", "b-1", "b-2", "c-1"}, events(t, l)); diff != "" {
		t.Errorf("before (-want +got):\n%s", diff)
	}
	stop()
	l.Close()
	l = claimed(t, cfg)
	background(t, l.Run)
	refused(l)

	set(t, admin, cfg.Topic, "max.message.bytes", "100000")
	eventually(t, "they are taken", func() bool { return l.Waiting() == 0 })
	if diff := cmp.Diff([]string{"a-1", "a-2", "a-3", "b-1", "b-2", "c-1", "c-2"}, events(t, l)); diff != "" {
		t.Errorf("afterwards (-want +got):\n%s", diff)
	}
}

// Each way in which a broker refuses a write has its own words. An event that
// is refused for itself holds up no other; everything else waits in order.
func TestRefusedWrites(t *testing.T) {
	tests := []struct {
		code  *kerr.Error
		alone bool
		want  string
	}{
		{kerr.MessageTooLarge, true, "kafka refuses an event for its size: raise max.message.bytes of topic tidewatch.cases: "},
		{kerr.RecordListTooLarge, true, "kafka refuses an event for its size: "},
		{kerr.InvalidRecord, true, "kafka refuses an event as invalid (Invalid Record): "},
		{kerr.InvalidTimestamp, true, "kafka refuses an event as invalid (Invalid Timestamp): "},
		{kerr.TopicAuthorizationFailed, false, "kafka does not let an unknown user use topic tidewatch.cases: kafka-acls.sh --bootstrap-server "},
		{kerr.ClusterAuthorizationFailed, false, "kafka does not let an unknown user do that (Cluster Authorization Failed): "},
		{kerr.InvalidTopicException, false, `kafka does not take "tidewatch.cases" for the name of a topic: see kafka.topic`},
		{kerr.NotEnoughReplicas, false, "kafka has too few replicas of topic tidewatch.cases in sync: a broker is away"},
		{kerr.NotEnoughReplicasAfterAppend, false, "kafka has too few replicas of topic tidewatch.cases in sync: a broker is away"},
		{kerr.UnsupportedForMessageFormat, false, "this Kafka is too old"},
		{kerr.KafkaStorageError, false, "kafka cannot write to a disk of its own: "},
		{kerr.PolicyViolation, false, "kafka does not let topic tidewatch.cases be made by a policy of its own"},
		{kerr.InvalidRequiredAcks, false, "kafka refuses: Invalid Required Acks"},
		{kerr.CorruptMessage, false, "kafka refuses: Invalid Message"},
		{kerr.UnknownServerError, false, "kafka cannot be reached"},
	}
	for _, test := range tests {
		t.Run(test.code.Message, func(t *testing.T) {
			t.Parallel()
			cluster := openCluster(t)
			cfg := externalConfig(t.TempDir(), cluster.ListenAddrs())
			l := claimed(t, cfg)
			background(t, l.Run)
			var mended atomic.Bool
			cluster.ControlKey(int16(kmsg.Produce), func(request kmsg.Request) (kmsg.Response, error, bool) {
				cluster.KeepControl()
				return refuseCaseA(request.(*kmsg.ProduceRequest), test.code, &mended)
			})
			if err := l.Append(t.Context(), event("a", 1), event("b", 1), event("a", 2), event("b", 2)); err != nil {
				t.Fatal(err)
			}
			waiting := 4
			if test.alone {
				waiting = 2
				eventually(t, "the others are taken", func() bool { return l.Waiting() == waiting })
			}
			says(t, l, test.want)
			if err := l.Health(); !strings.HasSuffix(err.Error(), fmt.Sprintf(": %d events wait", waiting)) {
				t.Errorf("health says %v, want %d to wait", err, waiting)
			}
			mended.Store(true)
			well(t, l)
			if diff := cmp.Diff([]string{"a-1", "a-2", "b-1", "b-2"}, events(t, l)); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
			if n := testutil.ToFloat64(l.metrics.setAside); n != 0 {
				t.Errorf("%v events were set aside", n)
			}
		})
	}
}

// refuseCaseA answers what is written of case a with an error.
func refuseCaseA(request *kmsg.ProduceRequest, with *kerr.Error, mended *atomic.Bool) (kmsg.Response, error, bool) {
	of := request.Topics[0].Partitions[0]
	if mended.Load() || !strings.Contains(string(of.Records), `"case":"a"`) {
		return nil, nil, false
	}
	answer := request.ResponseKind().(*kmsg.ProduceResponse)
	topic := kmsg.NewProduceResponseTopic()
	topic.Topic, topic.TopicID = request.Topics[0].Topic, request.Topics[0].TopicID
	partition := kmsg.NewProduceResponseTopicPartition()
	partition.Partition, partition.ErrorCode = of.Partition, with.Code
	topic.Partitions = append(topic.Partitions, partition)
	answer.Topics = append(answer.Topics, topic)
	return answer, nil, true
}

// What a role may do is told by its ACLs: docs/operating.md has the same.
func TestRolesOfUsers(t *testing.T) {
	for _, mechanism := range []string{ScramSHA256, ScramSHA512, Plain} {
		t.Run(mechanism, func(t *testing.T) {
			method := strings.ToUpper(mechanism)
			cluster := openCluster(t, kfake.EnableSASL(), kfake.EnableACLs(), kfake.Superuser(method, "admin", "secret"),
				kfake.User(method, "tidewatch", "letmein"), kfake.User(method, "auditor", "readonly"), kfake.User(method, "nobody", "nothing"))
			root := Security{Username: "admin", Password: "secret", Mechanism: mechanism}
			admin := administrator(t, cluster, kgo.SASL(root.login()))
			as := func(user, password string) Config {
				cfg := externalConfig(t.TempDir(), cluster.ListenAddrs())
				cfg.Security = Security{Username: user, Password: password, Mechanism: mechanism}
				return cfg
			}
			cfg := as("tidewatch", "letmein")
			if err := openLog(t, as("tidewatch", "letmein")).Claim(t.Context()); err == nil || !strings.Contains(err.Error(), "kafka does not let user tidewatch use") {
				t.Errorf("without rights the start says %v", err)
			}
			allow(t, admin, kadm.NewACLs().Allow("User:tidewatch").ResourcePatternType(kadm.ACLPatternLiteral).Topics(cfg.Topic).
				Operations(kadm.OpRead, kadm.OpWrite, kadm.OpCreate, kadm.OpDescribe, kadm.OpDescribeConfigs))
			allow(t, admin, kadm.NewACLs().Allow("User:tidewatch").ResourcePatternType(kadm.ACLPatternPrefixed).Groups("tidewatch-").
				Operations(kadm.OpRead))
			l := claimed(t, cfg)
			background(t, l.Run)
			if err := l.Append(t.Context(), event("a", 1)); err != nil {
				t.Fatal(err)
			}
			well(t, l)
			if got := consumed(t, l); got != "a-1" {
				t.Errorf("it consumes %s", got)
			}

			reader := as("auditor", "readonly")
			reader.System = ""
			allow(t, admin, kadm.NewACLs().Allow("User:auditor").ResourcePatternType(kadm.ACLPatternLiteral).Topics(cfg.Topic).
				Operations(kadm.OpRead, kadm.OpDescribe))
			auditor := openLog(t, reader)
			background(t, auditor.Run)
			if diff := cmp.Diff([]string{"a-1"}, events(t, auditor)); diff != "" {
				t.Errorf("the auditor reads (-want +got):\n%s", diff)
			}
			if err := auditor.Append(t.Context(), event("a", 2)); err != nil || auditor.Waiting() != 1 {
				t.Errorf("the auditor can write (%v)", err)
			}
			says(t, auditor, "kafka does not let user auditor use topic tidewatch.cases: kafka-acls.sh")
			stranger := as("nobody", "nothing")
			stranger.System = ""
			if err := openLog(t, stranger).Follow(t.Context(), func() {}, nil); err == nil ||
				!strings.Contains(err.Error(), "kafka does not let user nobody use topic tidewatch.cases") {
				t.Errorf("whoever has no rights reads: %v", err)
			}
		})
	}
}

func allow(t *testing.T, admin *kadm.Client, rights *kadm.ACLBuilder) {
	t.Helper()
	rights.AllowHosts("*")
	answer, err := admin.CreateACLs(t.Context(), rights)
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range answer {
		if one.Err != nil {
			t.Fatal(one.Err)
		}
	}
}

// consumed is the first event that a consumer group is handed.
func consumed(t *testing.T, l *Log) string {
	t.Helper()
	got := make(chan string, 10)
	stop := background(t, func(ctx context.Context) error {
		return l.Consume(ctx, "tidewatch-sink-test", func(_ context.Context, batch []Message) error {
			got <- batch[0].Event.ID
			return nil
		})
	})
	defer stop()
	return receive(t, got)
}

// A right that is taken away is told with the command that gives it back; what
// comes meanwhile waits.
func TestARightTakenAway(t *testing.T) {
	cluster := openCluster(t)
	l := claimed(t, externalConfig(t.TempDir(), cluster.ListenAddrs()))
	background(t, l.Run)
	var denied atomic.Bool
	denied.Store(true)
	cluster.ControlKey(int16(kmsg.DescribeConfigs), func(request kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		answer := request.ResponseKind().(*kmsg.DescribeConfigsResponse)
		of := kmsg.NewDescribeConfigsResponseResource()
		of.ResourceName, of.ErrorCode = "tidewatch.cases", kerr.TopicAuthorizationFailed.Code
		answer.Resources = append(answer.Resources, of)
		return answer, nil, denied.Load()
	})
	says(t, l, "topic tidewatch.cases: its settings cannot be checked: kafka does not let an unknown user use topic tidewatch.cases: kafka-acls.sh")
	denied.Store(false)
	well(t, l)
}

// What answers at the address of a broker and is none is said to be none.
func TestBrokersThatAreNone(t *testing.T) {
	tests := map[string]struct {
		answer string
		want   string
	}{
		"HTTP":     {"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n", "kafka.brokers answers HTTP: give the port of a broker (usually 9092)"},
		"TLS":      {"\x15\x03\x03\x00\x02\x02\x46", "kafka.brokers is a TLS listener: set kafka.tls, or give the port of another listener"},
		"SSH":      {"SSH-2.0-OpenSSH_9.2p1\r\n", "kafka.brokers answers something that is not Kafka: give the port of a broker"},
		"hangs up": {"", "kafka.brokers ends every connection at its first request"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address := answering(t, test.answer)
			l := openLog(t, externalConfig(t.TempDir(), []string{address}))
			_, err := l.lookUp(t.Context())
			if got := l.cfg.explain(err); !strings.HasPrefix(got, test.want) {
				t.Errorf("%v is said as %q, want %q", err, got, test.want)
			}
		})
	}
}

// answering listens, and answers the first request of each connection so.
func answering(t *testing.T, with string) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan struct{})
	t.Cleanup(func() { listener.Close(); <-served })
	go func() {
		defer close(served)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			_ = conn.SetDeadline(time.Now().Add(time.Minute))
			_, _ = conn.Read(make([]byte, 1000))
			_, _ = conn.Write([]byte(with))
			_ = conn.Close()
		}
	}()
	return listener.Addr().String()
}

func TestCodeOfErrors(t *testing.T) {
	for name, test := range map[string]struct {
		err  error
		want kafka.Error
	}{
		"of one client":  {fmt.Errorf("write: %w", kafka.WriteErrors{nil, kafka.MessageSizeTooLarge}), kafka.MessageSizeTooLarge},
		"of the other":   {fmt.Errorf("ask: %w", kerr.TopicAuthorizationFailed), kafka.TopicAuthorizationFailed},
		"of an admin":    {&kadm.AuthError{Err: kerr.GroupAuthorizationFailed}, kafka.GroupAuthorizationFailed},
		"of the network": {errors.New("connection refused"), kafka.Unknown},
		"of no error":    {nil, kafka.Unknown},
	} {
		t.Run(name, func(t *testing.T) {
			if got := code(test.err); got != test.want {
				t.Errorf("code %d, want %d", got, test.want)
			}
		})
	}
}
