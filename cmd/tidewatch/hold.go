package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"golang.org/x/term"

	"tidewatch/cmd/tidewatch/app"
	"tidewatch/cmd/tidewatch/config"
	"tidewatch/enforce"
	"tidewatch/secret"
)

// holdFlags say whose decision it is.
type holdFlags struct {
	configFlag
	Case     string `arg:"" help:"ID of the case."`
	Officer  string `required:"" placeholder:"NAME" help:"The officer who decides it, and whose password is asked for."`
	Password string `name:"password-file" placeholder:"FILE" help:"File with the officer's password, which nobody else may read. Without it you are asked, or it is read from the standard input."`
	Reason   string `required:"" placeholder:"TEXT" help:"Why; it is recorded with the case."`
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
	password, err := c.password()
	if err != nil {
		return err
	}
	h := app.Hold{Kind: kind, Case: c.Case, Officer: c.Officer, Password: password, Reason: c.Reason}
	outcome, err := h.Record(ctx, cfg, log)
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

// password is what the officer types, or what a file or the standard input gives
// in a line.
func (c *holdFlags) password() (string, error) {
	if c.Password != "" {
		return passwordFile(c.Password)
	}
	stdin := int(os.Stdin.Fd())
	if !term.IsTerminal(stdin) {
		return firstLine(os.Stdin)
	}
	fmt.Fprintf(os.Stderr, "password of %s: ", c.Officer)
	typed, err := term.ReadPassword(stdin)
	fmt.Fprintln(os.Stderr)
	if err != nil {
		return "", fmt.Errorf("read password: %w", err)
	}
	return string(typed), nil
}

func passwordFile(path string) (string, error) {
	text, err := secret.Read(path)
	if err != nil {
		return "", fmt.Errorf("read password: %w", err)
	}
	return firstLine(bytes.NewReader(text))
}

// firstLine reads a password, which is never repeated in an error.
func firstLine(from io.Reader) (string, error) {
	line, err := bufio.NewReader(io.LimitReader(from, 4096)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("read password: %w", err)
	}
	if line = strings.TrimRight(line, "\r\n"); line == "" {
		return "", errors.New("read password: there is none; give it in --password-file, on the standard input, or at a terminal")
	}
	return line, nil
}
