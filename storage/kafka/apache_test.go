package kafka

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"tidewatch/enforce"
)

// apache is a broker of Apache Kafka with users, rights and TLS. Its own
// administrators come in by a listener without either.
type apache struct {
	jars                 string
	internal, sasl, mtls string // listeners
	admin                *kadm.Client
	pki                  *pki

	properties, logs string // a file, and the folder of all partitions
	broker           *exec.Cmd
}

// TestApacheKafka runs what the other tests try on a fake on the real one, with
// the commands that operators use. `make test-kafka` runs it.
func TestApacheKafka(t *testing.T) {
	jars := os.Getenv("TIDEWATCH_KAFKA")
	if jars == "" {
		t.Skip("needs Apache Kafka: make test-kafka")
	}
	k := startApache(t, jars)
	t.Run("users", k.users)
	t.Run("certificates", k.certificates)
	t.Run("distrust", k.distrust)
	t.Run("made by others", k.madeByOthers)
	t.Run("made anew", k.madeAnew)
	t.Run("read anew", k.readAnew)
	t.Run("cut off at its beginning", k.cutOff)
	t.Run("a partition's files are gone", k.filesGone)
	t.Run("too large", k.tooLarge)
	t.Run("one system", k.oneSystem)
	t.Run("a user without rights", k.withoutRights)
}

const apacheProperties = `
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:%[4]s
controller.listener.names=CONTROLLER
listeners=INTERNAL://127.0.0.1:%[1]s,SASL_SSL://127.0.0.1:%[2]s,SSL://127.0.0.1:%[3]s,CONTROLLER://127.0.0.1:%[4]s
listener.security.protocol.map=INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_SSL:SASL_SSL,SSL:SSL
inter.broker.listener.name=INTERNAL
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512
listener.name.sasl_ssl.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_plain="letmein";
listener.name.sasl_ssl.scram-sha-256.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
ssl.keystore.type=PEM
ssl.keystore.location=%[5]s/server.pem
ssl.truststore.type=PEM
ssl.truststore.location=%[5]s/ca.pem
listener.name.ssl.ssl.client.auth=required
log.dirs=%[5]s/logs
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.min.session.timeout.ms=1000
`

