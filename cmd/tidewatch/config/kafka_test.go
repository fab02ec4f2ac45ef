package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidewatch/storage/kafka"
)

func kafkaSecrets(name string) (string, bool) { return "letmein", name == "KAFKA_PASSWORD" }

func TestKafka(t *testing.T) {
	const text = small + `kafka:
  brokers: ["kafka-1.example:9093", "[2001:db8::1]:9093"]
  topic: Parking.cases_1
  username: tidewatch
  password_env: KAFKA_PASSWORD
  tls: true
`
	c, err := Parse("t.yaml", []byte(text), kafkaSecrets)
	if err != nil {
		t.Fatal(err)
	}
	want := Kafka{
		Brokers: []string{"kafka-1.example:9093", "[2001:db8::1]:9093"}, Topic: "Parking.cases_1",
		Security: kafka.Security{Username: "tidewatch", Password: "letmein", Mechanism: kafka.ScramSHA512, TLS: true},
	}
	if diff := cmp.Diff(want, c.Kafka); diff != "" {
		t.Errorf("kafka (-want +got):\n%s", diff)
	}
	dump, err := c.Dump()
	if err != nil || strings.Contains(string(dump), "letmein") || !strings.Contains(string(dump), "mechanism: scram-sha-512") {
		t.Errorf("the dump is %s, %v", dump, err)
	}
}

func TestKafkaMistakes(t *testing.T) {
	noPEM := filepath.Join(t.TempDir(), "no.pem")
	if err := os.WriteFile(noPEM, []byte("none"), 0o600); err != nil {
		t.Fatal(err)
	}
	const at = "{brokers: ['kafka.example:9092'], "
	for name, test := range map[string]struct {
		kafka string
		want  string
	}{
		"no port":             {"{brokers: [kafka.example]}", `brokers[0]: "kafka.example": want HOST:PORT, such as kafka.example:9092`},
		"a URL":               {"{brokers: ['kafka://kafka.example:9092']}", `brokers[0]: "kafka://kafka.example:9092": want HOST:PORT, such as kafka.example:9092`},
		"a port out of range": {"{brokers: ['kafka.example:99999']}", `brokers[0]: port 99999: want 1 to 65535`},
		"a path":              {"{brokers: ['unix:/run/kafka']}", `brokers[0]: "unix:/run/kafka": want HOST:PORT, such as kafka.example:9092`},
		"a topic":             {"{topic: 违停}", `topic: "违停": want 1 to 249 of a-z, A-Z, 0-9, ., _ and -`},
		"a user for nobody":   {"{username: tidewatch, password_env: KAFKA_PASSWORD}", "brokers: the embedded broker asks for no user and no TLS: name the brokers that do, or leave these out"},
		"no password":         {at + "username: tidewatch}", "username: needs password_env or password_file"},
		"no user":             {at + "password_env: KAFKA_PASSWORD}", "username: is missing: a password alone signs nobody in"},
		"another mechanism":   {at + "username: a, password_env: KAFKA_PASSWORD, mechanism: gssapi}", `mechanism: "gssapi": want scram-sha-512, scram-sha-256, plain`},
		"a mechanism alone":   {at + "mechanism: plain}", "mechanism: is of no use without username"},
		"a password in the open": {
			at + "username: a, password_env: KAFKA_PASSWORD, mechanism: plain}",
			"mechanism: plain would send the password in the open: set tls: true, or use scram-sha-512",
		},
		"an authority without TLS": {at + "ca_file: /etc/hosts}", "ca_file: is of no use without tls: true"},
		"an authority that is none": {
			at + "tls: true, ca_file: " + noPEM + "}", "ca_file: " + noPEM + " holds no certificate in PEM",
		},
		"half a certificate": {at + "tls: true, cert_file: " + noPEM + "}", "cert_file: cert_file and key_file go together"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse("t.yaml", []byte(small+"kafka: "+test.kafka+"\n"), kafkaSecrets)
			if err == nil {
				t.Fatal("it is taken")
			}
			first, _, _ := strings.Cut(err.Error(), "\n")
			if diff := cmp.Diff("t.yaml:8: kafka."+test.want, first); diff != "" {
				t.Errorf("mistake (-want +got):\n%s", diff)
			}
		})
	}
}
