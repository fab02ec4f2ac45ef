package main

import (
	"errors"
	"fmt"
	"os"
	"time"

	"tidewatch/cmd/tidewatch/config"
	"tidewatch/enforce/exempt"
)

// checkConfigCmd checks a configuration and says what is wrong with it.
type checkConfigCmd struct {
	Config  string `arg:"" default:"tidewatch.yaml" env:"TIDEWATCH_CONFIG" help:"Configuration file (${default})."`
	Secrets bool   `help:"Check the passwords and keys that it names as well: they must be there."`
	Strict  bool   `help:"Take warnings for mistakes."`
	Dump    bool   `help:"Print the configuration in force, defaults included, without secrets."`
}

// errWarnings is why a configuration with warnings fails where they are taken
// for mistakes. They are said one by one.
var errWarnings = errors.New("there are warnings, which --strict takes for mistakes")

// Run prints "ok", or the configuration in force.
func (c *checkConfigCmd) Run() error {
	cfg, err := config.Check(c.Config, c.Secrets)
	if err != nil {
		return err
	}
	tell("note", cfg.Notes()...)
	warnings := cfg.Warnings(time.Now())
	tell("warning", warnings...)
	if cfg.Exemptions != nil {
		err = exempt.Check(*cfg.Exemptions)
	}
	if c.Strict && len(warnings) > 0 {
		err = errors.Join(err, errWarnings)
	}
	if err != nil {
		return err
	}
	if !c.Dump {
		fmt.Printf("%s: ok (cameras: %d, sections: %d, zones: %d)\n", c.Config, len(cfg.Cameras), len(cfg.Policies), len(cfg.Zones))
		return nil
	}
	text, err := cfg.Dump()
	if err != nil {
		return fmt.Errorf("dump configuration: %w", err)
	}
	_, err = os.Stdout.Write(text)
	return err
}

// tell says what is no failure, a line each.
func tell(kind string, lines ...string) {
	for _, line := range lines {
		fmt.Fprintf(os.Stderr, "tidewatch: %s: %s\n", kind, line)
	}
}

// noteExemptions says that the list of exempt vehicles is broken, where a
// command works without it.
func noteExemptions(cfg *config.Config) {
	if cfg.Exemptions == nil {
		return
	}
	if err := exempt.Check(*cfg.Exemptions); err != nil {
		tell("note", fmt.Sprintf("the list of exempt vehicles cannot be read, and is not needed here: %v", err))
	}
}
