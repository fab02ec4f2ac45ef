package exempt

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tidewatch/enforce"
	"tidewatch/enforce/written"
)

// Config says where the list is.
type Config struct {
	File  string
	Rules Rules
	// Reload is how often the file is looked at for changes.
	Reload time.Duration
	// Kept is the folder of the lists that were in force.
	Kept string
}

// Check reads the list as it would be taken, and says what is wrong with it.
func Check(cfg Config) error {
	_, _, err := read(cfg)
	return err
}

func read(cfg Config) (list enforce.Exemptions, counted bool, err error) {
	text, err := written.Read(cfg.File)
	if err != nil {
		return list, false, err
	}
	return parse(cfg.File, text, cfg.Rules)
}

// List is the list of exempt vehicles that is in force.
type List struct {
	cfg     Config
	logger  *slog.Logger
	metrics metrics
	now     func() time.Time
	shelf   shelf

	current atomic.Pointer[inForce]
	trouble atomic.Pointer[error] // nil: the file is in force, and kept

	taken [sha256.Size]byte // of the text whose list was taken last
}

// inForce is a list and when it was taken.
type inForce struct {
	list enforce.Exemptions
	at   time.Time
}

// ErrNone says that there is no list to go by, without which exempt vehicles
// would be accused.
var ErrNone = errors.New("and no list was ever taken that could be used instead; without one exempt vehicles would be accused: " +
	"mend it, or take exemptions out of the configuration")

// Open reads the list. Where that fails it takes the one that was in force last,
// whatever the start; there must be one.
func Open(cfg Config, logger *slog.Logger, reg prometheus.Registerer) (*List, error) {
	l := &List{cfg: cfg, logger: logger, metrics: newMetrics(reg), now: time.Now, shelf: shelf{cfg.Kept}}
	before, at, found, err := l.shelf.last()
	if err != nil {
		logger.Warn("the list of exempt vehicles that was in force cannot be used", "error", err)
	}
	if found {
		l.enforce(before, at)
	}
	l.renew()
	if l.current.Load() == nil {
		return nil, errors.Join(fmt.Errorf("read the list of exempt vehicles: %w", *l.trouble.Load()), ErrNone)
	}
	return l, nil
}

// Current is the list in force.
func (l *List) Current() enforce.Exemptions { return l.current.Load().list }

// Health says why the list in force is not the file's.
func (l *List) Health() error {
	trouble := l.trouble.Load()
	if trouble == nil {
		return nil
	}
	if errors.Is(*trouble, errNotKept) {
		return *trouble
	}
	now := l.current.Load()
	return fmt.Errorf("%s; the list of %s stays in force (entries: %d)", oneLine(*trouble),
		now.at.In(l.cfg.Rules.Location).Format("2006-01-02 15:04"), now.list.Len())
}

// mostSaid is how many mistakes are told at once.
const mostSaid = 3

func oneLine(err error) string {
	lines := strings.Split(err.Error(), "\n")
	if more := len(lines) - mostSaid; more > 0 {
		lines = append(lines[:mostSaid], fmt.Sprintf("and %d more", more))
	}
	return strings.Join(lines, "; ")
}

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
	err := l.reload()
	before := l.trouble.Load()
	switch {
	case err == nil:
		l.trouble.Store(nil)
		l.metrics.stale.Set(0)
	case before == nil || err.Error() != (*before).Error():
		l.trouble.Store(&err)
		l.metrics.stale.Set(1)
		l.metrics.failures.Inc()
		if l.current.Load() != nil {
			l.logger.Warn("the list of exempt vehicles is not taken: the one before stays in force", "error", oneLine(err))
		}
	}
}

// reload takes the file's list, unless it is the one that was taken last.
func (l *List) reload() error {
	text, err := written.Read(l.cfg.File)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(text)
	if sum == l.taken {
		return nil
	}
	list, counted, err := parse(l.cfg.File, text, l.cfg.Rules)
	if err != nil {
		return err
	}
	if err := l.cutOff(list, counted); err != nil {
		return err
	}
	if err := l.take(list); err != nil {
		return err
	}
	l.taken = sum
	return nil
}

// fewLost is how many vehicles may go from a list at once, however short it is.
const fewLost = 2

// cutOff refuses a list that lacks most of the vehicles that are exempt by the
// one in force: a copy that was not finished would have them accused. Who means
// it says how many entries there are.
func (l *List) cutOff(list enforce.Exemptions, counted bool) error {
	now := l.current.Load()
	if now == nil || counted {
		return nil
	}
	lost, of := now.list.Lost(list, l.now())
	if 2*lost <= of || lost <= fewLost && list.Len() > 0 {
		return nil
	}
	return fmt.Errorf("%s: lacks %d of the %d vehicles that are exempt now: was it cut off? If not, put the line \"# entries: %d\" into it",
		l.cfg.File, lost, of, list.Len())
}

var errNotKept = errors.New("is in force, and could not be kept for the next start")

// take puts a list in force, and keeps it for the next start.
func (l *List) take(list enforce.Exemptions) error {
	at := l.now()
	if before := l.current.Load(); before == nil || before.list.ID != list.ID {
		l.logger.Info("list of exempt vehicles taken", "entries", list.Len(), "id", list.ID)
	}
	l.enforce(list, at)
	if err := l.shelf.put(list, at); err != nil {
		return fmt.Errorf("%s: %w: %w", l.cfg.File, errNotKept, err)
	}
	return nil
}

func (l *List) enforce(list enforce.Exemptions, at time.Time) {
	l.current.Store(&inForce{list, at})
	l.metrics.entries.Set(float64(list.Len()))
}