// startApache formats and starts a broker, and makes its users.
func startApache(t *testing.T, jars string) *apache {
	t.Helper()
	dir := t.TempDir()
	k := &apache{jars: jars, pki: newPKI(t, dir)}
	ports := freePorts(t, 4)
	k.internal, k.sasl, k.mtls = "127.0.0.1:"+ports[0], "127.0.0.1:"+ports[1], "127.0.0.1:"+ports[2]
	properties := filepath.Join(dir, "server.properties")
	text := fmt.Sprintf(apacheProperties, ports[0], ports[1], ports[2], ports[3], dir)
	if err := os.WriteFile(properties, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	k.java(t, "kafka.tools.StorageTool", "format", "-t", "MkU3OEVBNTcwNTJENDM2Qg", "-c", properties,
		"--add-scram", "SCRAM-SHA-256=[name=scram-sha-256,password=letmein]", "--add-scram", "SCRAM-SHA-512=[name=scram-sha-512,password=letmein]",
		"--add-scram", "SCRAM-SHA-512=[name=auditor,password=readonly]", "--add-scram", "SCRAM-SHA-512=[name=nobody,password=nothing]")
	k.properties, k.logs = properties, filepath.Join(dir, "logs")
	k.start(t)
	t.Cleanup(func() { kill(k.broker) })
	client, err := kgo.NewClient(kgo.SeedBrokers(k.internal))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	k.admin = kadm.NewClient(client)
	eventually(t, "the broker answers", func() bool { _, err := k.admin.ListBrokers(t.Context()); return err == nil })
	return k
}

// start starts the broker.
func (k *apache) start(t *testing.T) {
	t.Helper()
	k.broker = k.command("-Xmx512m", "kafka.Kafka", k.properties)
	k.broker.Stdout, k.broker.Stderr = os.Stderr, os.Stderr
	if err := k.broker.Start(); err != nil {
		t.Fatal(err)
	}
}

func (k *apache) command(memory, class string, args ...string) *exec.Cmd {
	return exec.Command("java", append([]string{memory, "-cp", filepath.Join(k.jars, "*"), class}, args...)...)
}

func (k *apache) java(t *testing.T, class string, args ...string) {
	t.Helper()
	if out, err := k.command("-Xmx256m", class, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %q: %v\n%s", class, args, err, out)
	}
}

// do runs a command as it was told, but as the administrators' listener has it.
func (k *apache) do(t *testing.T, line string) {
	t.Helper()
	words := strings.Fields(line)
	class := map[string]string{"kafka-configs.sh": "kafka.admin.ConfigCommand", "kafka-acls.sh": "org.apache.kafka.tools.AclCommand"}[words[0]]
	var args []string
	for i := 1; i < len(words); i++ {
		switch words[i] {
		case "--bootstrap-server":
			args = append(args, words[i], k.internal)
			i++
		case "--command-config":
			i++
		default:
			args = append(args, words[i])
		}
	}
	k.java(t, class, args...)
}

// advised is the command in what was said: the last thing, but for how much waits.
func advised(t *testing.T, said error) string {
	t.Helper()
	if said == nil {
		t.Fatal("nothing was said")
	}
	at := strings.LastIndex(said.Error(), "kafka-configs.sh")
	if at < 0 {
		at = strings.LastIndex(said.Error(), "kafka-acls.sh")
	}
	if at < 0 {
		t.Fatalf("no command is told: %v", said)
	}
	line, _, _ := strings.Cut(said.Error()[at:], "; ")
	line, _, _ = strings.Cut(line, ": ")
	return line
}

func (k *apache) allow(t *testing.T, role, user, topic string) {
	t.Helper()
	for _, line := range rights[role] {
		k.do(t, strings.NewReplacer("USER", user, "TOPIC", topic).Replace(line))
	}
}

// config is that of a system that signs in.
func (k *apache) config(t *testing.T, user, password, mechanism, topic string) Config {
	cfg := externalConfig(t.TempDir(), []string{k.sasl})
	cfg.Topic = topic
	cfg.Security = Security{Username: user, Password: password, Mechanism: mechanism, TLS: true, CAFile: k.pki.ca}
	return cfg
}

// plain is that of a system in a cluster that asks for nothing.
func (k *apache) plain(t *testing.T, topic string) Config {
	cfg := externalConfig(t.TempDir(), []string{k.internal})
	cfg.Topic = topic
	return cfg
}

// works runs a system through everything that needs a right.
func works(t *testing.T, cfg Config) {
	t.Helper()
	l := claimed(t, cfg)
	background(t, l.Run)
	if err := l.Append(t.Context(), event("a", 1)); err != nil {
		t.Fatal(err)
	}
	well(t, l)
	if diff := cmp.Diff([]string{"a-1"}, events(t, l)); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	if got := consumed(t, l); got != "a-1" {
		t.Errorf("it consumes %s", got)
	}
	if err := l.Concern(); err != nil {
		t.Errorf("a concern is %v", err)
	}
}

func (k *apache) users(t *testing.T) {
	for _, mechanism := range Mechanisms {
		t.Run(mechanism, func(t *testing.T) {
			topic := "cases-" + mechanism
			cfg := k.config(t, mechanism, "letmein", mechanism, topic)
			if err := openLog(t, k.config(t, mechanism, "letmein", mechanism, topic)).Claim(t.Context()); err == nil ||
				!strings.Contains(err.Error(), "kafka does not let user "+mechanism+" use its consumer groups: kafka-acls.sh") {
				t.Errorf("without rights the start says %v", err)
			}
			k.allow(t, "run", mechanism, topic)
			works(t, cfg)
			wrong := k.config(t, mechanism, "wrong", mechanism, topic)
			if err := openLog(t, wrong).Claim(t.Context()); err == nil ||
				!strings.Contains(err.Error(), "kafka does not accept the user or the password (user "+mechanism+")") {
				t.Errorf("with a wrong password the start says %v", err)
			}

			reader := k.config(t, "auditor", "readonly", ScramSHA512, topic)
			reader.System = ""
			if err := openLog(t, reader).Follow(t.Context(), func() {}, nil); err == nil ||
				!strings.Contains(err.Error(), "kafka does not let user auditor use topic "+topic) {
				t.Errorf("before it may, the auditor is told %v", err)
			}
			k.allow(t, "read", "auditor", topic)
			reader.SpoolDir = t.TempDir()
			auditor := openLog(t, reader)
			eventually(t, "the right is known", func() bool { _, err := auditor.lookUp(t.Context()); return err == nil })
			if diff := cmp.Diff([]string{"a-1"}, events(t, auditor)); diff != "" {
				t.Errorf("the auditor reads (-want +got):\n%s", diff)
			}
			if err := auditor.Append(t.Context(), event("a", 2)); err != nil || auditor.Waiting() != 1 {
				t.Errorf("the auditor can write (%v)", err)
			}
		})
	}
}

func (k *apache) certificates(t *testing.T) {
	cfg := k.plain(t, "cases-certificates")
	cfg.Brokers = []string{k.mtls}
	cfg.Security = Security{TLS: true, CAFile: k.pki.ca, CertFile: k.pki.cert, KeyFile: k.pki.key}
	l := openLog(t, cfg)
	if err := l.Claim(t.Context()); err == nil || !strings.Contains(err.Error(), "kafka does not let user CN=tidewatch use its consumer groups") {
		t.Errorf("without rights the start says %v", err)
	}
	l.Close()
	k.allow(t, "run", "CN=tidewatch", cfg.Topic)
	works(t, cfg)
}

func (k *apache) distrust(t *testing.T) {
	tests := map[string]struct {
		change func(*Config)
		want   string
	}{
		"an authority that is not known": {func(c *Config) { c.Security.CAFile = "" }, "the certificate of kafka is signed by nobody whom we trust"},
		"another name": {
			func(c *Config) { c.Brokers = []string{strings.Replace(k.sasl, "127.0.0.1", "localhost", 1)} },
			"the certificate of kafka is not right for its address",
		},
		"TLS to a plain listener":   {func(c *Config) { c.Brokers = []string{k.internal} }, "kafka.brokers ends every connection at its first request: is it a listener without TLS"},
		"no TLS to a TLS listener":  {func(c *Config) { c.Security.TLS = false }, "kafka.brokers is a TLS listener: set kafka.tls"},
		"no certificate of our own": {func(c *Config) { c.Brokers = []string{k.mtls}; c.Security.Username = "" }, "kafka does not accept our TLS"},
		"nobody signs in":           {func(c *Config) { c.Security.Username = "" }, "kafka.brokers ends every connection at its first request"},
		"another mechanism":         {func(c *Config) { c.Brokers = []string{k.internal}; c.Security.TLS = false }, "kafka does not let users sign in so"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			cfg := k.config(t, ScramSHA512, "letmein", ScramSHA512, "cases-distrust")
			test.change(&cfg)
			l := openLog(t, cfg)
			_, err := l.lookUp(t.Context())
			if got := l.explain(err); !strings.HasPrefix(got, test.want) {
				t.Errorf("%v is said as %q, want %q", err, got, test.want)
			}
		})
	}
}

