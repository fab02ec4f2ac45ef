// Command attack tries to get into a whole, running Tidewatch: as another user
// of the machine, over its network ports, with credentials as if they had
// leaked, and as an analyst or an officer who wants more than is theirs. Each
// attempt is a line, which says how it was refused or what it got; the last line
// is a JSON object. It needs root, to be several users, and stays on loopback.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"tidewatch/storage/clickhouse"
)

type command struct {
	Attack   attackCmd   `cmd:"" default:"withargs" help:"Start a system and try to get in."`
	Intruder intruderCmd `cmd:"" hidden:"" help:"Try what is asked for on standard input."`
}

type attackCmd struct {
	Programs string   `default:"bin" type:"path" help:"Folder of the built programs (${default})."`
	As       []uint32 `default:"0,4711" help:"Users that the system runs as, one after the other (${default})."`
	Only     string   `help:"Try only attempts whose names contain this."`
	Verbose  bool     `help:"Show what the system says when something got in."`
}

// tally is the last line.
type tally struct {
	Tried int `json:"tried"`
	GotIn int `json:"got_in"`
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == clickhouse.EngineCommand {
		os.Exit(clickhouse.EngineMain(os.Args[2:]))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	var c command
	kong.Parse(&c, kong.Name("attack"), kong.Description("Tries to get into a running Tidewatch."),
		kong.BindTo(ctx, (*context.Context)(nil)), kong.Bind(log)).FatalIfErrorf(run(ctx, &c, log))
}

func run(ctx context.Context, c *command, log *slog.Logger) error {
	if len(os.Args) > 1 && os.Args[1] == "intruder" {
		return c.Intruder.Run(ctx)
	}
	return c.Attack.Run(ctx, log)
}

// errGotIn makes the program fail.
var errGotIn = errors.New("somebody got in: see the lines above")

// Run attacks a system for each user that it is to run as.
func (c *attackCmd) Run(ctx context.Context, log *slog.Logger) error {
	if os.Geteuid() != 0 {
		return errors.New("run this as root: it becomes other users of the machine")
	}
	var all tally
	for _, owner := range c.As {
		fmt.Printf("a system that runs as user %d:\n", owner)
		sum, err := c.attack(ctx, owner, log)
		all.Tried, all.GotIn = all.Tried+sum.Tried, all.GotIn+sum.GotIn
		if err != nil {
			return err
		}
	}
	if err := json.NewEncoder(os.Stdout).Encode(all); err != nil {
		return err
	}
	if all.GotIn > 0 {
		return errGotIn
	}
	return nil
}
