package app

import (
	"context"
	"errors"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"

	"tidewatch/cmd/tidewatch/config"
	"tidewatch/storage/clickhouse"
)

// Migrate brings the database to this version's tables.
func Migrate(ctx context.Context, cfg *config.Config, log *slog.Logger) (err error) {
	a := &App{cfg: cfg, log: log, registry: prometheus.NewRegistry(), store: &store{}}
	defer func() { err = errors.Join(err, a.Close()) }()
	for _, open := range []work{a.openData, a.openDatabase} {
		if err := open(ctx); err != nil {
			return err
		}
	}
	return clickhouse.Migrate(ctx, a.store.db)
}
