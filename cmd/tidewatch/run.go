package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"

	"tidewatch/cmd/tidewatch/app"
	"tidewatch/cmd/tidewatch/config"
)

// configFlag is shared by the commands that work on a configuration.
type configFlag struct {
	Config string `short:"c" default:"tidewatch.yaml" env:"TIDEWATCH_CONFIG" placeholder:"FILE" help:"Configuration file (${default})."`
}

func (f configFlag) load() (*config.Config, error) {
	cfg, err := config.Load(f.Config)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w; give one with --config, deploy/tidewatch.example.yaml shows what can be in it", err)
	}
	if err == nil {
		logLevel.Set(cfg.LogLevel)
	}
	return cfg, err
}

// runCmd watches until interrupted.
type runCmd struct {
	configFlag
}

// Run works until ctx is done; then it stops stage by stage.
func (c *runCmd) Run(ctx context.Context, log *slog.Logger) error {
	cfg, err := c.load()
	if err != nil {
		return err
	}
	return runUntilDone(ctx, cfg, log, nil)
}

// runUntilDone opens the whole of Tidewatch and runs it; ready, if any, is called
// once everything is open.
func runUntilDone(ctx context.Context, cfg *config.Config, log *slog.Logger, ready func(*app.App)) error {
	a, err := app.Open(ctx, cfg, version, log)
	if err != nil {
		return err
	}
	fmt.Printf("review page: http://%s/\n", a.Address())
	if password := a.FirstPassword(); password != "" {
		fmt.Printf("sign in as:  officer\npassword:    %s   (shown this once)\n", password)
	}
	if ready != nil {
		ready(a)
	}
	return errors.Join(a.Run(ctx), a.Close())
}

// migrateCmd brings the database up to date.
type migrateCmd struct {
	configFlag
}

// Run applies what is missing.
func (c *migrateCmd) Run(ctx context.Context, log *slog.Logger) error {
	cfg, err := c.load()
	if err != nil {
		return err
	}
	if err := app.Migrate(ctx, cfg, log); err != nil {
		return err
	}
	fmt.Println("the database is up to date")
	return nil
}

// versionCmd prints the version.
type versionCmd struct{}

// Run prints the version.
func (versionCmd) Run() error {
	fmt.Println("tidewatch", version)
	return nil
}