func (k *apache) madeByOthers(t *testing.T) {
	cfg := k.plain(t, "cases-of-others")
	makeTopic(t, k.admin, cfg.Topic, 3, map[string]string{"retention.ms": "604800000", "cleanup.policy": "compact"})
	err := openLog(t, cfg).Claim(t.Context())
	if err == nil || !strings.Contains(err.Error(), "cleanup.policy is compact") || !strings.Contains(err.Error(), "events are deleted after 7 days") {
		t.Fatalf("the start says %v", err)
	}
	k.do(t, advised(t, err))
	cfg.SpoolDir = t.TempDir()
	works(t, cfg)
}

// madeAnew has somebody delete the topic, and a client of theirs make it again
// by asking for it, as Kafka lets them.
func (k *apache) madeAnew(t *testing.T) {
	cfg := k.plain(t, "cases-made-anew")
	l := claimed(t, cfg)
	stop := background(t, l.Run)
	if err := l.Append(t.Context(), event("a", 1)); err != nil {
		t.Fatal(err)
	}
	well(t, l)
	remove(t, k.admin, cfg.Topic)
	eventually(t, "somebody has made it anew", func() bool { return askForTopic(t, k.internal, cfg.Topic) })
	if err := l.Append(t.Context(), event("a", 2)); err != nil {
		t.Fatal(err)
	}
	says(t, l, "topic cases-made-anew: its topic ID is ")
	err := l.Health()
	if !strings.Contains(err.Error(), "retention.ms is 604800000") || !strings.HasSuffix(err.Error(), "; 1 events wait") {
		t.Errorf("health says %v", err)
	}
	stop()
	l.Close()
	k.do(t, advised(t, err))
	if err := os.Remove(cfg.Memory); err != nil {
		t.Fatal(err)
	}
	l = claimed(t, cfg)
	background(t, l.Run)
	well(t, l)
	if diff := cmp.Diff([]string{"a-2"}, events(t, l)); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

// five events of one case, read to their end by a group.
func (k *apache) five(t *testing.T, cfg Config) (l *Log, stop func()) {
	t.Helper()
	l = claimed(t, cfg)
	stop = background(t, l.Run)
	for n := range 5 {
		if err := l.Append(t.Context(), event("a", n+1)); err != nil {
			t.Fatal(err)
		}
	}
	well(t, l)
	return l, stop
}

// reads has a group read on in the background, and returns what it has read.
func reads(t *testing.T, l *Log) (ids func() []string, stop func()) {
	t.Helper()
	var mu sync.Mutex
	var all []string
	stop = background(t, func(ctx context.Context) error {
		return l.Consume(ctx, "tidewatch-sink-test", func(_ context.Context, batch []enforce.Checked) error {
			mu.Lock()
			defer mu.Unlock()
			for _, m := range batch {
				all = append(all, m.Claim().ID)
			}
			return nil
		})
	})
	return func() []string { mu.Lock(); defer mu.Unlock(); return slices.Clone(all) }, stop
}

// raws are all events as they stand in the log.
func raws(t *testing.T, l *Log) (all [][]byte) {
	t.Helper()
	caughtUp := make(chan struct{})
	stop := background(t, func(ctx context.Context) error {
		return l.Follow(ctx, func() { close(caughtUp) }, func(e enforce.Checked) error {
			all = append(all, e.Raw())
			return nil
		})
	})
	receive(t, caughtUp)
	stop()
	return all
}

// readAnew has the topic deleted and made anew, and taken as it is: what comes
// then is read, though it has offsets that were read before, and what was lost
// can be appended again as it stood.
func (k *apache) readAnew(t *testing.T) {
	cfg := k.plain(t, "cases-read-anew")
	l, stop := k.five(t, cfg)
	before := raws(t, l)
	ids, ended := reads(t, l)
	eventually(t, "all five are read", func() bool { return len(ids()) == 5 })
	ended()
	stop()
	l.Close()
	remove(t, k.admin, cfg.Topic)
	eventually(t, "it is made anew", func() bool {
		value := "-1"
		answer, err := k.admin.CreateTopic(t.Context(), 2, 1, map[string]*string{"retention.ms": &value}, cfg.Topic)
		return err == nil && answer.Err == nil
	})
	l = claimed(t, cfg)
	says(t, l, "topic cases-read-anew: its topic ID is ")
	l.Close()
	if err := os.Remove(cfg.Memory); err != nil {
		t.Fatal(err)
	}
	cfg.SpoolDir = t.TempDir()
	l = claimed(t, cfg)
	background(t, l.Run)
	if err := l.Append(t.Context(), event("a", 6)); err != nil {
		t.Fatal(err)
	}
	well(t, l)
	ids, _ = reads(t, l)
	eventually(t, "what is new is read", func() bool { return slices.Equal(ids(), []string{"a-6"}) })
	if err := l.Restore(t.Context(), before...); err != nil {
		t.Fatal(err)
	}
	eventually(t, "what was lost is read again", func() bool {
		return slices.Equal(ids(), []string{"a-6", "a-1", "a-2", "a-3", "a-4", "a-5"})
	})
}

// cutOff has somebody delete the first events.
func (k *apache) cutOff(t *testing.T) {
	cfg := k.plain(t, "cases-cut-off")
	l, _ := k.five(t, cfg)
	ids, _ := reads(t, l)
	eventually(t, "all five are read", func() bool { return len(ids()) == 5 })
	seen, err := l.lookUp(t.Context())
	if err == nil {
		err = l.measure(t.Context(), &seen)
	}
	if err != nil {
		t.Fatal(err)
	}
	offsets := kadm.Offsets{}
	for id, p := range seen.partitions {
		if p.end > 0 {
			offsets.AddOffset(cfg.Topic, int32(id), p.end-2, -1)
		}
	}
	if _, err := k.admin.DeleteRecords(t.Context(), offsets); err != nil {
		t.Fatal(err)
	}
	says(t, l, "topic cases-cut-off: partition ")
	if err := l.Health(); !strings.Contains(err.Error(), "began at offset 0 and begins at 3: its first events were deleted") || !strings.Contains(err.Error(), "bring its events back, or take it as it is") {
		t.Errorf("health says %v", err)
	}
}

// filesGone has a disk lose the files of a partition while the broker is away.
func (k *apache) filesGone(t *testing.T) {
	cfg := k.plain(t, "cases-files-gone")
	l, stop := k.five(t, cfg)
	before := raws(t, l)
	ids, ended := reads(t, l)
	eventually(t, "all five are read", func() bool { return len(ids()) == 5 })
	kill(k.broker)
	folders, err := filepath.Glob(filepath.Join(k.logs, cfg.Topic+"-*"))
	if err != nil || len(folders) != 2 {
		t.Fatalf("%v, %v", folders, err)
	}
	for _, folder := range folders {
		if err := os.RemoveAll(folder); err != nil {
			t.Fatal(err)
		}
	}
	k.start(t)
	eventually(t, "the broker answers", func() bool { _, err := k.admin.ListBrokers(t.Context()); return err == nil })
	says(t, l, "topic cases-files-gone: ")
	if err := l.Health(); !strings.Contains(err.Error(), "ended at offset 5 and ends at 0: its last events were lost; bring its events back, or take it as it is") {
		t.Errorf("health says %v", err)
	}
	ended()
	stop()
	l.Close()
	if err := os.Remove(cfg.Memory); err != nil {
		t.Fatal(err)
	}
	cfg.SpoolDir = t.TempDir()
	l = claimed(t, cfg)
	background(t, l.Run)
	if err := l.Restore(t.Context(), before[:2]...); err != nil { // fewer than the group has read
		t.Fatal(err)
	}
	well(t, l)
	again, _ := reads(t, l)
	eventually(t, "the group reads anew", func() bool { return slices.Equal(again(), []string{"a-1", "a-2"}) })
}

func askForTopic(t *testing.T, broker, topic string) bool {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(broker))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ask := kmsg.NewPtrMetadataRequest()
	wanted := kmsg.NewMetadataRequestTopic()
	wanted.Topic = &topic
	ask.Topics, ask.AllowAutoTopicCreation = append(ask.Topics, wanted), true
	answer, err := ask.RequestWith(t.Context(), client)
	return err == nil && answer.Topics[0].ErrorCode == 0
}

