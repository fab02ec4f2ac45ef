package main

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
)

func (c *benchCmd) prepare(ctx context.Context, log *slog.Logger) ([]string, error) {
	return []string{"gop25=/tmp/w/v/main25.mp4", "gop50=/tmp/w/v/main50.mp4", "sub=/tmp/w/v/sub.mp4"}, nil
}

func named(video string) (name, file string, err error) {
	name, file, ok := strings.Cut(video, "=")
	if !ok {
		return "", "", fmt.Errorf("video %q: want NAME=FILE", video)
	}
	return name, file, nil
}
