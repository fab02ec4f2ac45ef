package main

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/prometheus/client_golang/prometheus"

	"tidewatch/cmd/tidewatch/assets"
	"tidewatch/storage/clickhouse"
)

// ask lists all functions that the engine has, by an engine of our own: none
// can be forgotten, and a newer engine's are tried as well.
func (s *site) ask(ctx context.Context, dir string, log *slog.Logger) error {
	source, err := assets.Default()
	if err != nil {
		return err
	}
	cfg := clickhouse.DefaultEngineConfig()
	cfg.Dir = filepath.Join(dir, "asked")
	if cfg.Library, err = source.Library("libchdb.so"); err != nil {
		return err
	}
	engine, err := clickhouse.StartEngine(ctx, cfg, log, prometheus.NewRegistry())
	if err != nil {
		return err
	}
	defer engine.Close()
	conn, err := clickhouse.Open(engine.Config())
	if err != nil {
		return err
	}
	defer conn.Close()
	if s.world.Functions, err = names(ctx, conn, "SELECT name FROM system.functions WHERE NOT is_aggregate AND origin = 'System'"); err != nil {
		return err
	}
	s.world.TableFunctions, err = names(ctx, conn, "SELECT name FROM system.table_functions")
	return err
}

func names(ctx context.Context, conn driver.Conn, query string) ([]string, error) {
	text, err := fetch(ctx, conn, query)
	if err != nil {
		return nil, fmt.Errorf("list functions: %w", err)
	}
	return strings.Fields(text), nil
}

// sweeps try every function that the engine has on a path, a URL and a command.
func sweeps(*world) []attempt {
	var all []attempt
	for _, a := range personas {
		all = append(all,
			attempt{name: "database: every function as " + a.name, by: a.by, instead: a.instead, try: func(ctx context.Context, w *world) result {
				return a.sweep(ctx, w, w.Functions, scalarCalls)
			}},
			attempt{name: "database: every table function as " + a.name, by: a.by, instead: a.instead, try: func(ctx context.Context, w *world) result {
				return a.sweep(ctx, w, w.TableFunctions, tableCalls)
			}},
		)
	}
	return all
}

// scalarCalls are ways to call a function.
func scalarCalls(name, path, _, _, _ string) []string {
	p := quote(path)
	return []string{
		"SELECT toString(" + name + "(" + p + "))",
		"SELECT toString(" + name + "(" + p + ", 'x'))",
		"SELECT toString(" + name + "('x', " + p + "))",
		"SELECT toString(" + name + "(" + p + ", 1, 'x'))",
	}
}

// tableCalls are ways to read from, and to write to, a table function.
func tableCalls(name, path, url, host, loot string) []string {
	f := "SELECT * FROM " + name
	return []string{
		f + "(" + quote(path) + ")", f + "(" + quote(path) + ", 'LineAsString')",
		f + "(" + quote(path) + ", 'LineAsString', 'a String')", f + "(" + quote(path) + ", 'x')",
		f + "(" + quote(url) + ")", f + "(" + quote(url) + ", 'LineAsString', 'a String')",
		f + "(" + quote(host) + ", 'system', 'one')", f + "(" + quote(host) + ", 'system', 'one', 'default', '')",
		f + "(" + quote(url) + ", 'key', 'secret', 'LineAsString', 'a String')",
		f + "('cat " + path + "', 'LineAsString', 'a String')", f + "('sh -c id', 'TSV', 'a String')",
		f + "(file(" + quote(path) + "))", f + "()",
		"INSERT INTO FUNCTION " + name + "(" + quote(loot) + ", 'LineAsString', 'a String') SELECT 'x'",
		"INSERT INTO FUNCTION " + name + "(" + quote(url) + ", 'LineAsString', 'a String') SELECT 'x'",
	}
}

// sweep tries functions, one after the other.
func (a account) sweep(ctx context.Context, w *world, functions []string, calls func(name, path, url, host, loot string) []string) result {
	server, err := listen(ctx)
	if err != nil {
		return refused("no server of one's own: %v", err)
	}
	defer server.close()
	written := filepath.Join(w.Loot, "swept")
	var got []string
	r := a.as(ctx, w, func(conn driver.Conn) result {
		for _, name := range functions {
			for _, call := range calls(name, w.Secrets[0].Path, server.url(), server.host(), written) {
				found := loot(ctx, conn, w, call)
				if found.Got != "" || server.reached() || exists(written) != "" {
					got = append(got, name)
					_ = removeAll(written)
					break
				}
				if ctx.Err() != nil {
					return refused("not all in time: %v at %s", ctx.Err(), name)
				}
			}
		}
		return refused("all of them")
	})
	if strings.HasPrefix(r.Why, "all") {
		r.Tries = len(functions)
	}
	if len(got) > 0 {
		r.Got = short(strings.Join(got, ", "))
	}
	return r
}
