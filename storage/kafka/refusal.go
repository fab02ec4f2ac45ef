package kafka

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// code is what a broker answered; kafka.Unknown where none did.
func code(err error) kafka.Error {
	var each kafka.WriteErrors
	if errors.As(err, &each) {
		for _, one := range each {
			if one != nil {
				return code(one)
			}
		}
	}
	var ours kafka.Error
	if errors.As(err, &ours) {
		return ours
	}
	var theirs *kerr.Error
	if errors.As(err, &theirs) {
		return kafka.Error(theirs.Code)
	}
	return kafka.Unknown
}

// ofEvent says whether it is the event itself that is refused: others may be
// taken meanwhile.
func ofEvent(err error) bool {
	switch code(err) {
	case kafka.MessageSizeTooLarge, kafka.RecordListTooLarge, kafka.InvalidRecord, kafka.InvalidTimestamp:
		return true
	}
	return false
}

// needsPeople says whether trying again is of no use before somebody acts.
func needsPeople(err error) bool {
	switch code(err) {
	case kafka.TopicAuthorizationFailed, kafka.GroupAuthorizationFailed, kafka.ClusterAuthorizationFailed,
		kafka.TransactionalIDAuthorizationFailed, kafka.SASLAuthenticationFailed, kafka.UnsupportedSASLMechanism,
		kafka.IllegalSASLState, kafka.InvalidTopic, kafka.UnsupportedVersion, kafka.SecurityDisabled, kafka.PolicyViolation:
		return true
	}
	var closed *kgo.ErrFirstReadEOF // which a broker that starts may be
	return errors.Is(err, errTaken) || errors.Is(err, errGone) || Config{}.distrust(err) != "" && !errors.As(err, &closed)
}

// errGone says that a topic is missing and is not ours to make.
var errGone = errors.New("it does not exist")

// explain says what is wrong with Kafka, and what to do about it, in the words
// of whoever runs it.
func (c Config) explain(err error) string {
	switch code(err) {
	case kafka.MessageSizeTooLarge, kafka.RecordListTooLarge:
		return fmt.Sprintf("kafka refuses an event for its size: raise max.message.bytes of topic %s: %s",
			c.Topic, c.alter(fmt.Sprintf("max.message.bytes=%d", usualMessage)))
	case kafka.InvalidRecord, kafka.InvalidTimestamp:
		return fmt.Sprintf("kafka refuses an event as invalid (%s): see message.timestamp.* of topic %s and any check that brokers run on it",
			title(err), c.Topic)
	case kafka.TopicAuthorizationFailed:
		return fmt.Sprintf("kafka does not let %s use topic %s: %s", c.who(), c.Topic, c.allow("--topic "+c.Topic,
			"Read", "Write", "Create", "Describe", "DescribeConfigs"))
	case kafka.GroupAuthorizationFailed:
		return fmt.Sprintf("kafka does not let %s use its consumer groups: %s", c.who(),
			c.allow("--resource-pattern-type prefixed --group tidewatch-", "Read"))
	case kafka.ClusterAuthorizationFailed, kafka.TransactionalIDAuthorizationFailed:
		return fmt.Sprintf("kafka does not let %s do that (%s): see its ACLs", c.who(), title(err))
	case kafka.SASLAuthenticationFailed:
		return fmt.Sprintf("kafka does not accept the user or the password (%s): see kafka.username, its password and kafka.mechanism", c.who())
	case kafka.UnsupportedSASLMechanism, kafka.IllegalSASLState, kafka.SecurityDisabled:
		return fmt.Sprintf("kafka does not let users sign in so (%s): see kafka.mechanism (%s) and the listener that kafka.brokers names",
			title(err), c.Security.Mechanism)
	case kafka.InvalidTopic:
		return fmt.Sprintf("kafka does not take %q for the name of a topic: see kafka.topic", c.Topic)
	case kafka.UnknownTopicOrPartition:
		return fmt.Sprintf("topic %s, or a partition of it, does not exist", c.Topic)
	case kafka.UnsupportedVersion, kafka.UnsupportedForMessageFormat, kafka.UnsupportedCompressionType:
		return "this Kafka is too old, or speaks an older protocol: 2.4 or later is needed"
	case kafka.NotEnoughReplicas, kafka.NotEnoughReplicasAfterAppend:
		return fmt.Sprintf("kafka has too few replicas of topic %s in sync: a broker is away", c.Topic)
	case kafka.KafkaStorageError, kafka.LogDirNotFound:
		return "kafka cannot write to a disk of its own: look at the brokers' logs"
	case kafka.PolicyViolation:
		return fmt.Sprintf("kafka does not let topic %s be made by a policy of its own: make it yourself", c.Topic)
	case kafka.ThrottlingQuotaExceeded:
		return fmt.Sprintf("kafka holds %s back by a quota", c.who())
	case kafka.Unknown:
		return c.unreached(err)
	}
	return "kafka refuses: " + title(err)
}

