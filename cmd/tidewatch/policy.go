package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"tidewatch/cmd/tidewatch/config"
	"tidewatch/detect"
	"tidewatch/enforce"
	"tidewatch/enforce/publish"
	"tidewatch/enforce/words"
	"tidewatch/enforce/written"
)

// policyCmd groups the commands about the rules.
type policyCmd struct {
	Explain policyExplainCmd `cmd:"" help:"Say which rule applies in a section at a time, and how a stop would be judged, and why."`
	Publish policyPublishCmd `cmd:"" help:"Write the announced sections and hours as a public page and as GeoJSON."`
}

// policyExplainCmd says what the rule is and why.
type policyExplainCmd struct {
	configFlag
	Section  string `placeholder:"ID" help:"Section of the configuration; not needed if there is only one."`
	At       string `placeholder:"TIME" help:"Moment by the section's clock, such as \"2026-10-01 20:00\", or with an offset, 2026-10-01T20:00:00+08:00; the stop's start if left out."`
	Stop     string `placeholder:"FILE" help:"JSON file of a stop, or of a violation such as a case's manifest holds, to be judged."`
	Zone     string `placeholder:"ID" help:"Zone in which the stop is judged; not needed if the section has only one."`
	Policy   string `placeholder:"FILE" help:"Document of a policy, as kept under its ID, in place of the configuration's."`
	Language string `enum:"zh,en" default:"zh" help:"zh or en (${default})."`
}

// Run prints the explanation.
func (c *policyExplainCmd) Run() error {
	lines, err := c.lines()
	if err != nil {
		return err
	}
	fmt.Println(strings.Join(lines, "\n"))
	return nil
}

func (c *policyExplainCmd) lines() ([]string, error) {
	subject, err := c.subject()
	if err != nil {
		return nil, err
	}
	at, err := c.moment(subject)
	if err != nil {
		return nil, err
	}
	text := words.In(words.Chinese)
	if c.Language == "en" {
		text = words.In(words.English)
	}
	policy, inForce := subject.policies.At(subject.section, at)
	if !inForce {
		return []string{text["verdict.no_policy"]}, nil
	}
	lines := text.Explain(policy, policy.Explain(at))
	if subject.stop != nil {
		judging, verdict := policy, policy.JudgeRecord(*subject.stop, subject.zone)
		if c.At == "" { // else it is asked for under the version of that time
			judging, verdict, _ = subject.policies.Judge(subject.section, *subject.stop, subject.zone)
		}
		lines = append(lines, text.Verdict(*subject.stop, verdict, judging.Section.Location)...)
	}
	return lines, nil
}

// explained is what an explanation is asked for.
type explained struct {
	policies enforce.Policies
	section  string
	stop     *enforce.StopRecord // nil: only the rule is asked for
	zone     enforce.Zone        // in which the stop is judged
}

func (c *policyExplainCmd) subject() (explained, error) {
	s := explained{section: c.Section}
	var zones []enforce.Zone
	if c.Policy != "" {
		policy, err := readPolicy(c.Policy)
		if err != nil {
			return s, err
		}
		s.section, s.policies = policy.Section.ID, enforce.Policies{policy.Section.ID: {policy}}
	} else {
		cfg, err := config.LoadRules(c.Config)
		if err != nil {
			return s, err
		}
		if s.section, err = sectionOf(cfg, c.Config, c.Section); err != nil {
			return s, err
		}
		s.policies, zones = cfg.Policies, zonesIn(cfg, s.section)
		noteExemptions(cfg)
	}
	if c.Stop == "" {
		return s, nil
	}
	return s, c.readStop(&s, zones)
}

func readPolicy(path string) (enforce.Policy, error) {
	text, err := written.Load(path)
	if err != nil {
		return enforce.Policy{}, err
	}
	policy, err := enforce.ParsePolicy(text)
	if err != nil {
		return enforce.Policy{}, fmt.Errorf("%s: %w", path, err)
	}
	return policy, nil
}

// sectionOf is the section that is meant.
func sectionOf(cfg *config.Config, path, asked string) (string, error) {
	known := slices.Sorted(maps.Keys(cfg.Policies))
	if asked == "" && len(known) == 1 {
		return known[0], nil
	}
	if _, ok := cfg.Policies[asked]; !ok {
		return "", fmt.Errorf("%s: no section %q; name one with --section: %s", path, asked, strings.Join(known, ", "))
	}
	return asked, nil
}

func zonesIn(cfg *config.Config, section string) []enforce.Zone {
	var zones []enforce.Zone
	for _, z := range cfg.Zones {
		if z.Section == section {
			zones = append(zones, z)
		}
	}
	return zones
}

// readStop reads a stop, and finds the zone in which it is judged: a
// violation's own, the one that is named, or the only one.
func (c *policyExplainCmd) readStop(s *explained, zones []enforce.Zone) error {
	text, err := written.Load(c.Stop)
	if err != nil {
		return err
	}
	if v, ok := violationIn(text); ok {
		s.stop, s.zone = &v.Stop, v.Zone.Zone()
		return nil
	}
	stop, err := parseStop(text)
	if err != nil {
		return fmt.Errorf("%s: %w", c.Stop, err)
	}
	s.stop = &stop
	if stop.Box == (detect.Box{}) { // it is not said where it stands
		s.stop.Box, s.zone = anywhere, enforce.Zone{Polygon: everywhere, Vehicles: enforce.All}
		fmt.Fprintf(os.Stderr, "tidewatch: %s has no box: it is judged as if the vehicle stood in order in the zone\n", c.Stop)
		return nil
	}
	s.zone, err = c.zoneOf(zones)
	return err
}

