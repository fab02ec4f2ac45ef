package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"

	"tidewatch/cmd/tidewatch/app"
	"tidewatch/cmd/tidewatch/config"
)

// repairCmd makes a damaged case log whole again.
type repairCmd struct {
	configFlag
	Write bool `help:"Do it. Without it, only what is wrong and what would be done is said."`
}

// Run says what is wrong and what is done about it. It fails if anything is lost
// for good.
func (c *repairCmd) Run(ctx context.Context, log *slog.Logger) error {
	cfg, err := config.LoadRules(c.Config)
	if err == nil && cfg.ClickHouse.Address != "" {
		cfg, err = config.Load(c.Config) // its password
	}
	if err != nil {
		return err
	}
	if err := app.RepairLog(ctx, cfg, log, c.Write, os.Stdout); err != nil {
		return fmt.Errorf("repair the case log: %w", err)
	}
	return nil
}
