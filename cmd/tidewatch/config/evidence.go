package config

import (
	"crypto/x509"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"time"

	"tidewatch/enforce"
	"tidewatch/enforce/retention"
	"tidewatch/enforce/written"
)

// Evidence says how evidence is kept provable.
type Evidence struct {
	// Origin is the name of the log of evidence and of the key that signs it. It
	// counts at the first start; a log keeps its name.
	Origin string
	// SigningKey is kept elsewhere; empty: one is made in the data folder.
	SigningKey string
	// TimestampURL is of an authority (RFC 3161); empty: none is asked.
	TimestampURL string
	// TimestampRoots are who must have signed its certificate; nil: anybody.
	TimestampRoots *x509.CertPool
}

type evidenceYAML struct {
	Origin          string   `yaml:"origin"`
	SigningKeyEnv   string   `yaml:"signing_key_env,omitempty"`
	SigningKeyFile  fileName `yaml:"signing_key_file,omitempty"`
	TimestampURL    string   `yaml:"timestamp_url,omitempty"`
	TimestampCAFile fileName `yaml:"timestamp_ca_file,omitempty"`
}

type retentionYAML struct {
	Every   string     `yaml:"every"`
	Orphans string     `yaml:"orphans"`
	Rules   []ruleYAML `yaml:"rules,omitempty"`
}

type ruleYAML struct {
	Kinds  []string `yaml:"kinds,omitempty"`
	States []string `yaml:"states"`
	Keep   string   `yaml:"keep"`
}

func evidenceDefaults() (evidenceYAML, retentionYAML) {
	own := retention.DefaultConfig()
	return evidenceYAML{Origin: "tidewatch/evidence"}, retentionYAML{Every: own.Every.String(), Orphans: own.Orphans.String()}
}

// originForm is what a key can be named: it stands in checkpoints, before a +.
var originForm = regexp.MustCompile(`^[^\s+]{1,100}$`)

func (r *resolver) evidence(y evidenceYAML) Evidence {
	if !originForm.MatchString(y.Origin) {
		r.wrong("evidence.origin", "%q: want a name without blanks and +, such as tidewatch/chenghua", y.Origin)
	}
	if y.TimestampURL != "" {
		r.webURL("evidence.timestamp_url", y.TimestampURL, "http://HOST/PATH or https://HOST/PATH")
	} else if y.TimestampCAFile != "" {
		r.misread("evidence.timestamp_ca_file", "is of no use without timestamp_url")
	}
	_, roots := r.certificates("evidence.timestamp_ca_file", y.TimestampCAFile)
	return Evidence{
		Origin: y.Origin, SigningKey: r.signingKey(y),
		TimestampURL: y.TimestampURL, TimestampRoots: roots,
	}
}

// signingKey reads the key as passwords are read, and never repeats it. A key
// that others can read proves nothing.
func (r *resolver) signingKey(y evidenceYAML) string {
	const path = "evidence.signing_key"
	fields := secretFields{path + "_env", path + "_file"}
	if y.SigningKeyFile != "" && r.secrets != ignored && written.Exposed(string(y.SigningKeyFile)) {
		r.wrong(fields.file, "%s: everybody on this machine can read it, and sign with it: chmod o= %s", y.SigningKeyFile, y.SigningKeyFile)
		return ""
	}
	return r.password(fields, secretYAML{PasswordEnv: y.SigningKeyEnv, PasswordFile: y.SigningKeyFile})
}

func (r *resolver) retention(y retentionYAML) retention.Config {
	cfg := retention.Config{
		Every:   r.duration("retention.every", y.Every, time.Minute, longestEvery, "what is due would lie for longer"),
		Orphans: r.duration("retention.orphans", y.Orphans, time.Hour, longestOrphans, "they belong to no case"),
	}
	for i, rule := range y.Rules {
		path := fmt.Sprintf("retention.rules[%d]", i)
		cfg.Rules = append(cfg.Rules, r.rule(path, rule))
		r.reached(path, cfg.Rules)
	}
	return cfg
}

const longestEvery, longestOrphans = 7 * 24 * time.Hour, 365 * 24 * time.Hour

// reached says that the newest rule leaves nothing for itself, where those
// before it have all of its states and kinds.
func (r *resolver) reached(path string, rules []retention.Rule) {
	newest := rules[len(rules)-1]
	for _, state := range newest.States {
		if !slices.ContainsFunc(rules[:len(rules)-1], func(before retention.Rule) bool {
			return slices.Contains(before.States, state) && (len(before.Kinds) == 0 || len(newest.Kinds) > 0 && subset(newest.Kinds, before.Kinds))
		}) {
			return
		}
	}
	if len(newest.States) > 0 {
		r.doubt(path, "is never reached: the rules before it are about all of its files")
	}
}

func subset(of, in []enforce.FileKind) bool {
	return !slices.ContainsFunc(of, func(kind enforce.FileKind) bool { return !slices.Contains(in, kind) })
}

func (r *resolver) rule(path string, y ruleYAML) retention.Rule {
	rule := retention.Rule{Keep: r.period(path+".keep", y.Keep)}
	for i, name := range y.Kinds {
		kind := enforce.FileKind(name)
		if !slices.Contains(enforce.FileKinds, kind) {
			r.wrong(fmt.Sprintf("%s.kinds[%d]", path, i), "%q: want some of %v", name, enforce.FileKinds)
		}
		rule.Kinds = append(rule.Kinds, kind)
	}
	if len(y.States) == 0 {
		r.wrong(path+".states", "is missing: the evidence of cases in which states is deleted?")
	}
	for i, name := range y.States {
		state := enforce.State(name)
		switch inside := fmt.Sprintf("%s.states[%d]", path, i); {
		case !slices.Contains(enforce.States, state):
			r.wrong(inside, "%q: no such state", name)
		case slices.Contains(retention.Open, state):
			r.wrong(inside, "%s: such a case still needs its evidence", name)
		}
		rule.States = append(rule.States, state)
	}
	return rule
}

var periodForm = regexp.MustCompile(`^(?:(\d{1,3})y)?(?:(\d{1,4})m)?(?:(\d{1,5})d)?$`)

// period reads a length of time by the calendar, such as 2y or 90d.
func (r *resolver) period(path, s string) retention.Period {
	parts := periodForm.FindStringSubmatch(s)
	if parts == nil || s == "" {
		r.wrong(path, "%q: want years, months and days, such as 2y, 6m or 90d", s)
		return retention.Period{}
	}
	var n [3]int
	for i := range n {
		n[i], _ = strconv.Atoi(parts[i+1]) // digits, or empty
	}
	p := retention.Period{Years: n[0], Months: n[1], Days: n[2]}
	if p == (retention.Period{}) {
		r.wrong(path, "%s: must be at least a day", s)
	}
	return p
}
