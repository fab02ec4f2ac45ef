package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"tidewatch/cmd/tidewatch/app"
	"tidewatch/cmd/tidewatch/config"
)

// doctorCmd looks at a system that does not run.
type doctorCmd struct {
	configFlag
	JSON            bool `name:"json" help:"Print what is kept and what is wrong as one JSON object."`
	WithoutDatabase bool `help:"Leave the database alone."`
}

var errIll = errors.New("something is wrong: see above")

// Run prints what is wrong, and fails if anything is.
func (c *doctorCmd) Run(ctx context.Context, log *slog.Logger) error {
	cfg, err := config.LoadRules(c.Config)
	if err != nil {
		return err
	}
	found, err := app.CheckUp(ctx, cfg, version, log, app.Look{Database: !c.WithoutDatabase, Evidence: true})
	if err != nil {
		return err
	}
	amiss := found.Amiss()
	if c.JSON {
		if err := json.NewEncoder(os.Stdout).Encode(found); err != nil {
			return err
		}
	} else {
		for _, line := range amiss {
			fmt.Println(line)
		}
		fmt.Printf("%d cases, %d accounts, %d keys, %d leaves of the log of evidence, %d files of open stops\n",
			len(found.Cases), len(found.Accounts), len(found.Keys), found.Leaves, len(found.Kept))
	}
	if len(amiss) > 0 {
		return errIll
	}
	return nil
}