// unreached says why no broker answered.
func (c Config) unreached(err error) string {
	if err == nil {
		return "events of before are on their way to kafka"
	}
	if why := c.distrust(err); why != "" {
		return why
	}
	if errors.Is(err, errTaken) {
		return err.Error()
	}
	if errors.Is(err, errGone) {
		return fmt.Sprintf("topic %s does not exist: is kafka.topic right?", c.Topic)
	}
	return away
}

const away = "kafka cannot be reached"

// explain says what is wrong with Kafka. What looks like a wrong port before
// the first answer is an outage after it.
func (l *Log) explain(err error) string {
	var closed *kgo.ErrFirstReadEOF
	if l.watcher.seen() && errors.As(err, &closed) {
		return away
	}
	return l.cfg.explain(err)
}

// distrust says why a broker and we do not understand each other before any
// request; empty where that is not known to be so.
func (c Config) distrust(err error) string {
	var unknown x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	var plain tls.RecordHeaderError
	var first *kgo.ErrFirstReadEOF
	switch {
	case errors.As(err, &unknown):
		return "the certificate of kafka is signed by nobody whom we trust: give its authority as kafka.ca_file"
	case errors.As(err, &host), errors.As(err, &invalid):
		return fmt.Sprintf("the certificate of kafka is not right for its address: %v", err)
	case errors.As(err, &plain):
		return "kafka.brokers does not speak TLS: give the port of a TLS listener, or leave out kafka.tls"
	case strings.Contains(err.Error(), "remote error: tls: "):
		return fmt.Sprintf("kafka does not accept our TLS (%v): see kafka.cert_file and kafka.key_file", err)
	case errors.As(err, &first) && c.Security.TLS:
		return "kafka.brokers ends every connection at its first request: is it a listener without TLS, or no Kafka?"
	case errors.As(err, &first):
		return "kafka.brokers ends every connection at its first request: is it a TLS listener (kafka.tls), one that asks for a user " +
			"(kafka.username), or no Kafka?"
	case strings.Contains(err.Error(), "four size bytes are 'HTTP'"):
		return "kafka.brokers answers HTTP: give the port of a broker (usually 9092)"
	case strings.Contains(err.Error(), "tls alert record"):
		return "kafka.brokers is a TLS listener: set kafka.tls, or give the port of another listener"
	case strings.Contains(err.Error(), "invalid large response size"):
		return "kafka.brokers answers something that is not Kafka: give the port of a broker"
	}
	return ""
}

func title(err error) string { return code(err).Title() }

func (c Config) who() string {
	if c.Security.Username == "" {
		return "an unknown user"
	}
	return "user " + c.Security.Username
}

// alter is the command that changes settings of the topic.
func (c Config) alter(settings ...string) string {
	return fmt.Sprintf("kafka-configs.sh %s --alter --entity-type topics --entity-name %s --add-config %s",
		c.bootstrap(), c.Topic, strings.Join(settings, ","))
}

// allow is the command that lets our user do something.
func (c Config) allow(resource string, operations ...string) string {
	user := c.Security.Username
	if user == "" {
		user = "ANONYMOUS"
	}
	return fmt.Sprintf("kafka-acls.sh %s --add --allow-principal User:%s %s --operation %s",
		c.bootstrap(), user, resource, strings.Join(operations, " --operation "))
}

func (c Config) bootstrap() string {
	line := "--bootstrap-server " + strings.Join(c.Brokers, ",")
	if c.Security.Username != "" || c.Security.TLS {
		line += " --command-config admin.properties"
	}
	return line
}
