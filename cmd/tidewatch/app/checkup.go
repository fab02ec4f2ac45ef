package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"tidewatch/cmd/tidewatch/config"
	"tidewatch/detect/watch"
	"tidewatch/enforce"
	"tidewatch/enforce/proof"
	"tidewatch/enforce/web"
	"tidewatch/storage/clickhouse"
)

// Checkup is what a look at a system that does not run finds: all that it keeps,
// by fingerprint, and all that is not well.
type Checkup struct {
	Accounts []string          `json:"accounts"`
	Keys     []string          `json:"keys"`
	Cases    map[string]string `json:"cases"`  // of the case log, with their history
	Stored   map[string]string `json:"stored"` // the same, of the database
	Kept     map[string]string `json:"kept"`   // open stops and what cameras see, by camera and file
	Leaves   uint64            `json:"leaves"` // of the log of evidence

	System   []state         `json:"system"` // conditions that are not well
	Findings []proof.Finding `json:"findings"`
}

// Look says what a checkup looks at besides the rest.
type Look struct {
	Database bool // bring the database up to date, and compare it with the case log
	Evidence bool // check all evidence
}

// CheckUp opens all that a start opens, short of cameras, pages and police, has
// the database catch up, and looks at everything. What a start mends, it mends.
func CheckUp(ctx context.Context, cfg *config.Config, version string, log *slog.Logger, look Look) (c *Checkup, err error) {
	a := &App{cfg: cfg, version: version, log: log, registry: prometheus.NewRegistry(), store: &store{}}
	a.system, a.webMetrics, a.panics = newConditions(log, a.registry), web.NewMetrics(a.registry), newPanics(a.registry)
	defer func() { err = errors.Join(err, a.Close()) }()
	steps := []work{a.openData, a.openFiles, a.openSeal, a.keepPolicies, a.openExemptions}
	if look.Database {
		steps = append(steps, a.openStore)
	} else {
		steps = append(steps, a.openLog)
	}
	for _, open := range steps {
		if err := open(ctx); err != nil {
			return nil, err
		}
	}
	return a.checkUp(ctx, look)
}

func (a *App) checkUp(ctx context.Context, look Look) (c *Checkup, err error) {
	c = &Checkup{Cases: map[string]string{}, Stored: map[string]string{}, Kept: map[string]string{}}
	running, stop := context.WithCancel(ctx)
	group, running := errgroup.WithContext(running)
	group.Go(func() error { return a.store.log.Run(running) })
	defer func() {
		stop()
		err = errors.Join(err, group.Wait())
	}()
	if a.store.log.Lost() == nil { // else it is shut, which is said
		err = a.lookAtCases(running, c, look)
	}
	officers, failed := a.openOfficers(func(string, string) error { return errNoAccount })
	if failed != nil {
		a.log.Warn("the officers' accounts cannot be read", "error", failed)
	} else {
		c.Accounts = officers.Names()
	}
	for _, k := range a.seal.keys.Public {
		c.Keys = append(c.Keys, k.String())
	}
	a.lookAtStops(c)
	a.noticeSignIns()
	c.System = a.system.look(ctx)
	return c, err
}

// errNoAccount says that a checkup makes no account.
var errNoAccount = errors.New("there is none: the next start makes one")

// lookAtCases reads the case log, and what the database and the evidence say of
// it.
func (a *App) lookAtCases(ctx context.Context, c *Checkup, look Look) error {
	cases, err := a.hearAll(ctx, c)
	if err != nil {
		return err
	}
	if look.Database {
		err = a.compareDatabase(ctx, c)
	}
	if look.Evidence {
		err = errors.Join(err, a.checkEvidence(ctx, c, cases))
	}
	return err
}

// hearAll reads the case log to its end.
func (a *App) hearAll(ctx context.Context, c *Checkup) ([]enforce.Case, error) {
	histories, ledger := map[string][]enforce.Recorded{}, map[string]enforce.Case{}
	reading, enough := context.WithCancel(ctx)
	defer enough()
	complete := false
	err := a.store.log.Follow(reading, func() { complete = true; enough() }, func(read enforce.Checked) error {
		e := read.Claim()
		after, outcome := ledger[e.Case].Apply(read)
		ledger[e.Case] = after
		histories[e.Case] = append(histories[e.Case], enforce.Recorded{Event: e, Outcome: outcome, Raw: read.Raw()})
		return nil
	})
	if !complete {
		return nil, err
	}
	var cases []enforce.Case
	for id, of := range ledger {
		if of.ID != "" {
			cases = append(cases, of)
		}
		c.Cases[id] = fingerprint(of, histories[id])
	}
	return cases, nil
}

