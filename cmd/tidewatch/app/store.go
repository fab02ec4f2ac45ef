package app

import (
	"context"
	"fmt"
	"path/filepath"

	"golang.org/x/sync/errgroup"

	"tidewatch/storage/clickhouse"
	"tidewatch/storage/kafka"
)

// sinkGroup and the database's ID name the consumer group that carries the log
// into that database.
const sinkGroup = "tidewatch-sink-"

// store is the case log and what is kept of it.
type store struct {
	log   *kafka.Log
	db    clickhouse.Conn
	sink  *clickhouse.Sink
	cases *clickhouse.Cases
	group string // of the sink
	// engine is the embedded one; nil with a server of the operator's.
	engine *clickhouse.Engine
}

// openStore opens log and database: the embedded ones where the configuration
// names no others.
func (a *App) openStore(ctx context.Context) error {
	a.store = &store{}
	if err := a.openLog(ctx); err != nil {
		return err
	}
	if err := a.openDatabase(ctx); err != nil {
		return err
	}
	if err := clickhouse.Migrate(ctx, a.store.db); err != nil {
		return fmt.Errorf("bring the database up to date: %w", err)
	}
	id, err := clickhouse.DatabaseID(ctx, a.store.db)
	if err != nil {
		return err
	}
	a.store.group = sinkGroup + id
	a.store.sink = clickhouse.NewSink(a.store.db, a.registry)
	a.store.cases = clickhouse.NewCases(a.store.db)
	a.watchStore()
	return nil
}

func (a *App) openDatabase(ctx context.Context) error {
	cfg := clickhouse.Config{
		Addresses: []string{a.cfg.ClickHouse.Address}, Database: a.cfg.ClickHouse.Database,
		User: a.cfg.ClickHouse.Username, Password: a.cfg.ClickHouse.Password,
		TLS: a.cfg.ClickHouse.TLS, CAFile: a.cfg.ClickHouse.CAFile,
	}
	if a.cfg.ClickHouse.Address == "" {
		engine, err := a.openEngine(ctx)
		if err != nil {
			return err
		}
		cfg = engine.Config()
	}
	db, err := clickhouse.Open(cfg)
	if err != nil {
		return err
	}
	a.later(db.Close)
	a.store.db = db
	return nil
}

func (a *App) openEngine(ctx context.Context) (*clickhouse.Engine, error) {
	cfg := clickhouse.DefaultEngineConfig()
	cfg.Dir = filepath.Join(a.cfg.Data, "clickhouse")
	cfg.AllowUnconfined = a.cfg.ClickHouse.AllowUnconfined
	var err error
	if cfg.Library, err = a.cfg.Assets.Library("libchdb.so"); err != nil {
		return nil, err
	}
	engine, err := clickhouse.StartEngine(ctx, cfg, a.log, a.registry)
	if err != nil {
		return nil, err
	}
	a.later(engine.Close)
	a.store.engine = engine
	return engine, nil
}

// run carries the log into the database until ctx is done.
func (s *store) run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return s.log.Run(ctx) })
	group.Go(func() error { return s.log.Consume(ctx, s.group, s.sink.Store) })
	return group.Wait()
}

// watchStore says what can be wrong with the store.
func (a *App) watchStore() {
	a.system.watch("database", grave, a.store.database)
	if a.store.engine != nil {
		a.system.watch("database_confinement", minor, func(context.Context) error { return a.store.engine.Unconfined() })
	}
	a.system.watch("case_log", grave, func(context.Context) error { return a.store.log.Health() })
	a.system.watch("case_log_keeping", minor, func(context.Context) error { return a.store.log.Concern() })
}

// database says why the database cannot be asked just now.
func (s *store) database(ctx context.Context) error {
	if s.engine != nil {
		if err := s.engine.Health(); err != nil {
			return err
		}
	}
	return s.db.Ping(ctx)
}
