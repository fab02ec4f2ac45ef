// Package accounts decides who is let in to the officers' pages: it keeps the
// accounts, checks passwords, and writes down who signed in, tried to, and
// signed out.
//
// Guessing is slow, and the guesser alone pays for it. A device on which an
// officer has signed in before is known, and its right password always passes.
// From other devices an address that guesses is made to wait by itself, and an
// account at which many addresses guess answers unknown devices a few seconds
// later. Checks of a password, which cost memory and time, are made one at a
// time for known devices and one for all others, where those that have failed
// least come first. A name without an account is treated as one with an account
// is: neither answer, nor time, nor any limit tells them apart. What is
// remembered is bounded, whoever guesses.
package accounts

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// The ways in which a sign-in is refused.
var (
	// ErrBadSignIn says that there is no such name with this password.
	ErrBadSignIn = errors.New("name or password wrong")
	// ErrBusy says that too many others wait for their passwords to be checked.
	ErrBusy = errors.New("too many sign-ins at once, try again")
)

// TooSoonError says that an address has failed too often to be heard now.
type TooSoonError struct{ Wait time.Duration }

func (e TooSoonError) Error() string {
	return fmt.Sprintf("too many failures, wait %s before the next attempt", e.Wait)
}

// Attempt is somebody who wants to be let in.
type Attempt struct {
	Name, Password string
	Address        netip.Addr // where they are
	Device         string     // what the browser was given at an earlier sign-in, empty for none
}

// Gate lets officers in. It is safe for concurrent use.
type Gate struct {
	officers *Officers
	limits   *limits
	known    *turns // for checks asked for by known devices
	unknown  *turns // for all others
	record   *Record
	metrics  *metrics
}

// NewGate makes a gate for accounts, which writes to a record.
func NewGate(officers *Officers, record *Record, log *slog.Logger, reg prometheus.Registerer) *Gate {
	record.log = log
	return &Gate{
		officers: officers, limits: newLimits(), record: record, metrics: newMetrics(reg),
		known: newTurns(), unknown: newTurns(),
	}
}

// patience is how long a sign-in may wait for its turn.
const patience = 30 * time.Second

// SignIn checks a name and its password, and returns what makes the device a
// known one. The error is ErrBadSignIn, ErrBusy, a TooSoonError, or the
// context's.
func (g *Gate) SignIn(ctx context.Context, a Attempt) (device string, err error) {
	id, known := g.officers.deviceOf(a)
	if known && !g.limits.trusts(id) {
		id, known = rand.Text(), false
	}
	defer func() { g.note(a, known, err) }()
	try, err := g.limits.begin(a, id, known)
	if err != nil {
		return "", err
	}
	if err := g.check(ctx, a, try, known); err != nil {
		return "", err
	}
	try.succeeded()
	return g.officers.device(a.Name, id), nil
}

// check holds a password against its account once it is this attempt's turn.
func (g *Gate) check(ctx context.Context, a Attempt, try *try, known bool) error {
	waiting, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	line := g.unknown
	if known {
		line = g.known
	}
	select {
	case <-time.After(try.hold):
	case <-waiting.Done():
		return busyOr(ctx)
	}
	if err := line.take(waiting, try.failures); err != nil {
		return busyOr(ctx)
	}
	defer line.release()
	begin := time.Now()
	fits := g.officers.fits(a.Name, a.Password)
	g.metrics.check.Observe(time.Since(begin).Seconds())
	if !fits {
		return ErrBadSignIn
	}
	return nil
}

// busyOr is the error of one whose turn did not come.
func busyOr(ctx context.Context) error {
	if ctx.Err() != nil {
		return ctx.Err() // it left before
	}
	return ErrBusy
}

// SignedOut notes that an officer has left.
func (g *Gate) SignedOut(name string, address netip.Addr) {
	g.metrics.signOuts.Inc()
	g.record.write(entry{Name: name, Address: address, Known: true, Outcome: signedOut})
}

// note counts and records what became of an attempt.
func (g *Gate) note(a Attempt, known bool, err error) {
	outcome := outcomeOf(err)
	g.metrics.signIns.WithLabelValues(string(outcome), deviceWord(known)).Inc()
	g.record.write(entry{Name: a.Name, Address: a.Address, Known: known, Outcome: outcome})
}

func outcomeOf(err error) outcome {
	switch {
	case err == nil:
		return signedIn
	case errors.Is(err, ErrBadSignIn):
		return wrong
	case errors.As(err, &TooSoonError{}):
		return tooSoon
	case errors.Is(err, ErrBusy):
		return busy
	}
	return left
}
