// Command policesim is a police platform to try uploads against: it takes
// GA/T 1400 uploads, checks them strictly and shows them on a page.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"tidewatch/enforce/police/simpolice"
)

// options is the command line. The password comes from the environment, where
// other users of the machine do not see it.
type options struct {
	Listen   string `help:"Address of the platform and of its page." default:"127.0.0.1:8460"`
	User     string `help:"Name of the account that may register." default:"tidewatch"`
	DeviceID string `help:"The 20 digits of the device that may register." default:"51010800005020000001"`
	Data     string `help:"File that keeps what was received over a restart." type:"path"`
}

const passwordVariable = "POLICESIM_PASSWORD"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var o options
	kong.Parse(&o, kong.Name("policesim"),
		kong.Description("A police platform (GA/T 1400) to try uploads against. Set the account's password in "+passwordVariable+"."))
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	if err := o.run(ctx, os.Getenv(passwordVariable), log, os.Stdout); err != nil {
		log.Error("cannot go on", "error", err)
		os.Exit(1) //nolint:gocritic // nothing is left for stop to do
	}
}

// run serves until ctx ends, and prints the page's address.
func (o options) run(ctx context.Context, password string, log *slog.Logger, out io.Writer) error {
	if password == "" {
		return fmt.Errorf("set the account's password in %s", passwordVariable)
	}
	sim, err := simpolice.New(simpolice.Config{
		DeviceID: o.DeviceID, Username: o.User, Password: password, Data: o.Data, Logger: log,
	})
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", o.Listen)
	if err != nil {
		return errors.Join(err, sim.Close())
	}
	if _, err := fmt.Fprintf(out, "http://%s/\n", listener.Addr()); err != nil {
		return errors.Join(err, listener.Close(), sim.Close())
	}
	return errors.Join(serve(ctx, listener, sim), sim.Close())
}

func serve(ctx context.Context, listener net.Listener, handler http.Handler) error {
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	return server.Shutdown(grace)
}
