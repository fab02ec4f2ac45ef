package main

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"

	"tidewatch/cmd/tidewatch/app"
	"tidewatch/cmd/tidewatch/config"
)

// caseCmd groups the commands about single cases.
type caseCmd struct {
	Export  caseExportCmd `cmd:"" help:"Write a case down for people outside: its evidence, its record, and a case file to be printed."`
	Hold    holdCmd       `cmd:"" help:"Keep the evidence of a case from being deleted (legal hold)."`
	Release releaseCmd    `cmd:"" help:"End the hold of a case."`
}

// caseExportCmd writes a case into a folder.
type caseExportCmd struct {
	ID string `arg:"" name:"case" help:"The case's ID, as its page shows it."`
	configFlag
	To       string `required:"" placeholder:"DIR" help:"Folder to write, which must be empty or not yet there."`
	Zip      bool   `help:"Also write DIR.zip."`
	Language string `default:"zh" enum:"zh,en" help:"Language of the case file: zh or en (${default})."`
}

// Run prints where the dossier is.
func (c *caseExportCmd) Run(ctx context.Context, log *slog.Logger) error {
	cfg, err := config.LoadRules(c.Config)
	if err != nil {
		return err
	}
	x := app.Export{Case: c.ID, To: c.To, Zip: c.Zip, Language: c.Language}
	if err := app.ExportCase(ctx, cfg, version, log, x); err != nil {
		return err
	}
	fmt.Println(filepath.Clean(c.To))
	return nil
}
