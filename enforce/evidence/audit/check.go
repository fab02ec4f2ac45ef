package audit

import (
	"context"
	"io"
	"slices"
	"time"

	"tidewatch/enforce"
	"tidewatch/enforce/proof"
)

// ofTheLog stands for the case of findings about the log as a whole.
const ofTheLog = ""

// checkLog holds the log of evidence against its checkpoint.
func (a *Auditor) checkLog(ctx context.Context) {
	found := a.twice(ctx, func() []proof.Finding {
		report := proof.NewReport(a.Keys)
		proof.ReadLogSlowly(ctx, a.Log, a.Keys, report, a.spend)
		return report.Findings
	})
	if ctx.Err() == nil {
		a.enter(ofTheLog, found)
		a.change(func(s *state) { s.Log = true })
	}
}

// checkCase holds all that belongs to a case against what was recorded.
func (a *Auditor) checkCase(ctx context.Context, id string) {
	found := a.twice(ctx, func() []proof.Finding {
		c, known := a.Cases.Case(id)
		if !known || c.State == "" || c.Violation.Evidence.Manifest == "" {
			return nil
		}
		return a.check(ctx, c)
	})
	if ctx.Err() == nil {
		a.metrics.cases.Inc()
		a.enter(id, found)
	}
}

func (a *Auditor) check(ctx context.Context, c enforce.Case) []proof.Finding {
	report := proof.NewReport(a.Keys)
	checker := proof.Checker{Keys: a.Keys, Report: report}
	checker.One(ctx, slowFiles{a.Files, a}, a.Log, c)
	a.spend(ctx, leastOfCase)
	report.Sort()
	return report.Findings
}

// leastOfCase is what a case counts beyond its files: its leaf, and opening
// everything.
const leastOfCase = 64 << 10

// twice is what is wrong, if it is so at a second look too.
func (a *Auditor) twice(ctx context.Context, look func() []proof.Finding) []proof.Finding {
	for again := range 2 {
		found := slices.DeleteFunc(look(), func(f proof.Finding) bool { return !f.Wrong })
		if len(found) == 0 || again == 1 {
			return found
		}
		sleep(ctx, a.cfg.Settle)
	}
	return nil
}

// spend counts bytes that were read, and waits as long as they may take.
func (a *Auditor) spend(ctx context.Context, bytes int) {
	a.metrics.bytes.Add(float64(bytes))
	a.pace.spend(ctx, bytes)
}

// slowFiles are files that are read no faster than the pace allows.
type slowFiles struct {
	proof.Files
	auditor *Auditor
}

// Open implements proof.Files.
func (f slowFiles) Open(ctx context.Context, sum string) (io.ReadSeekCloser, error) {
	file, err := f.Files.Open(ctx, sum)
	if err != nil {
		return nil, err
	}
	return slowFile{file, ctx, f.auditor}, nil
}

type slowFile struct {
	io.ReadSeekCloser
	ctx     context.Context
	auditor *Auditor
}

func (f slowFile) Read(p []byte) (int, error) {
	n, err := f.ReadSeekCloser.Read(p)
	f.auditor.spend(f.ctx, n)
	return n, err
}

// pace keeps reading to so many bytes a second.
type pace struct {
	rate int
	due  time.Time // when the next byte may be read
}

func (p *pace) spend(ctx context.Context, bytes int) {
	now := time.Now()
	if p.due.Before(now) {
		p.due = now
	}
	p.due = p.due.Add(time.Duration(float64(bytes) / float64(p.rate) * float64(time.Second)))
	// Many small pauses would cost more than a few larger ones.
	if wait := p.due.Sub(now); wait > 20*time.Millisecond {
		sleep(ctx, wait)
	}
}
