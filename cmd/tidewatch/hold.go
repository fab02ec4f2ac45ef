package main

import (
	"context"
	"fmt"
	"log/slog"

	"tidewatch/cmd/tidewatch/app"
	"tidewatch/cmd/tidewatch/config"
	"tidewatch/enforce"
)

// holdFlags say whose decision it is.
type holdFlags struct {
	configFlag
	Case    string `arg:"" help:"ID of the case."`
	Officer string `required:"" placeholder:"NAME" help:"The officer who decides it."`
	Reason  string `required:"" placeholder:"TEXT" help:"Why; it is recorded with the case."`
}

type holdCmd struct{ holdFlags }

// Run records the hold.
func (c *holdCmd) Run(ctx context.Context, log *slog.Logger) error {
	return c.record(ctx, log, enforce.Held)
}

type releaseCmd struct{ holdFlags }

// Run records the end of the hold.
func (c *releaseCmd) Run(ctx context.Context, log *slog.Logger) error {
	return c.record(ctx, log, enforce.Released)
}

func (c *holdFlags) record(ctx context.Context, log *slog.Logger, kind enforce.EventType) error {
	cfg, err := config.LoadRules(c.Config)
	if err != nil {
		return err
	}
	outcome, err := app.Hold(ctx, cfg, log, kind, c.Case, c.Officer, c.Reason)
	if err != nil {
		return err
	}
	if outcome == enforce.Repeated {
		fmt.Printf("case %s was %s already\n", c.Case, kind)
		return nil
	}
	fmt.Printf("case %s is %s\n", c.Case, kind)
	return nil
}
