package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// account is a way to sign in to the database.
type account struct {
	name           string // for people
	instead        string // name of the account that is the same from outside
	by             role
	user, password string // empty with dsn
	leaked         bool   // what is written down for an analyst
}

var (
	strangerDefault = account{name: "the engine's own user", by: stranger, user: "default"}
	strangerLeaked  = account{name: "a stranger with the analyst's address", by: stranger, leaked: true}
	insiderDefault  = account{name: "the engine's own user, within", by: insider, user: "default", instead: strangerDefault.name}
	analyst         = account{name: "an analyst", by: insider, leaked: true, instead: strangerLeaked.name}
)

// personas are those who try every function and statement.
var personas = []account{strangerDefault, strangerLeaked, insiderDefault, analyst}

var errNoAddress = errors.New("no address is known")

// sign signs in and answers a pool of connections.
func (a account) sign(ctx context.Context, w *world) (driver.Conn, error) {
	options, err := clickhouse.ParseDSN(w.DSN)
	if err != nil || w.DSN == "" {
		return nil, errors.Join(errNoAddress, err)
	}
	if !a.leaked {
		options.Auth.Username, options.Auth.Password, options.Auth.Database = a.user, a.password, ""
	}
	options.DialTimeout, options.ReadTimeout = 5*time.Second, 10*time.Second
	options.DialContext = dialer(w.DSN)
	options.Settings = clickhouse.Settings{"max_execution_time": 5}
	conn, err := clickhouse.Open(options)
	if err != nil {
		return nil, err
	}
	if err := conn.Ping(ctx); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return conn, nil
}

// dialer reaches the address of a DSN, or the Unix socket that it names.
func dialer(dsn string) func(context.Context, string) (net.Conn, error) {
	d := &net.Dialer{Timeout: 5 * time.Second}
	return func(ctx context.Context, address string) (net.Conn, error) {
		if u, err := url.Parse(dsn); err == nil && u.Query().Get("socket") != "" {
			return d.DialContext(ctx, "unix", u.Query().Get("socket"))
		}
		return d.DialContext(ctx, "tcp", address)
	}
}

// database is everything but the sweeps over functions.
func database(w *world) []attempt {
	var all []attempt
	for _, user := range []string{"default", "tidewatch", "analyst", "root", "admin", ""} {
		for _, password := range []string{"", "wrong", "clickhouse"} {
			a := account{by: stranger, user: user, password: password}
			all = append(all, attempt{
				name: fmt.Sprintf("database: sign in as %q with %q", user, password),
				try:  a.signIn,
			})
		}
	}
	all = append(all, attempt{name: "database: sign in with what is written down for an analyst", try: func(ctx context.Context, w *world) result {
		return strangerLeaked.signIn(ctx, w).reached()
	}})
	for _, a := range personas {
		all = append(all, a.reading(w)...)
		all = append(all, a.stating(w)...)
	}
	return append(all, databaseDenial()...)
}

// reached turns an address that a stranger reached with the right password
// into what it is: no break-in, it was given to him.
func (r result) reached() result {
	if r.Got != "" {
		return refused("with the right password the door is open, as it should be")
	}
	return r
}

func (a account) signIn(ctx context.Context, w *world) result {
	conn, err := a.sign(ctx, w)
	if err != nil {
		return refused("%v", err)
	}
	return refusedBy(conn.Close(), "signed in")
}

// signInTries is how often an account that is refused is tried.
const signInTries = 5

// refusals counts how often accounts were refused, by name.
var refusals = map[string]int{}

// as runs something as the account. Where it cannot sign in that is how it is
// refused.
func (a account) as(ctx context.Context, w *world, do func(driver.Conn) result) result {
	if refusals[a.name] >= signInTries {
		return result{Pointless: true}
	}
	conn, err := a.sign(ctx, w)
	if err != nil {
		refusals[a.name]++
		return refused("sign-in: %v", err)
	}
	defer conn.Close()
	refusals[a.name] = 0
	return do(conn)
}

