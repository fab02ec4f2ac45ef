package ingest

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestLatestKeepsTheNewest(t *testing.T) {
	l := NewLatest()
	first, second := &Unit{Session: 1}, &Unit{Session: 2}
	if l.Put(first) {
		t.Error("the first put superseded something")
	}
	if !l.Put(second) {
		t.Error("the second put superseded nothing")
	}
	if got, err := l.Take(t.Context()); got != second || err != nil {
		t.Errorf("took %v, %v; want the second unit", got, err)
	}
	if l.Put(first) {
		t.Error("a put after a take superseded something")
	}
}

func TestLatestTakeWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := NewLatest()
		unit := &Unit{}
		go func() {
			time.Sleep(time.Hour)
			l.Put(unit)
		}()
		if got, err := l.Take(t.Context()); got != unit || err != nil {
			t.Errorf("took %v, %v; want the unit", got, err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := l.Take(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want the context's error", err)
		}
		l.Put(unit)
		if _, err := l.Take(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v from a context that is done, want its error", err)
		}
	})
}
