// Package rescue turns a panic into an error, so that what fails in one part of
// the program, in one camera say, ends that part alone. What the part has in
// memory may be half changed: whoever gets the error throws it away and begins
// anew with what is on disk.
//
// A panic can be caught only on the goroutine that it happens on. Each one that
// is started for a part, and each function that a library calls on a goroutine
// of its own, is wrapped by itself. What a library does there on its own account
// is out of reach: a panic in it ends the process.
package rescue

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"

	"golang.org/x/sync/errgroup"
)

// Panic is a panic that was caught.
type Panic struct {
	Value any
	Stack []byte // of the goroutine that it happened on
}

func (p *Panic) Error() string { return fmt.Sprintf("panic: %v", p.Value) }

// Do returns do's error, or its panic as a *Panic.
func Do(do func() error) (err error) {
	defer func() {
		if value := recover(); value != nil {
			err = &Panic{Value: value, Stack: debug.Stack()}
		}
	}()
	return do()
}

// From returns the panic that an error tells of, nil if it tells of none.
func From(err error) *Panic {
	if p := (*Panic)(nil); errors.As(err, &p) {
		return p
	}
	return nil
}

// Group is an errgroup.Group whose goroutines' panics are errors like others.
type Group struct{ group *errgroup.Group }

// WithContext returns a group and a context that is done once one of its
// goroutines fails, or all have ended.
func WithContext(ctx context.Context) (Group, context.Context) {
	group, ctx := errgroup.WithContext(ctx)
	return Group{group}, ctx
}

// Go starts a goroutine.
func (g Group) Go(do func() error) { g.group.Go(func() error { return Do(do) }) }

// Wait waits for all goroutines, and returns the first error of one.
func (g Group) Wait() error { return g.group.Wait() }
