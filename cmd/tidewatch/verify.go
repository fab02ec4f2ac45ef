package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"

	"tidewatch/cmd/tidewatch/app"
	"tidewatch/cmd/tidewatch/config"
	"tidewatch/cmd/tidewatch/verify"
	"tidewatch/enforce"
	"tidewatch/enforce/evidence/keys"
)

// verifyCmd checks evidence: exported packages, or that of a system, which may
// be running.
type verifyCmd struct {
	configFlag
	verify.Flags
	Package    []string `arg:"" optional:"" help:"Folders of exported packages. Nothing else of the system is needed for them."`
	Case       []string `placeholder:"ID" help:"Check these cases of the system that --config names, and its log of evidence."`
	All        bool     `help:"Check all cases of the system that --config names, and its log of evidence."`
	Checkpoint []string `placeholder:"FILE" help:"Checkpoint that was exported earlier: the log must hold all that it spoke of. With --all or --case."`
}

// Validate is called by the command line's parser.
func (c *verifyCmd) Validate() error {
	modes := 0
	for _, mode := range []bool{len(c.Package) > 0, len(c.Case) > 0, c.All} {
		if mode {
			modes++
		}
	}
	if modes != 1 {
		return errors.New("give folders of packages, or --case ID, or --all")
	}
	if len(c.Package) > 0 && len(c.Checkpoint) > 0 {
		return errors.New("--checkpoint needs the log: give it with --all or --case")
	}
	return nil
}

// Run prints what is wrong, and fails if anything is.
func (c *verifyCmd) Run(ctx context.Context, log *slog.Logger) error {
	if len(c.Package) > 0 {
		return c.Packages(ctx, os.Stdout, c.Package...)
	}
	cfg, err := config.LoadRules(c.Config)
	if err != nil {
		return err
	}
	public, err := keys.Public(app.KeyDir(cfg))
	if err != nil {
		return err
	}
	checker, err := c.Checker(public)
	if err != nil {
		return err
	}
	found, err := app.ReadCaseLog(ctx, cfg, log)
	if err != nil {
		return err
	}
	if !c.All {
		if found.Cases, err = c.chosen(found.Cases); err != nil {
			return err
		}
	}
	old, err := c.checkpoints()
	if err != nil {
		return err
	}
	if err := app.Verify(ctx, cfg, log, checker, found, c.All, old); err != nil {
		return err
	}
	return c.Print(os.Stdout, checker.Report)
}

// chosen are the cases that were asked for.
func (c *verifyCmd) chosen(cases []enforce.Case) (chosen []enforce.Case, err error) {
	for _, id := range c.Case {
		i := slices.IndexFunc(cases, func(c enforce.Case) bool { return c.ID == id })
		if i < 0 {
			err = errors.Join(err, fmt.Errorf("case %s: %w", id, enforce.ErrNoCase))
			continue
		}
		chosen = append(chosen, cases[i])
	}
	return chosen, err
}

func (c *verifyCmd) checkpoints() (map[string][]byte, error) {
	old := map[string][]byte{}
	for _, path := range c.Checkpoint {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("read checkpoint: %w", err)
		}
		old[path] = text
	}
	return old, nil
}

// logCmd groups the commands about the log of evidence and the case log.
type logCmd struct {
	Checkpoint checkpointCmd `cmd:"" help:"Print the newest signed checkpoint of the log, to keep it elsewhere."`
	Repair     repairCmd     `cmd:"" help:"Say what is missing of a damaged case log and, with --write, rebuild it from database and evidence."`
	Keys       keysCmd       `cmd:"" help:"Print the public keys of the system, to give to whoever shall check its packages."`

	Acknowledge acknowledgeCmd `cmd:"" help:"Note that what strangers wrote to the case log is known: ends the alarm until they write again."`
	Adopt       adoptCmd       `cmd:"" help:"Take the case log as it is, after the keys of its events were lost."`
}

// checkpointCmd exports a checkpoint.
type checkpointCmd struct{ configFlag }

// Run prints the checkpoint as it is.
func (c *checkpointCmd) Run() error {
	cfg, err := config.LoadRules(c.Config)
	if err != nil {
		return err
	}
	text, err := app.Checkpoint(cfg)
	if err != nil {
		return err
	}
	_, err = os.Stdout.Write(text)
	return err
}

// acknowledgeCmd ends the alarm about strangers in the case log.
type acknowledgeCmd struct{ configFlag }

// Run prints how many there are.
func (c *acknowledgeCmd) Run(ctx context.Context, log *slog.Logger) error {
	cfg, err := config.LoadRules(c.Config)
	if err != nil {
		return err
	}
	n, err := app.Acknowledge(ctx, cfg, log)
	if err == nil {
		fmt.Printf("%d messages in the case log were not written by this system. They are void and stay so\n", n)
	}
	return err
}

// adoptCmd makes everything in the case log count.
type adoptCmd struct {
	configFlag
	Trust bool `name:"trust-all-events" required:"" help:"Yes: every event in the case log shall count, whoever wrote it."`
}

// Run does it.
func (c *adoptCmd) Run(ctx context.Context, log *slog.Logger) error {
	cfg, err := c.load()
	if err != nil {
		return err
	}
	if err := app.Adopt(ctx, cfg, log); err != nil {
		return err
	}
	fmt.Println("what the case log holds now counts; what is written from now on must be signed")
	return nil
}

// keysCmd exports the public keys.
type keysCmd struct{ configFlag }

// Run prints a line for each key.
func (c *keysCmd) Run() error {
	cfg, err := config.LoadRules(c.Config)
	if err != nil {
		return err
	}
	public, err := keys.Public(app.KeyDir(cfg))
	if err == nil && len(public) == 0 {
		err = fmt.Errorf("no key in %s yet: the first start makes one", app.KeyDir(cfg))
	}
	for _, k := range public {
		fmt.Println(k)
	}
	return err
}
