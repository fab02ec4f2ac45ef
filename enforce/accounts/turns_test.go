package accounts

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
)

// Who has failed least comes first, and of these who came first.
func TestTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		line, served := newTurns(), []int{}
		if err := line.take(t.Context(), 0); err != nil {
			t.Fatal(err)
		}
		gone, leave := context.WithCancel(t.Context())
		wait := func(ctx context.Context, n, failures int) {
			go func() {
				if line.take(ctx, failures) == nil {
					served = append(served, n) // one at a time, by what is tested
					line.release()
				}
			}()
			synctest.Wait()
		}
		wait(t.Context(), 1, 9)
		wait(t.Context(), 2, 1)
		wait(gone, 3, 1)
		wait(t.Context(), 4, 0)
		wait(t.Context(), 5, 1)
		leave()
		synctest.Wait()
		line.release()
		synctest.Wait()
		if diff := cmp.Diff([]int{4, 2, 5, 1}, served); diff != "" {
			t.Error(diff)
		}
		if err := line.take(t.Context(), 0); err != nil {
			t.Errorf("the turn is lost: %v", err)
		}
	})
}

// A full room has a place for somebody who has failed less than others.
func TestFullRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		line := newTurns()
		if err := line.take(t.Context(), 0); err != nil {
			t.Fatal(err)
		}
		left := make(chan error, 2*room)
		for range room {
			go func() { left <- line.take(t.Context(), 2) }()
		}
		synctest.Wait()
		if err := line.take(t.Context(), 3); !errors.Is(err, ErrBusy) {
			t.Errorf("one who has failed most: %v, want %v", err, ErrBusy)
		}
		served := make(chan error, 1)
		go func() { served <- line.take(t.Context(), 1) }()
		if err := <-left; !errors.Is(err, ErrBusy) {
			t.Errorf("one who had to leave: %v, want %v", err, ErrBusy)
		}
		line.release()
		if err := <-served; err != nil {
			t.Errorf("one who has failed less: %v", err)
		}
		for range room - 1 {
			line.release()
			if err := <-left; err != nil {
				t.Fatal(err)
			}
		}
	})
}
