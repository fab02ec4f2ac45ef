package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"tidewatch/ingest"
	"tidewatch/ingest/simcam"
)

// source is a stream of the corpus before it is there.
type source struct {
	name, encoder string
	codec         ingest.Codec
	fps           float64
	sets          simcam.Sets
	// make puts the stream, as a byte stream with start codes, into a file of a
	// folder and returns its path.
	make    func(ctx context.Context, folder string) (string, error)
	foreign bool   // from a folder, of which nothing is known
	remark  string // on what it is compared with
}

// interval is the time from one access unit to the next.
func (s source) interval() time.Duration {
	return time.Duration(float64(time.Second) / s.fps)
}

// endings tells the codings of files by the ends of their names.
var endings = map[string]ingest.Codec{
	".264": ingest.H264, ".h264": ingest.H264, ".jsv": ingest.H264, ".avc": ingest.H264, ".26l": ingest.H264, ".jvt": ingest.H264,
	".265": ingest.H265, ".h265": ingest.H265, ".hevc": ingest.H265, ".bit": ingest.H265,
}

// foreignRate is the pace of streams that do not all tell one.
const foreignRate = 25

// found are the streams of a folder, none where it is missing.
func found(folder string) ([]source, error) {
	entries, err := os.ReadDir(folder)
	if os.IsNotExist(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("find foreign streams: %w", err)
	}
	var sources []source
	for _, entry := range entries {
		codec, known := endings[strings.ToLower(filepath.Ext(entry.Name()))]
		if !known {
			continue
		}
		path := filepath.Join(folder, entry.Name())
		s := source{
			name: entry.Name(), encoder: "foreign", codec: codec, fps: foreignRate, foreign: true,
			make: func(context.Context, string) (string, error) { return path, nil },
		}
		if strings.Contains(s.name, "LOST") {
			s.remark = "(pictures are missing in it: compared with what FFmpeg makes up for them)"
		}
		sources = append(sources, s)
	}
	slices.SortFunc(sources, func(a, b source) int { return strings.Compare(a.name, b.name) })
	return sources, nil
}
