package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidewatch/enforce"
	"tidewatch/enforce/retention"
)

func TestEvidenceAndRetention(t *testing.T) {
	text := small + `
evidence: {origin: tidewatch/gate, signing_key_env: KEY, timestamp_url: "http://127.0.0.1/tsa"}
retention:
  every: 1h
  rules:
    - {kinds: [clip], states: [rejected], keep: 90d}
    - {states: [uploaded, warned], keep: 2y6m}
`
	c, err := Parse("t.yaml", []byte(text), func(name string) (string, bool) { return "secret of " + name, true })
	if err != nil {
		t.Fatal(err)
	}
	want := Evidence{Origin: "tidewatch/gate", SigningKey: "secret of KEY", TimestampURL: "http://127.0.0.1/tsa"}
	if diff := cmp.Diff(want, c.Evidence); diff != "" {
		t.Errorf("evidence (-want +got):\n%s", diff)
	}
	rules := retention.Config{Every: time.Hour, Orphans: 48 * time.Hour, Rules: []retention.Rule{
		{Kinds: []enforce.FileKind{enforce.Clip}, States: []enforce.State{enforce.StateRejected}, Keep: retention.Period{Days: 90}},
		{States: []enforce.State{enforce.StateUploaded, enforce.StateWarned}, Keep: retention.Period{Years: 2, Months: 6}},
	}}
	if diff := cmp.Diff(rules, c.Retention); diff != "" {
		t.Errorf("retention (-want +got):\n%s", diff)
	}
	dump, err := c.Dump()
	if err != nil || strings.Contains(string(dump), "secret of") {
		t.Errorf("the dump holds the key, %v:\n%s", err, dump)
	}
}

func TestMistakesAboutEvidence(t *testing.T) {
	noPEM := filepath.Join(t.TempDir(), "no.pem")
	if err := os.WriteFile(noPEM, []byte("hello"), 0o600); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"evidence: {origin: a b}":                                                 `evidence.origin: "a b": want a name without blanks and +, such as tidewatch/chenghua`,
		"evidence: {signing_key_env: NONE}":                                       "evidence.signing_key_env: environment variable NONE is not set",
		"evidence: {signing_key_env: A, signing_key_file: b}":                     "evidence.signing_key_file: give signing_key_env or signing_key_file, not both",
		"evidence: {timestamp_url: ftp://a}":                                      "evidence.timestamp_url: want http://HOST/PATH or https://HOST/PATH, without credentials",
		"evidence: {timestamp_url: 'http://a', timestamp_ca_file: " + noPEM + "}": "evidence.timestamp_ca_file: " + noPEM + " holds no certificate in PEM",
		"retention: {every: 1s}":                                                  "retention.every: 1s: must be at least 1m",
		"retention: {rules: [{keep: 1d}]}":                                        "retention.rules[0].states: is missing: the evidence of cases in which states is deleted?",
		"retention: {rules: [{states: [lost], keep: 1d}]}":                        `retention.rules[0].states[0]: "lost": no such state`,
		"retention: {rules: [{states: [confirmed], keep: 1d}]}":                   "retention.rules[0].states[0]: confirmed: such a case still needs its evidence",
		"retention: {rules: [{states: [rejected], keep: 48h}]}":                   `retention.rules[0].keep: "48h": want years, months and days, such as 2y, 6m or 90d`,
		"retention: {rules: [{states: [rejected], keep: 0d}]}":                    "retention.rules[0].keep: 0d: must be at least a day",
	} {
		t.Run(text, func(t *testing.T) {
			_, err := Parse("t.yaml", []byte(small+text+"\n"), noEnvironment)
			if err == nil || !strings.HasSuffix(err.Error(), ": "+want) {
				t.Errorf("error %v\nwant ... %s", err, want)
			}
		})
	}
}
