package review

import (
	"context"
	"fmt"
	"time"

	"tidewatch/enforce"
)

// window is how many of the newest waiting cases are looked through for the
// neighbours of one.
const window = 200

// neighbours are the addresses of the waiting cases next to c in the queue,
// empty where there is none. Below the last comes the first again, so that an
// officer who goes on and on decides them all.
func (s *Server) neighbours(ctx context.Context, c enforce.Case) (newer, older string, err error) {
	newest, err := s.Cases.List(ctx, enforce.StateSuspected, window, time.Time{})
	if err != nil {
		return "", "", fmt.Errorf("list waiting cases: %w", err)
	}
	below := newest
	for len(below) > 0 && !below[0].OpenedAt.Before(c.OpenedAt) {
		if below[0].ID != c.ID {
			newer = casePath(below[0].ID)
		}
		below = below[1:]
	}
	if len(below) == 0 && len(newest) == window {
		if below, err = s.Cases.List(ctx, enforce.StateSuspected, 1, c.OpenedAt); err != nil {
			return "", "", fmt.Errorf("list waiting cases: %w", err)
		}
	}
	for _, next := range append(below[:len(below):len(below)], newest...) {
		if next.ID != c.ID {
			return newer, casePath(next.ID), nil
		}
	}
	return newer, "", nil
}