// fingerprint tells a case with its history from every other.
func fingerprint(of enforce.Case, history []enforce.Recorded) string {
	text, err := json.Marshal(struct {
		Case    enforce.Case
		History []enforce.Recorded
	}{of, history})
	if err != nil {
		return err.Error()
	}
	sum := sha256.Sum256(text)
	return string(of.State) + " " + hex.EncodeToString(sum[:8])
}

// catchingUp is how long the database may take to catch up without an event
// being stored.
const catchingUp = 2 * time.Minute

// compareDatabase has the database catch up with the case log and reads it.
func (a *App) compareDatabase(ctx context.Context, c *Checkup) error {
	if err := a.wholeDatabase(ctx); errors.Is(err, clickhouse.ErrNotWhole) && a.mayRebuild() {
		if err := a.rebuildDatabase(ctx, err); err != nil {
			return err
		}
	} else if err != nil {
		return err
	}
	carrying, stop := context.WithCancel(ctx)
	defer stop()
	group, carrying := errgroup.WithContext(carrying)
	behind := func() bool {
		c.Stored, _ = a.storedCases(ctx, c.Cases)
		for id, want := range c.Cases {
			if c.Stored[id] != want {
				return true
			}
		}
		return false
	}
	if !behind() {
		return nil
	}
	group.Go(func() error { return a.store.sink(carrying) })
	for deadline := time.Now().Add(catchingUp); behind() && time.Now().Before(deadline) && carrying.Err() == nil; time.Sleep(100 * time.Millisecond) {
		continue
	}
	stop()
	if err := group.Wait(); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// storedCases are the fingerprints of cases as the database has them.
func (a *App) storedCases(ctx context.Context, of map[string]string) (map[string]string, error) {
	stored := map[string]string{}
	for id := range of {
		c, err := a.store.cases.Case(ctx, id)
		if errors.Is(err, enforce.ErrNoCase) {
			err = nil // events that opened none are told by the history
		}
		history, again := a.store.cases.History(ctx, id)
		if err := errors.Join(err, again); err != nil {
			return stored, err
		}
		stored[id] = fingerprint(c, history)
	}
	return stored, nil
}

func (a *App) checkEvidence(ctx context.Context, c *Checkup, cases []enforce.Case) error {
	checker := &proof.Checker{Keys: a.seal.keys.Public, Report: proof.NewReport(a.seal.keys.Public)}
	err := Verify(ctx, a.cfg, a.log, checker, Contents{Cases: cases, Strangers: a.store.log.Met()}, true, nil)
	checker.Report.Sort()
	c.Findings, c.Leaves = checker.Report.Findings, checker.Report.Leaves
	return err
}

// lookAtStops reads what is kept of open stops, of every camera that ever was.
func (a *App) lookAtStops(c *Checkup) {
	dir := filepath.Join(a.cfg.Data, "stops")
	cameras, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		a.log.Warn("open stops cannot be read", "error", err)
	}
	names, err := watch.Folders(dir)
	if err != nil {
		a.log.Warn("open stops cannot be read", "error", err)
	}
	for _, camera := range cameras {
		if camera.IsDir() {
			names = append(names, camera.Name())
		}
	}
	slices.Sort(names)
	for _, camera := range slices.Compact(names) {
		kept, err := watch.Kept(filepath.Join(dir, camera))
		if err != nil {
			a.log.Warn("some of what was kept for a restart is lost", "camera", camera, "error", err)
		}
		for name, sum := range kept {
			c.Kept[camera+"/"+name] = sum
		}
	}
}

// Amiss lists, for people, all that a checkup found wrong.
func (c *Checkup) Amiss() (lines []string) {
	for _, s := range c.System {
		lines = append(lines, s.Name+": "+s.Why)
	}
	for _, f := range c.Findings {
		if f.Wrong {
			lines = append(lines, f.String())
		}
	}
	for id, want := range c.Cases {
		if got, looked := c.Stored[id]; looked && got != want {
			lines = append(lines, fmt.Sprintf("case %s: the database does not have it as the case log has", id))
		}
	}
	return lines
}
