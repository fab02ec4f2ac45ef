package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"tidewatch/enforce"
	"tidewatch/storage/clickhouse"
)

// checkDatabaseEvery is how often the database is read as a whole, besides at
// each start.
const checkDatabaseEvery = 24 * time.Hour

// rows is what is known of whether the database has all that the case log has.
type rows struct {
	amiss atomic.Pointer[error]
}

// Health says what the database lacks.
func (r *rows) Health() error {
	if why := r.amiss.Load(); why != nil {
		return *why
	}
	return nil
}

func (r *rows) set(why error) {
	if why == nil {
		r.amiss.Store(nil)
		return
	}
	r.amiss.Store(&why)
}

// prepareDatabase brings the tables up to date and learns the database's ID.
// The embedded one is emptied where that fails: it is a view of the case log.
func (a *App) prepareDatabase(ctx context.Context) error {
	err := a.migrateDatabase(ctx)
	if err == nil || !a.mayRebuild() || ctx.Err() != nil || errors.Is(err, clickhouse.ErrUnknown) || errors.Is(err, clickhouse.ErrChanged) {
		return err
	}
	a.log.Warn("the embedded database cannot be used as it is and is built anew from the case log", "error", err)
	if empty := clickhouse.Empty(ctx, a.store.db); empty != nil {
		return errors.Join(err, empty)
	}
	return a.migrateDatabase(ctx)
}

func (a *App) migrateDatabase(ctx context.Context) error {
	if err := clickhouse.Migrate(ctx, a.store.db); err != nil {
		return fmt.Errorf("bring the database up to date: %w", err)
	}
	id, err := clickhouse.DatabaseID(ctx, a.store.db)
	if err == nil {
		a.store.group = sinkGroup + id
	}
	return err
}

// carry takes the log into the database until ctx is done, and looks now and
// then whether all of it is there. Where it is not, the embedded database is
// built anew.
func (a *App) carry(ctx context.Context, store func(context.Context, []enforce.Checked) error) error {
	for {
		var damage error
		consuming, stop := context.WithCancel(ctx)
		group, consuming := errgroup.WithContext(consuming)
		group.Go(func() error { return a.store.log.Consume(consuming, a.store.group, store) })
		group.Go(func() error {
			damage = a.watchRows(consuming)
			stop()
			return nil
		})
		err := group.Wait()
		if ctx.Err() != nil || damage == nil {
			return err
		}
		if err := a.rebuildDatabase(ctx, damage); err != nil {
			return err
		}
	}
}

// mayRebuild says whether the database is ours to empty, and the case log fit to
// build it from. While the log is not, the database is a witness of what it held.
func (a *App) mayRebuild() bool {
	return a.store.engine != nil && a.store.log.Lost() == nil && a.store.log.Health() == nil
}

// rebuildDatabase empties the embedded database, whose place in the case log is
// then its beginning.
func (a *App) rebuildDatabase(ctx context.Context, damage error) error {
	a.log.Warn("the embedded database is not whole and is built anew from the case log", "error", damage)
	if err := errors.Join(clickhouse.Empty(ctx, a.store.db), a.migrateDatabase(ctx)); err != nil {
		return fmt.Errorf("build the database anew: %w; stop Tidewatch, remove %s, and start it", err, filepath.Join(a.cfg.Data, "clickhouse"))
	}
	return nil
}

// watchRows checks the database at once and then daily. It returns what an
// embedded database lacks; what one of the operator's lacks is said until it is
// mended.
func (a *App) watchRows(ctx context.Context) error {
	for {
		err := a.wholeDatabase(ctx)
		a.store.rows.set(nil)
		switch {
		case ctx.Err() != nil:
			return nil //nolint:nilerr // nobody waits for it any more
		case errors.Is(err, clickhouse.ErrNotWhole) && a.mayRebuild():
			return err
		case errors.Is(err, clickhouse.ErrNotWhole) && a.store.engine != nil: // the case log says what is amiss
			a.store.rows.set(err)
		case errors.Is(err, clickhouse.ErrNotWhole):
			a.store.rows.set(fmt.Errorf("%w: empty it (TRUNCATE TABLE tidewatch_database does), and start Tidewatch again: it is then built from the case log", err))
		case err != nil:
			a.log.Info("the database could not be checked", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(checkDatabaseEvery):
		}
	}
}

// wholeDatabase says what the database lacks, by itself and of the case log.
func (a *App) wholeDatabase(ctx context.Context) error {
	if lost := a.store.log.Lost(); lost != nil {
		return lost // there is nothing to hold it against
	}
	if err := clickhouse.Whole(ctx, a.store.db); err != nil {
		return err
	}
	stored, err := clickhouse.Stored(ctx, a.store.db)
	if err != nil {
		return err
	}
	logged, err := a.logged(ctx, stored)
	if err != nil {
		return err
	}
	for partition, has := range stored {
		if want := logged[partition]; has.Digest != want {
			return fmt.Errorf("%w: of partition %d of the case log, up to offset %d, it has %d events where the log has %d, or others",
				clickhouse.ErrNotWhole, partition, has.Last, has.Events, want.Events)
		}
	}
	return nil
}

// logged is what the case log has as far as the database does.
func (a *App) logged(ctx context.Context, stored map[int]clickhouse.Extent) (map[int]clickhouse.Digest, error) {
	found := map[int]clickhouse.Digest{}
	ctx, enough := context.WithCancel(ctx)
	defer enough()
	complete := false
	err := a.store.log.Follow(ctx, func() { complete = true; enough() }, func(e enforce.Checked) error {
		if has, known := stored[e.Partition]; known && e.Offset <= has.Last {
			d := found[e.Partition]
			d.Add(e.Claim().ID)
			found[e.Partition] = d
		}
		return nil
	})
	if complete {
		return found, nil
	}
	return nil, err
}

// setAside moves the embedded database's files out of the way, so that it is
// built anew, and keeps those of the last time alone.
func setAside(dir string) (restore func() error, err error) {
	data, aside := filepath.Join(dir, "data"), filepath.Join(dir, "data.damaged")
	if err := os.RemoveAll(aside); err != nil {
		return nil, err
	}
	if err := os.Rename(data, aside); err != nil {
		return nil, err
	}
	return func() error { return errors.Join(os.RemoveAll(data), os.Rename(aside, data)) }, nil
}
