package main

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"strings"
)

// run runs a program; its error holds what it complained of.
func run(ctx context.Context, name string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %s", name, err, strings.TrimSpace(complaint.String()))
	}
	return out, nil
}

// pictures is what FFmpeg decodes of a file, read as it is told to, in the order of
// showing: a hash of each picture's samples.
func pictures(ctx context.Context, path string, reading ...string) ([]string, error) {
	args := append([]string{"-nostdin", "-v", "error", "-threads", "1"}, reading...)
	out, err := run(ctx, "ffmpeg", append(args, "-i", "file:"+path, "-map", "0:v:0", "-fps_mode", "passthrough", "-f", "framemd5", "-")...)
	if err != nil {
		return nil, err
	}
	var hashes []string
	for line := range strings.Lines(string(out)) {
		if !strings.HasPrefix(line, "#") {
			hashes = append(hashes, strings.TrimSpace(line[strings.LastIndexByte(line, ',')+1:]))
		}
	}
	return hashes, nil
}
