package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path"
	"slices"
	"text/tabwriter"
)

// benchCmd takes the whole corpus, or a part of it.
type benchCmd struct {
	Streams string `type:"path" default:"../shared/streams" help:"Folder of foreign streams (*.264, *.jsv, *.265); left out where it is missing."`
	Only    string `default:"*" help:"Names of the streams to take, with * and ?."`
	Keep    string `type:"path" placeholder:"DIR" help:"Keep the streams and the clips in a folder."`
}

// errUnequal says that what was kept is not what was sent.
var errUnequal = errors.New("not all streams came out as they were sent")

// Run prints what it finds, and fails where anything is not as it was sent.
func (c *benchCmd) Run(ctx context.Context, log *slog.Logger) (err error) {
	folder := c.Keep
	if folder == "" {
		if folder, err = os.MkdirTemp("", "tidewatch-streams-"); err != nil {
			return err
		}
		defer os.RemoveAll(folder)
	}
	sources, err := c.sources(log)
	if err != nil {
		return err
	}
	results, err := compare(ctx, sources, folder, log)
	return errors.Join(err, show(os.Stdout, results))
}

// sources are the streams that were asked for.
func (c *benchCmd) sources(log *slog.Logger) ([]source, error) {
	foreign, err := found(c.Streams)
	if err != nil {
		return nil, err
	}
	if len(foreign) == 0 {
		log.Warn("no foreign streams: only those that are made here are tried", "folder", c.Streams)
	}
	sources := slices.DeleteFunc(append(foreign, made()...), func(s source) bool {
		matched, fault := path.Match(c.Only, s.name)
		err = errors.Join(err, fault)
		return !matched
	})
	if err == nil && len(sources) == 0 {
		err = fmt.Errorf("no stream is named %q", c.Only)
	}
	return sources, err
}

// summary is the last line.
type summary struct {
	Streams int `json:"streams"`
	Live    int `json:"live"`           // the camera was live
	Stored  int `json:"stored_decodes"` // each key unit decodes from its stored bytes to the picture that was sent
	Exact   int `json:"clips_exact"`    // each clip shows every picture of its time, as it was sent
}

// show prints the table and the summary.
func show(w io.Writer, results []result) error {
	var sum summary
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "STREAM\tENCODER\tPICTURES\tKEY UNITS\tCLIPS\tLIVE\tSTORED\tEXACT\t")
	for _, r := range results {
		if r.left != "" {
			fmt.Fprintf(table, "%s\t%s\t\t\t\tleft out: %s\n", r.name, r.encoder, r.left)
			continue
		}
		fmt.Fprintf(table, "%s\t%s\t%d\t%d\t%d\t%s\t%s\t%s\t%s %s\n", r.name, r.encoder, r.pictures, r.keys, r.clips,
			mark(r.live), mark(r.stored), mark(r.exact), r.remark, r.note())
		sum.Streams++
		sum.Live += count(r.live)
		sum.Stored += count(r.stored)
		sum.Exact += count(r.exact)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if err := json.NewEncoder(w).Encode(sum); err != nil {
		return err
	}
	if sum.Live != sum.Streams || sum.Stored != sum.Streams || sum.Exact != sum.Streams {
		return errUnequal
	}
	return nil
}

func mark(ok bool) string {
	if ok {
		return "yes"
	}
	return "NO"
}

func count(ok bool) int {
	if ok {
		return 1
	}
	return 0
}
