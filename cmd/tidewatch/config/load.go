package config

import (
	"fmt"
	"os"

	"tidewatch/enforce/written"
)

// secrets says what is done about the passwords that a file names.
type secrets int

const (
	needed  secrets = iota // they are read, and must be there
	noted                  // that one is not there is noted
	ignored                // for a command that connects to nothing
)

// Load reads a configuration file with its secrets. The error joins one line
// for each mistake.
func Load(path string) (*Config, error) { return load(path, needed, false) }

// LoadRules reads a configuration for a command that connects to nothing:
// passwords are not looked up.
func LoadRules(path string) (*Config, error) { return load(path, ignored, false) }

// LoadDrawn is for a command that shows where areas lie: what is wrong with that
// alone is told by Astray. Secrets are needed only if a camera is connected to.
func LoadDrawn(path string, live bool) (*Config, error) {
	if live {
		return load(path, needed, true)
	}
	return load(path, ignored, true)
}

// Check reads a configuration to tell what is wrong with it. Secrets must be
// there only if they are asked for: who checks a configuration need not know
// them.
func Check(path string, withSecrets bool) (*Config, error) {
	if withSecrets {
		return load(path, needed, false)
	}
	return load(path, noted, false)
}

func load(path string, secrets secrets, astray bool) (*Config, error) {
	text, err := written.Read(path)
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	return parse(path, text, resolver{lookup: os.LookupEnv, secrets: secrets}, astray)
}

// Parse reads a configuration; name is used in errors, lookup finds
// environment variables. Without lookup no password is read.
func Parse(name string, text []byte, lookup func(string) (string, bool)) (*Config, error) {
	r := resolver{lookup: lookup}
	if lookup == nil {
		r.secrets = ignored
	}
	return parse(name, text, r, false)
}

func parse(name string, text []byte, r resolver, astray bool) (*Config, error) {
	f := defaults()
	r.name = name
	if err := r.read(text, &f); err != nil {
		return nil, err
	}
	c := r.config(&f)
	mistakes := [][]said{r.mistakes, r.misdrawn}
	if astray {
		mistakes = mistakes[:1]
	}
	if err := failure(mistakes...); err != nil {
		return nil, err
	}
	c.report = r.report
	return c, nil
}