func (k *apache) tooLarge(t *testing.T) {
	cfg := k.plain(t, "cases-too-large")
	makeTopic(t, k.admin, cfg.Topic, 2, map[string]string{"retention.ms": "-1", "max.message.bytes": "3000"})
	l := claimed(t, cfg)
	background(t, l.Run)
	if err := l.Append(t.Context(), event("a", 1), large("a", 2), event("a", 3), event("b", 1)); err != nil {
		t.Fatal(err)
	}
	says(t, l, "kafka refuses an event for its size: raise max.message.bytes of topic cases-too-large: kafka-configs.sh")
	eventually(t, "the others are taken", func() bool { return l.Waiting() == 2 })
	k.do(t, advised(t, l.Health()))
	well(t, l)
	if diff := cmp.Diff([]string{"a-1", "a-2", "a-3", "b-1"}, events(t, l)); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

func (k *apache) oneSystem(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("BROKER", k.internal)
	t.Setenv("SESSION", "5m")
	for range 3 { // killed and started again: its session lasts for minutes yet
		helper, lines := startHelper(t, "claim", dir)
		if !lines.Scan() || lines.Text() != "claimed" {
			t.Fatalf("the helper said %q", lines.Text())
		}
		kill(helper)
	}
	cfg := externalConfig(dir, []string{k.internal})
	l := claimed(t, cfg)
	other := k.plain(t, cfg.Topic)
	if err := openLog(t, other).Claim(t.Context()); err == nil || !strings.Contains(err.Error(), "another Tidewatch writes to it: "+cfg.System) {
		t.Errorf("a second system says %v", err)
	}
	if err := l.lease.held(); err != nil {
		t.Errorf("the first has lost its claim: %v", err)
	}
	l.Close()
	other.SpoolDir = t.TempDir()
	claimed(t, other)
}

func (k *apache) withoutRights(t *testing.T) {
	cfg := k.config(t, "nobody", "nothing", ScramSHA512, "cases-"+ScramSHA512)
	l := openLog(t, cfg)
	err := l.Claim(t.Context())
	k.do(t, advised(t, err)) // of the groups
	eventually(t, "the topic is what is refused next", func() bool {
		err = l.Claim(t.Context())
		return err != nil && strings.Contains(err.Error(), "kafka does not let user nobody use topic")
	})
	k.do(t, advised(t, err))
	eventually(t, "it may start", func() bool { err = l.Claim(t.Context()); return err == nil })
}

func freePorts(t *testing.T, n int) (ports []string) {
	t.Helper()
	for range n {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer listener.Close()
		_, port, err := net.SplitHostPort(listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		ports = append(ports, port)
	}
	return ports
}
