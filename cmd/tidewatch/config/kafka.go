package config

import (
	"cmp"
	"crypto/tls"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"tidewatch/enforce/written"
	"tidewatch/storage/kafka"
)

// Kafka says where the case log is, and who we are there.
type Kafka struct {
	Brokers  []string // none: the embedded broker
	Topic    string
	Security kafka.Security
}

type kafkaYAML struct {
	Brokers   []string   `yaml:"brokers,omitempty"`
	Topic     string     `yaml:"topic"`
	Username  string     `yaml:"username,omitempty"`
	Secret    secretYAML `yaml:",inline"`
	Mechanism string     `yaml:"mechanism,omitempty"`
	TLS       bool       `yaml:"tls,omitempty"`
	CAFile    fileName   `yaml:"ca_file,omitempty"`
	CertFile  fileName   `yaml:"cert_file,omitempty"`
	KeyFile   fileName   `yaml:"key_file,omitempty"`
}

func (y *kafkaYAML) fill() {
	if y.Username != "" {
		y.Mechanism = cmp.Or(y.Mechanism, kafka.ScramSHA512)
	}
}

// topicForm is what Kafka takes for the name of a topic.
var topicForm = regexp.MustCompile(`^[a-zA-Z0-9._-]{1,249}$`)

func (r *resolver) kafka(y kafkaYAML) Kafka {
	for i, broker := range y.Brokers {
		path := fmt.Sprintf("kafka.brokers[%d]", i)
		r.hostPort(path, broker, "HOST:PORT, such as kafka.example:9092")
		r.once(path, y.Brokers, i)
	}
	if !topicForm.MatchString(y.Topic) || y.Topic == "." || y.Topic == ".." {
		r.wrong("kafka.topic", "%q: want 1 to 249 of a-z, A-Z, 0-9, ., _ and -", y.Topic)
	}
	if len(y.Brokers) == 0 && (y.Username != "" || y.TLS) {
		r.wrong("kafka.brokers", "the embedded broker asks for no user and no TLS: name the brokers that do, or leave these out")
	}
	r.kafkaLogin(y)
	r.kafkaFiles(y)
	return Kafka{
		Brokers: y.Brokers, Topic: y.Topic,
		Security: kafka.Security{
			Username: y.Username, Password: r.password(passwordOf("kafka"), y.Secret), Mechanism: y.Mechanism,
			TLS: y.TLS, CAFile: string(y.CAFile), CertFile: string(y.CertFile), KeyFile: string(y.KeyFile),
		},
	}
}

// kafkaLogin checks how a user signs in.
func (r *resolver) kafkaLogin(y kafkaYAML) {
	switch {
	case y.Username == "" && y.Secret.given():
		r.wrong("kafka.username", "is missing: a password alone signs nobody in")
	case y.Username == "" && y.Mechanism != "":
		r.wrong("kafka.mechanism", "is of no use without username")
	case y.Username == "":
	case !y.Secret.given():
		r.wrong("kafka.username", "needs password_env or password_file")
	case !slices.Contains(kafka.Mechanisms, y.Mechanism):
		r.wrong("kafka.mechanism", "%q: want %s", y.Mechanism, strings.Join(kafka.Mechanisms, ", "))
	case y.Mechanism == kafka.Plain && !y.TLS && !allLoopback(y.Brokers):
		r.wrong("kafka.mechanism", "plain would send the password in the open: set tls: true, or use %s", kafka.ScramSHA512)
	}
}

// allLoopback says whether nothing leaves this machine.
func allLoopback(brokers []string) bool {
	return !slices.ContainsFunc(brokers, isOpen)
}

// kafkaFiles checks what TLS is made of.
func (r *resolver) kafkaFiles(y kafkaYAML) {
	for _, f := range []struct {
		path string
		file fileName
	}{{"kafka.ca_file", y.CAFile}, {"kafka.cert_file", y.CertFile}, {"kafka.key_file", y.KeyFile}} {
		if f.file != "" && !y.TLS {
			r.misread(f.path, "is of no use without tls: true")
		}
	}
	r.certificates("kafka.ca_file", y.CAFile)
	if (y.CertFile == "") != (y.KeyFile == "") {
		r.wrong("kafka.cert_file", "cert_file and key_file go together")
		return
	}
	if y.CertFile == "" || r.secrets == ignored {
		return
	}
	if _, err := tls.LoadX509KeyPair(string(y.CertFile), string(y.KeyFile)); err != nil {
		r.missing("kafka.cert_file", "%v", err)
	}
	if written.Exposed(string(y.KeyFile)) {
		r.doubt("kafka.key_file", "%s: everybody on this machine can read it: chmod o= %s", y.KeyFile, y.KeyFile)
	}
}
