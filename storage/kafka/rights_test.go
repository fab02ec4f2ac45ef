package kafka

import (
	"os"
	"strings"
	"testing"
)

// rights are the commands that give a role what it needs, as operators are told
// them; USER and TOPIC stand for names.
var rights = map[string][]string{
	"run": {
		"kafka-acls.sh --bootstrap-server BROKER --command-config admin.properties --add --allow-principal User:USER " +
			"--topic TOPIC --operation Read --operation Write --operation Create --operation Describe --operation DescribeConfigs",
		"kafka-acls.sh --bootstrap-server BROKER --command-config admin.properties --add --allow-principal User:USER " +
			"--resource-pattern-type prefixed --group tidewatch- --operation Read",
	},
	"read": {
		"kafka-acls.sh --bootstrap-server BROKER --command-config admin.properties --add --allow-principal User:USER " +
			"--topic TOPIC --operation Read --operation Describe",
	},
}

// What is told is what is tried on Apache Kafka.
func TestRightsAreTold(t *testing.T) {
	text, err := os.ReadFile("../../docs/operating.md")
	if err != nil {
		t.Fatal(err)
	}
	for role, lines := range rights {
		for _, line := range lines {
			if !strings.Contains(string(text), "\n"+line+"\n") {
				t.Errorf("for role %s the documentation lacks %s", role, line)
			}
		}
	}
}
