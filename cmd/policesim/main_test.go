package main

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const device = "51010000005020000001"

func TestServesItsPageUntilTheEnd(t *testing.T) {
	o := options{Listen: "127.0.0.1:0", User: "u", DeviceID: device, Data: filepath.Join(t.TempDir(), "p.jsonl")}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	out, in := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- o.run(ctx, "secret-word", slog.New(slog.DiscardHandler), in) }()
	line := make([]byte, 100)
	n, err := out.Read(line)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.Get(strings.TrimSpace(string(line[:n])))
	if err != nil {
		t.Fatal(err)
	}
	page, err := io.ReadAll(res.Body)
	if err != nil || !bytes.Contains(page, []byte(device)) {
		t.Errorf("error %v, page %s", err, page)
	}
	_ = res.Body.Close()
	http.DefaultClient.CloseIdleConnections()
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestErrorsAreClear(t *testing.T) {
	good := options{Listen: "127.0.0.1:0", User: "u", DeviceID: device}
	tests := map[string]struct {
		change   func(*options)
		password string
		want     string
	}{
		"no password": {func(*options) {}, "", "set the account's password in POLICESIM_PASSWORD"},
		"device":      {func(o *options) { o.DeviceID = "1" }, "p", `device id "1": must be 20 digits`},
		"address":     {func(o *options) { o.Listen = "127.0.0.1:99999" }, "p", "invalid port"},
		"data":        {func(o *options) { o.Data = "/dev/null/x" }, "p", `open journal "/dev/null/x"`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			o := good
			test.change(&o)
			err := o.run(t.Context(), test.password, slog.New(slog.DiscardHandler), io.Discard)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %q", err, test.want)
			}
		})
	}
}
