package main

import (
	"context"
	"log/slog"
	"time"

	"tidewatch/cmd/benchrig"
)

// length is of the films; the cameras repeat them.
const length = 10 * time.Second

// films are what the cameras send.
var films = []benchrig.Film{
	{Name: "gop25", Encoding: benchrig.MainStream(time.Second, length)},
	{Name: "gop50", Encoding: benchrig.MainStream(2*time.Second, length)},
	{Name: "sub", Encoding: benchrig.SubStream(length)},
}

// prepare encodes the films, once, and returns NAME=FILE of each.
func (c *benchCmd) prepare(ctx context.Context, log *slog.Logger) ([]string, error) {
	footage, err := benchrig.Footage(c.Footage)
	if err != nil {
		return nil, err
	}
	return benchrig.Prepare(ctx, footage, films, log)
}
