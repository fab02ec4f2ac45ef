package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"tidewatch/cmd/trialrig"
)

// site is the system under attack, seen from its own side.
type site struct {
	town     *trialrig.Town
	system   *trialrig.System
	officer  *trialrig.Officer
	password string
	intruder *intruder
	world    *world
	watch    *watch
	verbose  bool
	sent     int             // cases that the police have
	came     map[string]bool // accounts of the database by which a stranger came in
	resident int64           // bytes that the system used before anything was tried
}

// cameras give two cases each.
const cameras = 5

// attack sets a system up, tries everything, and takes it down.
func (c *attackCmd) attack(ctx context.Context, owner uint32, log *slog.Logger) (sum tally, err error) {
	dir, err := os.MkdirTemp("", "tidewatch-attack-")
	if err != nil {
		return sum, err
	}
	defer os.RemoveAll(dir)
	s, err := open(ctx, trialrig.Options{Programs: c.Programs, Dir: dir, Owner: owner, Cameras: cameras}, log)
	if err != nil {
		return sum, err
	}
	defer s.close()
	s.verbose = c.Verbose
	for i := 0; i < len(attempts(s.world)); i++ {
		a := attempts(s.world)[i] // what the world has become
		if ctx.Err() != nil || !strings.Contains(a.name, c.Only) || a.instead != "" && s.came[a.instead] {
			continue
		}
		begin := time.Now()
		r, err := s.one(ctx, a)
		if err != nil {
			return sum, fmt.Errorf("%s: %w", a.name, err)
		}
		if r.Pointless && r.Got == "" {
			continue
		}
		r.print(a.name, time.Since(begin))
		s.noteSignIn(a, r)
		sum.Tried += max(1, r.Tries)
		if r.Got != "" {
			sum.GotIn++
		}
		if err := s.mend(ctx); err != nil {
			return sum, fmt.Errorf("after %s: %w", a.name, err)
		}
	}
	return sum, ctx.Err()
}

// noteSignIn remembers by which accounts of the database a stranger came in.
func (s *site) noteSignIn(a attempt, r result) {
	for _, persona := range personas {
		if a.by == stranger && strings.HasPrefix(a.name, "database: "+persona.name) && !strings.HasPrefix(r.Why, "sign-in: ") {
			s.came[persona.name] = true
		}
	}
}

// mend starts the system anew where an attempt has broken it, so that what
// follows is tried on a whole one.
func (s *site) mend(ctx context.Context) error {
	if s.watch.isPaused() {
		return nil
	}
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(lookEvery) {
		if s.system.Ended() {
			break
		}
		if s.system.Ready() == nil {
			return nil
		}
	}
	fmt.Fprintln(os.Stderr, "attack: the system is broken and is started anew")
	if s.verbose {
		fmt.Fprintln(os.Stderr, s.system.Output())
	}
	s.watch.pause()
	s.system.Stop(terminate)
	return s.begin(ctx)
}

// begin starts the system and looks at what is there to take.
func (s *site) begin(ctx context.Context) (err error) {
	if s.system, err = s.town.Run(ctx); err != nil {
		return err
	}
	s.world.Pages, s.world.Ops = s.system.Pages, s.system.Ops
	s.officer = &trialrig.Officer{Pages: s.world.Pages}
	if s.password == "" {
		if s.password, err = s.system.FirstPassword(ctx); err != nil {
			return err
		}
	}
	if in, err := s.officer.SignIn(ctx, "officer", s.password); !in {
		return fmt.Errorf("the officer cannot sign in: %w", err)
	}
	s.world.PIDs = family(s.system.Process.Process.Pid)
	s.world.Doors = listening(s.world.PIDs)
	s.world.leaked()
	s.watch = watchOver(ctx, s.system)
	s.resident = resident(s.world.PIDs)
	return nil
}

// one tries one thing and looks at what became of the system.
func (s *site) one(ctx context.Context, a attempt) (r result, err error) {
	s.watch.begin()
	var beside sync.WaitGroup
	var seen result
	if a.during != nil {
		beside.Go(func() { seen = a.during(ctx, s) })
	}
	if a.try != nil {
		if a.by == stranger {
			r, err = s.intruder.try(a.name, s.world)
		} else {
			r = bounded(ctx, a, s.world)
		}
	}
	beside.Wait()
	r = r.and(seen)
	if err == nil && a.after != nil {
		r = r.and(a.after(ctx, s))
	}
	if r.Pointless {
		return r, err
	}
	return r.and(s.watch.end()), err
}

// open sets a system up with cases to be fought over.
func open(ctx context.Context, o trialrig.Options, log *slog.Logger) (_ *site, err error) {
	s := &site{world: &world{Topic: "tidewatch-cases"}, came: map[string]bool{}}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	if err = s.ask(ctx, o.Dir, log); err != nil {
		return nil, err
	}
	if s.town, err = trialrig.New(ctx, o); err != nil {
		return nil, err
	}
	s.world.Police, s.world.Data, s.world.Config = s.town.PoliceURL, s.town.Data, s.town.Config
	if err = s.begin(ctx); err != nil {
		return nil, err
	}
	if err = s.prepare(ctx); err != nil {
		return nil, err
	}
	s.intruder, err = startIntruder(s.world.Loot)
	return s, err
}

// prepare has an officer work for a while.
func (s *site) prepare(ctx context.Context) error {
	s.world.Loot = filepath.Join(s.town.Dir, "loot")
	if err := os.Mkdir(s.world.Loot, 0o700); err != nil {
		return err
	}
	if err := os.Chmod(s.world.Loot, 0o777|os.ModeSticky); err != nil {
		return err
	}
	if err := trialrig.Until(ctx, "cases", func() bool {
		s.world.Cases, _ = s.officer.Cases(ctx, "suspected")
		return len(s.world.Cases) >= 2*cameras
	}); err != nil {
		return fmt.Errorf("%w: %d of them are there", err, len(s.world.Cases))
	}
	return s.genuine(ctx)
}

func (s *site) close() {
	if s.intruder != nil {
		s.intruder.close()
	}
	if s.town != nil {
		s.town.Close()
	}
}

// state is a case's, as an officer sees it.
func (s *site) state(ctx context.Context, id string) string {
	state, _, err := s.officer.Case(ctx, id)
	if err != nil {
		return err.Error()
	}
	return state
}

// resident is the memory of all of the system's processes, in bytes.
func resident(pids []int) (sum int64) {
	for _, pid := range pids {
		for fields := range lines(procFile(pid, "status")) {
			if len(fields) == 3 && fields[0] == "VmRSS:" {
				var kilobytes int64
				_, _ = fmt.Sscan(fields[1], &kilobytes)
				sum += kilobytes << 10
			}
		}
	}
	return sum
}

// stop ends the system and tells how long that took.
func (s *site) stop() time.Duration { return s.system.Stop(terminate) }
