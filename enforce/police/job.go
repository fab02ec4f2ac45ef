package police

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"tidewatch/enforce"
	"tidewatch/rescue"
)

// job is one confirmed case on its way. Its case is changed under the
// uploader's lock; all else belongs to the attempt while one is running.
type job struct {
	c        enforce.Case
	due      time.Time
	running  bool
	attempts int  // submissions that failed
	told     Kind // the kind of failure that the log knows of

	receipt  *enforce.Receipt // the platform's answer, on its way into the log
	appends  int              // appends of it that failed
	recorded bool             // it is in the log
}

// newJob takes up a case where the log left it.
func newJob(c enforce.Case) *job {
	j := &job{c: c, due: time.Now()}
	if c.Failure != nil {
		kind, _, _ := strings.Cut(c.Failure.Error, ":")
		j.attempts, j.told = c.Failure.Attempt, Kind(kind)
	}
	return j
}

func (j *job) before(other *job) bool {
	return cmp.Or(
		j.due.Compare(other.due), j.c.DecidedAt.Compare(other.c.DecidedAt), strings.Compare(j.c.ID, other.c.ID),
	) < 0
}

// attempt submits a case unless its answer is known, and records the answer.
func (u *Uploader) attempt(ctx context.Context, j *job, c enforce.Case) {
	if j.receipt == nil {
		if err := u.backed(c); err != nil {
			u.withhold(j, c, err)
			return
		}
		receipt, err := u.submit(ctx, j, c)
		if err != nil {
			u.failed(ctx, j, c, err)
			return
		}
		j.receipt = &receipt
	}
	u.record(ctx, j, c)
}

// withhold keeps back a case whose decision does not prove who took it. Nothing
// that is known leads here.
func (u *Uploader) withhold(j *job, c enforce.Case, err error) {
	u.metrics.withheld.Inc()
	j.due = time.Now().Add(u.config.LongestDelay)
	u.deps.Logger.Error("case not uploaded: its decision is not proven", "case", c.ID, "error", err)
}

// submit makes one attempt and counts an answer for good.
func (u *Uploader) submit(ctx context.Context, j *job, c enforce.Case) (enforce.Receipt, error) {
	if j.attempts > 0 {
		u.metrics.retries.Inc()
	}
	begin := time.Now()
	receipt, err := u.deps.Platform.Submit(ctx, c)
	u.metrics.seconds.Observe(time.Since(begin).Seconds())
	if err != nil {
		return enforce.Receipt{}, err
	}
	receipt.At = time.Now().UTC().Truncate(time.Microsecond)
	u.metrics.submissions.WithLabelValues(outcome(receipt)).Inc()
	return receipt, nil
}

// failed puts off the next attempt. The log learns of a failure when its kind
// is new, not at every attempt.
func (u *Uploader) failed(ctx context.Context, j *job, c enforce.Case, err error) {
	if ctx.Err() != nil {
		return // we gave up, not the platform
	}
	kind := KindOf(err)
	u.metrics.submissions.WithLabelValues(string(kind)).Inc()
	j.attempts++
	j.due = time.Now().Add(u.config.delay(j.attempts))
	if kind == j.told {
		return
	}
	u.deps.Logger.Warn("case not uploaded, will be tried again", "case", c.ID, "attempt", j.attempts, "error", err)
	event := eventOf(c, enforce.UploadFailed, fmt.Sprintf("%d/%d", c.Revision, j.attempts), time.Now())
	event.Failure = &enforce.Failure{Attempt: j.attempts, Error: withKind(kind, err)}
	if u.append(ctx, event) {
		j.told = kind
	}
}

// broke puts off the next attempt after a panic. The platform is not to blame,
// so the log learns nothing of it, and the other cases are sent.
func (u *Uploader) broke(j *job, c enforce.Case, err error) {
	u.metrics.submissions.WithLabelValues("panic").Inc()
	j.attempts++
	j.due = time.Now().Add(u.config.delay(j.attempts))
	u.deps.Logger.Error("case not uploaded by a fault of the program, will be tried again",
		"case", c.ID, "attempt", j.attempts, "error", err, "stack", string(rescue.From(err).Stack))
}

// record appends the receipt, unless another one has settled the case.
func (u *Uploader) record(ctx context.Context, j *job, c enforce.Case) {
	if !u.current(j) {
		return
	}
	event := eventOf(c, enforce.Receipted, fmt.Sprint(c.Revision), j.receipt.At)
	event.Receipt = j.receipt
	if !u.append(ctx, event) {
		j.appends++
		j.due = time.Now().Add(u.config.delay(j.appends))
		return
	}
	u.deps.Logger.Info("case answered by the police platform", "case", c.ID, "outcome", outcome(*j.receipt), "code", j.receipt.Code)
	u.mu.Lock()
	j.recorded = true
	u.mu.Unlock()
}

func (u *Uploader) append(ctx context.Context, event enforce.Event) bool {
	err := u.deps.Log.Append(ctx, event)
	if err != nil {
		u.metrics.appendErrors.Inc()
		u.deps.Logger.Warn("case log not written, will be tried again", "case", event.Case, "event", event.Type, "error", err)
	}
	return err == nil
}

// eventOf makes an event of the uploader. Its ID is the same for the same
// answer to the same decision.
func eventOf(c enforce.Case, kind enforce.EventType, which string, at time.Time) enforce.Event {
	return enforce.Event{
		ID: fmt.Sprintf("%s/%s/%s", c.ID, kind, which), Case: c.ID, Type: kind,
		At: at.UTC().Truncate(time.Microsecond), Actor: "uploader", Revision: c.Revision,
	}
}

func outcome(r enforce.Receipt) string {
	if r.Accepted {
		return "accepted"
	}
	return "refused"
}

// withKind is an error's text, beginning with its kind.
func withKind(kind Kind, err error) string {
	if text := err.Error(); strings.HasPrefix(text, string(kind)+":") {
		return text
	}
	return (&Problem{kind, err}).Error()
}
