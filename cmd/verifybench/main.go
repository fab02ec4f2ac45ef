// Command verifybench measures whether a check of evidence finds what was done
// to it: it makes packages, damages some of them at random in every way that it
// knows, checks all, and compares. Its last line is a JSON object.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/signal"
	"slices"
	"time"

	"github.com/alecthomas/kong"

	"tidewatch/enforce/proof"
	"tidewatch/enforce/proof/sim"
)

type command struct {
	Packages int    `default:"10000" help:"How many packages to make (${default})."`
	Damaged  int    `default:"1000" help:"How many of them to damage (${default})."`
	Seed     uint64 `help:"Seed of the damages; 0: another one each time."`
}

// result is the last line. Found and missed are damaged packages, false alarms
// are whole ones that the check calls wrong; seconds are those of the check.
type result struct {
	Packages    int     `json:"packages"`
	Damaged     int     `json:"damaged"`
	Found       int     `json:"found"`
	FalseAlarms int     `json:"false_alarms"`
	Seconds     float64 `json:"seconds"`
	Seed        uint64  `json:"seed"`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	var c command
	kong.Parse(&c, kong.Description("Measures whether a check of evidence finds what was done to it."), kong.BindTo(ctx, (*context.Context)(nil))).
		FatalIfErrorf(c.run(ctx))
}

func (c *command) run(ctx context.Context) error {
	if c.Packages < 2 || c.Damaged < 0 || c.Damaged > c.Packages {
		return fmt.Errorf("want at least 2 packages, and no more damaged ones than there are")
	}
	if c.Seed == 0 {
		c.Seed = rand.Uint64() >> 11 // a number that JSON readers keep whole
	}
	dir, err := os.MkdirTemp("", "tidewatch-verifybench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	fmt.Printf("making %d packages\n", c.Packages)
	store, err := sim.New(ctx, dir, c.Packages)
	if err != nil {
		return err
	}
	damaged, err := store.Some(ctx, c.Damaged, rand.New(rand.NewPCG(c.Seed, 0)))
	if err != nil {
		return err
	}
	fmt.Printf("damaged %d of them; checking all\n", len(damaged))
	begin := time.Now()
	report, err := store.Check(ctx)
	if err != nil {
		return err
	}
	return c.tell(damaged, report, time.Since(begin))
}

// tell prints what was missed and cried about for nothing, and the result.
func (c *command) tell(damaged map[string]string, report *proof.Report, took time.Duration) error {
	r := result{Packages: c.Packages, Damaged: len(damaged), Seconds: float64(took.Milliseconds()) / 1000, Seed: c.Seed}
	said := map[string]bool{}
	for _, f := range report.Findings {
		if !f.Wrong || f.Case == "" || said[f.Case] {
			continue
		}
		said[f.Case] = true
		if damaged[f.Case] == "" {
			r.FalseAlarms++
			fmt.Println("false alarm:", f)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(damaged)) {
		if said[id] {
			r.Found++
			continue
		}
		fmt.Printf("missed: case %s, %s\n", id, damaged[id])
	}
	return json.NewEncoder(os.Stdout).Encode(r)
}
