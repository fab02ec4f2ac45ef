package exempt

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tidewatch/enforce"
)

// Config says where the list is.
type Config struct {
	File  string
	Rules Rules
	// Reload is how often the file is looked at for changes.
	Reload time.Duration
}

// List is the list of exempt vehicles that is in force.
type List struct {
	cfg     Config
	logger  *slog.Logger
	metrics metrics
	current atomic.Pointer[enforce.Exemptions]
	read    mark
	trouble string
}

// mark tells one content of a file from another.
type mark struct {
	modified time.Time
	size     int64
}

// Open reads the list; it must be without a mistake.
func Open(cfg Config, logger *slog.Logger, reg prometheus.Registerer) (*List, error) {
	l := &List{cfg: cfg, logger: logger, metrics: newMetrics(reg)}
	if _, err := l.reload(); err != nil {
		return nil, fmt.Errorf("read the list of exempt vehicles: %w", err)
	}
	return l, nil
}

// Current is the list in force.
func (l *List) Current() enforce.Exemptions { return *l.current.Load() }

// Run reads the list anew whenever its file has changed, until ctx is done.
func (l *List) Run(ctx context.Context) error {
	ticker := time.NewTicker(l.cfg.Reload)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
			l.renew()
		}
	}
}

// renew reads a list that has changed. The same trouble is logged once.
func (l *List) renew() {
	changed, err := l.reload()
	switch {
	case err == nil:
		l.trouble = ""
		l.metrics.stale.Set(0)
		if changed {
			list := l.Current()
			l.logger.Info("list of exempt vehicles read anew", "entries", list.Len(), "id", list.ID)
		}
	case err.Error() != l.trouble:
		l.trouble = err.Error()
		l.metrics.stale.Set(1)
		l.metrics.failures.Inc()
		l.logger.Warn("the list of exempt vehicles cannot be read: the one before stays in force", "error", err)
	}
}

// reload reads the file, unless it is the one that was read last.
func (l *List) reload() (changed bool, err error) {
	info, err := os.Stat(l.cfg.File)
	if err != nil {
		return false, err
	}
	found := mark{info.ModTime(), info.Size()}
	if found == l.read && l.trouble == "" {
		return false, nil
	}
	text, err := os.ReadFile(l.cfg.File)
	if err != nil {
		return false, err
	}
	list, err := Parse(l.cfg.File, text, l.cfg.Rules)
	if err != nil {
		return false, err
	}
	l.read = found
	l.current.Store(&list)
	l.metrics.entries.Set(float64(list.Len()))
	return true, nil
}