// reading are attempts to read each secret with the function file.
func (a account) reading(w *world) (all []attempt) {
	for _, s := range w.Secrets {
		for way, path := range spellings(w, s.Path) {
			all = append(all, attempt{
				name: fmt.Sprintf("database: %s reads %s %s", a.name, s.Name, way), by: a.by, instead: a.instead,
				try: func(ctx context.Context, w *world) result {
					return a.as(ctx, w, func(c driver.Conn) result {
						return loot(ctx, c, w, "SELECT file("+quote(path)+")")
					})
				},
			})
		}
	}
	return all
}

// spellings are ways to write a path.
func spellings(w *world, path string) func(yield func(way, path string) bool) {
	return func(yield func(way, path string) bool) {
		within, _ := filepath.Rel(filepath.Join(w.Data, "clickhouse", "data", "user_files"), path)
		_ = yield("by its path", path) && yield("through /proc", "/proc/self/root"+path) && yield("from its own folder", within)
	}
}

func quote(s string) string { return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'" }

// loot runs a query and looks for a secret in what comes, an error's words
// included.
func loot(ctx context.Context, conn driver.Conn, w *world, query string) result {
	text, err := fetch(ctx, conn, query)
	if secret := w.holds(text); secret != "" {
		return gotIn("a piece of %s by %s", secret, query)
	}
	if err != nil {
		if secret := w.holds(err.Error()); secret != "" {
			return gotIn("a piece of %s in the error of %s", secret, query)
		}
		return refused("%v", err)
	}
	return refused("%d bytes, none of them secret", len(text))
}

// fetch is all that a query gives, as text.
func fetch(ctx context.Context, conn driver.Conn, query string) (_ string, err error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	defer func() { // the client does not know every type that functions give
		if panicked := recover(); panicked != nil {
			err = fmt.Errorf("the client: %v", panicked)
		}
	}()
	rows, err := conn.Query(ctx, query)
	if err != nil {
		return "", err
	}
	defer rows.Close()
	var text strings.Builder
	for rows.Next() && text.Len() < 1<<20 {
		values := make([]any, len(rows.Columns()))
		for i, column := range rows.ColumnTypes() {
			values[i] = newValue(column)
		}
		if err := rows.Scan(values...); err != nil {
			return text.String(), err
		}
		for _, v := range values {
			fmt.Fprintln(&text, asText(v))
		}
	}
	return text.String(), rows.Err()
}

// databaseDenial are attempts to end the database for everybody.
func databaseDenial() []attempt {
	return []attempt{
		{name: "database: 50 wrong passwords", try: func(ctx context.Context, w *world) result {
			var last error
			for i := range 50 {
				conn, err := account{user: "default", password: fmt.Sprint("wrong", i)}.sign(ctx, w)
				if err == nil {
					_ = conn.Close()
					return gotIn("signed in with a wrong password")
				}
				last = err
			}
			return refused("%v", last)
		}},
		{name: "database: 50 broken greetings", try: eachDoor(func(ctx context.Context, d door) {
			var group sync.WaitGroup
			for range 50 {
				group.Go(func() { _, _ = ask(ctx, d, []byte("\x00\x05hello\xff\xff\xff\xff\xff\xff")) })
			}
			group.Wait()
		})},
		{name: "database: 200 connections that say nothing", try: eachDoor(func(ctx context.Context, d door) {
			for range 200 {
				if conn, err := d.open(ctx); err == nil {
					defer conn.Close()
				}
			}
			time.Sleep(5 * time.Second)
		})},
		{name: "database: announce a name of two gigabytes", try: eachDoor(func(ctx context.Context, d door) {
			announce(ctx, d, []byte{0, 0xff, 0xff, 0xff, 0xff, 0x07}, 16<<20)
		}), after: stillSlim},
	}
}

// eachDoor does something at every door that is not a page.
func eachDoor(do func(context.Context, door)) func(context.Context, *world) result {
	return func(ctx context.Context, w *world) result {
		tried := 0
		for _, d := range w.Doors {
			if d.Apart || strings.HasSuffix(w.Pages, d.Address) || strings.HasSuffix(w.Ops, d.Address) {
				continue
			}
			tried++
			do(ctx, d)
		}
		return refused("%d doors", tried)
	}
}

// exists tells what of some files there is.
func exists(paths ...string) string {
	for _, path := range paths {
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	return ""
}
