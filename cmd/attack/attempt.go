package main

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// attempt is one way to get in, or to get more than one may have.
type attempt struct {
	name string
	// by is who tries it.
	by role
	// instead names an account of the database: where a stranger came in by that,
	// trying the same from within tells nothing new.
	instead string
	// try does it. It runs in a process of its own for a stranger.
	try func(context.Context, *world) result
	// during runs beside it, on the system's side, and tells what came of it.
	during func(context.Context, *site) result
	// after tells, on the system's side, what came of it.
	after func(context.Context, *site) result
}

// role is who tries something.
type role int

const (
	// stranger is another user of the machine, in a process that runs as nobody.
	stranger role = iota
	// insider runs as the system's own user with what is written down for it, so
	// that a second line of defence is tried as if the first had fallen.
	insider
)

// result is what came of an attempt: what it got, or how it was refused.
type result struct {
	Got   string `json:"got,omitempty"`
	Why   string `json:"why,omitempty"`
	Tries int    `json:"tries,omitempty"` // how many were tried, if not one
	// Pointless says that it was not tried: what it needs was refused before.
	Pointless bool `json:"pointless,omitempty"`
}

func refused(format string, args ...any) result {
	return result{Why: short(fmt.Sprintf(format, args...))}
}

func gotIn(format string, args ...any) result {
	return result{Got: short(fmt.Sprintf(format, args...))}
}

// refusedBy is the result of what must fail.
func refusedBy(err error, got string) result {
	if err == nil {
		return gotIn("%s", got)
	}
	return refused("%v", err)
}

// and joins what several looks at an attempt tell: one that got in counts.
func (r result) and(other result) result {
	switch {
	case r.Got != "" && other.Got != "":
		r.Got += "; " + other.Got
	case other.Got != "":
		other.Tries = max(r.Tries, other.Tries)
		return other
	case r.Why == "":
		r.Why = other.Why
	}
	return r
}

func short(text string) string {
	const enough = 220
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > enough {
		return strings.ToValidUTF8(text[:enough], "") + "…"
	}
	return text
}

// print writes the line of an attempt.
func (r result) print(name string, took time.Duration) {
	outcome := "refused"
	if r.Why != "" {
		outcome += " (" + r.Why + ")"
	}
	if r.Got != "" {
		outcome = "GOT IN (" + r.Got + ")"
	}
	if r.Tries > 1 {
		name += fmt.Sprintf(" [%d tries]", r.Tries)
	}
	if took > 5*time.Second {
		outcome += fmt.Sprintf(" [%.0f s]", took.Seconds())
	}
	fmt.Printf("%s: %s\n", name, outcome)
}

// attempts are all that there are, in the order in which they are tried: those
// that hold something until the end first.
func attempts(w *world) []attempt {
	var all []attempt
	for _, some := range [][]attempt{
		heldForms(), machine(w), doors(w), database(w), sweeps(w), broker(), forged(w), signIns(), pages(), commands(w),
	} {
		all = append(all, some...)
	}
	return all
}
