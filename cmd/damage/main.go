// Command damage finds out what a damaged disk does to Tidewatch: it lets a
// whole system make a data folder, then damages one file of a copy of it, has
// the program look at the copy, and compares with what was there, again and
// again. Whatever differs must have been said. Its last line is a JSON object.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"

	"github.com/alecthomas/kong"

	"tidewatch/cmd/trialrig"
)

type command struct {
	Damages  int    `default:"1000" env:"DAMAGES" help:"How many to do (${default})."`
	Seed     uint64 `env:"SEED" help:"Seed of the damages; 0: another one each time."`
	Programs string `default:"bin" type:"path" help:"Folder of the built programs (${default})."`
	Dir      string `type:"path" help:"Where to work; the system's memory file system, where there is one."`
	Only     string `help:"Damage only files whose kinds contain this."`
	Cameras  int    `default:"8" help:"Cameras that make cases; two each (${default})."`
	Verbose  bool   `short:"v" help:"Show every damage, and what was said of it."`
}

// tally is the last line.
type tally struct {
	Damages  int    `json:"damages"`
	Said     int    `json:"said"`
	Repaired int    `json:"repaired"`
	Harmless int    `json:"harmless"`
	Silent   int    `json:"silent"`
	Crashed  int    `json:"crashed"` // of those that were silent
	Seed     uint64 `json:"seed"`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var c command
	kong.Parse(&c, kong.Description("Finds out what a damaged disk does to Tidewatch.")).FatalIfErrorf(c.run(ctx))
}

// errSilent makes the program fail.
var errSilent = errors.New("something was lost without a word: see the lines above")

func (c *command) run(ctx context.Context) error {
	if c.Seed == 0 {
		c.Seed = rand.Uint64() >> 11 // a number that JSON readers keep whole
	}
	dir, err := os.MkdirTemp(c.where(), "tidewatch-damage-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	fmt.Println("a system works for a while")
	t, err := trialrig.New(ctx, trialrig.Options{Programs: c.Programs, Dir: dir, Cameras: c.Cameras})
	if err != nil {
		return err
	}
	defer t.Close()
	if err := live(ctx, t, filepath.Join(dir, "older")); err != nil {
		return err
	}
	d, err := newDisk(t.Data, filepath.Join(dir, "older"), c.Only)
	if err != nil {
		return err
	}
	fmt.Println(d)
	sum, err := c.damage(ctx, &bench{town: t, disk: d, dir: dir})
	sum.Seed = c.Seed
	if err := errors.Join(err, json.NewEncoder(os.Stdout).Encode(sum)); err != nil {
		return err
	}
	if sum.Silent > 0 {
		return errSilent
	}
	return nil
}

// where is a file system on which syncing costs nothing.
func (c *command) where() string {
	if c.Dir != "" {
		return c.Dir
	}
	if info, err := os.Stat("/dev/shm"); err == nil && info.IsDir() {
		return "/dev/shm"
	}
	return ""
}

// damage does all damages, some beside each other.
func (c *command) damage(ctx context.Context, b *bench) (sum tally, err error) {
	if err := b.learn(ctx); err != nil {
		return sum, err
	}
	numbers := make(chan int)
	var workers sync.WaitGroup
	var mu sync.Mutex
	for range 2 * runtime.NumCPU() { // they wait for much
		workers.Go(func() {
			for n := range numbers {
				random := rand.New(rand.NewPCG(c.Seed, uint64(n)))
				one := b.one(ctx, n, random)
				mu.Lock()
				if ctx.Err() == nil {
					sum.add(one)
					one.print(c.Verbose)
				}
				mu.Unlock()
			}
		})
	}
	for n := 0; n < c.Damages && ctx.Err() == nil; n++ {
		numbers <- n
	}
	close(numbers)
	workers.Wait()
	return sum, ctx.Err()
}

func (t *tally) add(v verdict) {
	t.Damages++
	switch v.outcome {
	case harmless:
		t.Harmless++
	case said:
		t.Said++
	case repaired:
		t.Repaired++
	case crashed:
		t.Crashed++
		t.Silent++
	case silent:
		t.Silent++
	}
}