var (
	everywhere = enforce.Polygon{{X: 0, Y: 0}, {X: 1, Y: 0}, {X: 1, Y: 1}, {X: 0, Y: 1}}
	anywhere   = detect.Box{X: 0.4, Y: 0.4, W: 0.2, H: 0.2}
)

// violationIn reads a violation, or a manifest that holds one, if it is one.
func violationIn(text []byte) (enforce.Violation, bool) {
	var manifest struct {
		Violation enforce.Violation `json:"violation"`
	}
	if json.Unmarshal(text, &manifest) == nil && !manifest.Violation.Stop.Start.IsZero() {
		return manifest.Violation, true
	}
	var v enforce.Violation
	err := json.Unmarshal(text, &v)
	return v, err == nil && !v.Stop.Start.IsZero()
}

func parseStop(text []byte) (enforce.StopRecord, error) {
	stop := enforce.StopRecord{Class: detect.Car}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&stop); err != nil {
		return stop, fmt.Errorf("read stop: %w; want {\"start\": TIME, \"end\": TIME} with times such as 2026-10-01T20:00:00+08:00", err)
	}
	if stop.Start.IsZero() || stop.End.Before(stop.Start) {
		return stop, errors.New("read stop: start and end must be set, and end not be before start")
	}
	return stop, nil
}

func (c *policyExplainCmd) zoneOf(zones []enforce.Zone) (enforce.Zone, error) {
	var known []string
	for _, z := range zones {
		if z.ID == c.Zone || c.Zone == "" && len(zones) == 1 {
			return z, nil
		}
		known = append(known, z.ID)
	}
	if len(known) == 0 {
		return enforce.Zone{}, fmt.Errorf("no zone of the section is known: the stop's box cannot be judged; leave it out of %s", c.Stop)
	}
	return enforce.Zone{}, fmt.Errorf("no zone %q; name one with --zone: %s", c.Zone, strings.Join(known, ", "))
}

// moment is the time that is asked for.
func (c *policyExplainCmd) moment(s explained) (time.Time, error) {
	if c.At == "" {
		if s.stop == nil {
			return time.Time{}, errors.New("give --at TIME, or a stop with --stop FILE")
		}
		return s.stop.Start, nil
	}
	newest, _ := s.policies.Newest(s.section)
	for _, form := range []string{time.RFC3339, "2006-01-02 15:04:05", "2006-01-02 15:04", time.DateOnly} {
		if at, err := time.ParseInLocation(form, c.At, newest.Section.Location); err == nil {
			return at, nil
		}
	}
	return time.Time{}, fmt.Errorf("--at %q: want a time such as \"2026-10-01 20:00\" or 2026-10-01T20:00:00+08:00", c.At)
}

// policyPublishCmd writes what was announced, for the public.
type policyPublishCmd struct {
	configFlag
	Output string `short:"o" required:"" placeholder:"DIR" help:"Folder to write index.html and sections.geojson into."`
	At     string `placeholder:"DAY" help:"First of the days that are told, such as 2026-10-01 (today)."`
}

// Run writes the two files.
func (c *policyPublishCmd) Run() error {
	cfg, err := config.LoadRules(c.Config)
	if err != nil {
		return err
	}
	at := time.Now()
	if c.At != "" {
		if at, err = time.Parse(time.DateOnly, c.At); err != nil {
			return fmt.Errorf("--at %q: want a day such as 2026-10-01", c.At)
		}
	}
	sections := sectionsOf(cfg, c.At, at)
	if len(sections) == 0 {
		return fmt.Errorf("%s: has no section to publish", c.Config)
	}
	if c.At != "" {
		at = enforce.DateOf(at).Midnight(sections[0].Policy.Section.Location)
	}
	if err := os.MkdirAll(c.Output, 0o755); err != nil {
		return fmt.Errorf("make the folder: %w", err)
	}
	var page, geojson bytes.Buffer
	if err := errors.Join(publish.Page(&page, sections, at), publish.GeoJSON(&geojson, sections)); err != nil {
		return err
	}
	for _, file := range []struct {
		name string
		text []byte
	}{{"index.html", page.Bytes()}, {"sections.geojson", geojson.Bytes()}} {
		path := filepath.Join(c.Output, file.name)
		if err := os.WriteFile(path, file.text, 0o644); err != nil {
			return fmt.Errorf("publish: %w", err)
		}
		fmt.Println(path)
	}
	return nil
}

// sectionsOf are the sections in order of their IDs. A day that was asked for
// begins by each section's own clock.
func sectionsOf(cfg *config.Config, asked string, at time.Time) []publish.Section {
	var sections []publish.Section
	for _, id := range slices.Sorted(maps.Keys(cfg.Policies)) {
		moment := at
		if asked != "" {
			newest, _ := cfg.Policies.Newest(id)
			moment = enforce.DateOf(at).Midnight(newest.Section.Location)
		}
		var geometry *publish.Geometry
		if g, known := cfg.Geometries[id]; known {
			geometry = &g
		}
		sections = append(sections, publish.NewSection(cfg.Policies[id], geometry, moment))
	}
	return sections
}
