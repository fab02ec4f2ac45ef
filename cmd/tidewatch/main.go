// Command tidewatch watches kerbs: it pulls cameras, finds vehicles that stand
// where and when they may not, and takes each case to an officer and on to the
// police platform.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"tidewatch/storage/clickhouse"
)

// version is set when linking.
var version = "development"

// commands is the command line. Results go to stdout, progress and logs to
// stderr.
type commands struct {
	Run         runCmd         `cmd:"" help:"Watch the cameras of a configuration until interrupted."`
	Demo        demoCmd        `cmd:"" help:"Watch a street that came with a package, with everything Tidewatch does, on this machine."`
	CheckConfig checkConfigCmd `cmd:"" help:"Check a configuration and say what is wrong with it."`
	Migrate     migrateCmd     `cmd:"" help:"Bring the database to this version's tables, then stop."`
	Case        caseCmd        `cmd:"" help:"Write cases down, and hold their evidence."`
	Cameras     camerasCmd     `cmd:"" help:"Find cameras."`
	Zones       zonesCmd       `cmd:"" help:"Show what is drawn in a camera's picture."`
	Policy      policyCmd      `cmd:"" help:"Explain and publish the rules."`
	Replay      replayCmd      `cmd:"" help:"Find the stops in a video file and print one JSON object for each."`
	Plates      platesCmd      `cmd:"" help:"Read the number plates in pictures and print one JSON object for each picture."`
	Verify      verifyCmd      `cmd:"" help:"Check evidence: of exported packages, of cases, or of all; says what is wrong with which file."`
	Log         logCmd         `cmd:"" help:"Export from the log of evidence, and repair the case log."`
	Version     versionCmd     `cmd:"" help:"Print the version."`
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == clickhouse.EngineCommand {
		os.Exit(clickhouse.EngineMain(os.Args[2:]))
	}
	os.Exit(run(os.Args[1:]))
}

func run(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second interrupt ends it at once
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: &logLevel}))
	parser, err := kong.New(&commands{}, kong.Name("tidewatch"), kong.ShortUsageOnError(),
		kong.Description("Finds vehicles that stand where and when they may not, and keeps what proves it."),
		kong.BindTo(ctx, (*context.Context)(nil)), kong.Bind(log))
	if err != nil {
		panic(err) // the command line is declared wrongly
	}
	command, err := parser.Parse(args)
	parser.FatalIfErrorf(err)
	if err := command.Run(); err != nil && !errors.Is(err, context.Canceled) {
		for line := range strings.Lines(err.Error()) {
			fmt.Fprintln(os.Stderr, "tidewatch:", strings.TrimSpace(line))
		}
		return 1
	}
	return 0
}

// logLevel is the level of the log, raised or lowered by the configuration.
var logLevel slog.LevelVar
