// Command tidewatch-verify checks exported packages of evidence on a machine
// that has nothing else of Tidewatch. It is one file without dependencies when
// it is built with CGO_ENABLED=0.
package main

import (
	"context"
	"os"
	"os/signal"

	"github.com/alecthomas/kong"

	"tidewatch/cmd/tidewatch/verify"
)

type command struct {
	verify.Flags
	Package []string `arg:"" help:"Folders of exported packages."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	var c command
	k := kong.Parse(&c, kong.Name("tidewatch-verify"),
		kong.Description("Checks exported packages of evidence and says what is wrong with which file. Ends with status 1 where something is."))
	k.FatalIfErrorf(c.Packages(ctx, os.Stdout, c.Package...))
}
