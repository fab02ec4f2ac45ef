// Command tidewatch watches kerbs: it pulls cameras, finds vehicles that stand
// where and when they may not, and takes each case to an officer and on to the
// police platform.
package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

// commands is the command line. Results go to stdout, progress and logs to
// stderr.
type commands struct {
	Replay replayCmd `cmd:"" help:"Find the stops in a video file and print one JSON object for each."`
	Plates platesCmd `cmd:"" help:"Read the number plates in pictures and print one JSON object for each picture."`
}

func main() {
	os.Exit(run(os.Args[1:]))
}

func run(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	parser, err := kong.New(&commands{}, kong.Name("tidewatch"), kong.UsageOnError(),
		kong.Description("Finds vehicles that stand where and when they may not, and keeps what proves it."),
		kong.BindTo(ctx, (*context.Context)(nil)), kong.Bind(log))
	if err != nil {
		panic(err) // the command line is declared wrongly
	}
	command, err := parser.Parse(args)
	if err != nil {
		parser.FatalIfErrorf(err)
	}
	if err := command.Run(); err != nil && !errors.Is(err, context.Canceled) {
		log.Error(err.Error())
		return 1
	}
	return 0
}
