// Command judgebench measures what it costs to judge stops: a generated year
// of a thousand cameras, under the rules of nine sections with the holidays of
// that year, or all of it under one policy of the reader's.
//
// The same stops are made in every run. Their making is not measured; what is,
// is the time on processors, so that other work on the machine counts little.
// Progress goes to stderr; the last line of stdout is one JSON object.
package main

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"tidewatch/enforce"
)

// arguments is the command line.
type arguments struct {
	Cameras int    `default:"1000" help:"Cameras (${default}), spread over the sections."`
	Daily   int    `default:"4" help:"Stops of each camera and day (${default})."`
	Policy  string `placeholder:"FILE" type:"existingfile" help:"Document of a policy, under which to judge all stops."`
}

// result is what is printed. Suspected and Policies tell whether two runs
// judged the same.
type result struct {
	Stops      int     `json:"stops"`
	NsPerStop  float64 `json:"ns_per_stop"` // on processors, of all cores together
	Cores      int     `json:"cores"`
	Suspected  int     `json:"suspected"`
	Policies   int     `json:"policies"`
	WallSecond float64 `json:"seconds"` // of judging
}

func main() {
	var args arguments
	kong.Parse(&args, kong.Name("judgebench"), kong.Description("Measures what it costs to judge a stop."))
	if err := args.run(); err != nil {
		fmt.Fprintln(os.Stderr, "judgebench:", err)
		os.Exit(1)
	}
}

func (a arguments) run() error {
	policies, err := a.policies()
	if err != nil {
		return err
	}
	done := result{Cores: runtime.GOMAXPROCS(0), Policies: len(policies)}
	var cpu time.Duration
	for month := range 12 {
		stops := stopsOf(month, a.Cameras, a.Daily)
		runtime.GC() // what made the stops leaves nothing to be measured
		began, usedBefore := time.Now(), used()
		done.Suspected += judge(stops, policies)
		cpu += used() - usedBefore
		done.WallSecond += time.Since(began).Seconds()
		done.Stops += len(stops)
		fmt.Fprintf(os.Stderr, "%s: %d stops\n", time.Month(month+1), len(stops))
	}
	done.NsPerStop = math.Round(float64(cpu) / float64(done.Stops))
	done.WallSecond = math.Round(done.WallSecond*10) / 10
	return json.NewEncoder(os.Stdout).Encode(done)
}

func (a arguments) policies() ([]enforce.Policy, error) {
	if a.Policy == "" {
		return nineSections(), nil
	}
	text, err := os.ReadFile(a.Policy)
	if err != nil {
		return nil, err
	}
	policy, err := enforce.ParsePolicy(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", a.Policy, err)
	}
	return []enforce.Policy{policy}, nil
}

// judge judges every stop under its section's policy, on all cores, and counts
// the suspected ones.
func judge(stops []stop, policies []enforce.Policy) int {
	var (
		suspected atomic.Int64
		next      atomic.Int64
		workers   sync.WaitGroup
	)
	const share = 1024 // stops taken at once
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for {
				from := int(next.Add(share)) - share
				if from >= len(stops) {
					return
				}
				for _, s := range stops[from:min(from+share, len(stops))] {
					if policies[s.camera%len(policies)].JudgeRecord(s.record, street).Suspected {
						suspected.Add(1)
					}
				}
			}
		})
	}
	workers.Wait()
	return int(suspected.Load())
}

// used is the time that this process has spent on processors.
func used() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err) // the arguments are right
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
