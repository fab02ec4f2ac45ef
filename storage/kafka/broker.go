package kafka

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/gofrs/flock"
	"github.com/twmb/franz-go/pkg/kfake"

	"tidewatch/enforce/authors"
)

// ErrInUse says that another process holds a directory.
var ErrInUse = errors.New("directory is in use by another tidewatch")

// BrokerConfig says where the embedded broker lives.
type BrokerConfig struct {
	Dir string // its own directory, created if missing

	// Topic is the case log's, and Partitions what it has where nothing tells;
	// empty and 0: as clients have them by default.
	Topic      string
	Partitions int
	// Prefix remembers the case log; nil: nothing is.
	Prefix *Prefix
	// Evidence counts the cases that there is evidence of. It is asked where
	// nothing is left of a log, nor remembered; nil: there is none.
	Evidence func(context.Context) (int, error)
	// Authors sign what a repair rebuilds from evidence.
	Authors *authors.Authors
}

// Broker is a Kafka broker in this process, for those who run none. What it
// has acknowledged, committed offsets included, survives the process's death.
// No network leads to it: it serves processes of the same user, and of root,
// at a socket in its directory.
//
// Its files are read before it opens them. Where events are missing, or are not
// those that were written, it does not start, and leaves every byte as it is.
type Broker struct {
	cfg     BrokerConfig
	cluster *kfake.Cluster
	lock    *flock.Flock
	socket  string
	ends    map[int]int64 // of the case log at the start
}

// SocketOf is where the broker of a directory listens while it runs.
func SocketOf(dir string) string { return filepath.Join(dir, "broker.sock") }

// AddressOf is what a Config has as its only broker, for the embedded one that
// listens at a socket.
func AddressOf(socket string) string { return socketScheme + socket }

// OpenBroker starts the broker. The caller closes it after its clients. The error
// is a *Loss if the case log is damaged.
func OpenBroker(cfg BrokerConfig, log *slog.Logger) (*Broker, error) {
	cfg = cfg.withDefaults()
	lock, err := lockDir(cfg.Dir)
	if err != nil {
		return nil, fmt.Errorf("open broker in %s: %w", cfg.Dir, err)
	}
	b := &Broker{cfg: cfg, lock: lock, socket: SocketOf(cfg.Dir)}
	if err := b.check(log); err != nil {
		return nil, errors.Join(fmt.Errorf("open broker in %s: %w", cfg.Dir, err), lock.Unlock())
	}
	if b.cluster, err = b.start(cfg.Dir, log); err != nil {
		return nil, errors.Join(fmt.Errorf("open broker in %s: %w", cfg.Dir, err), lock.Unlock())
	}
	return b, nil
}

func (c BrokerConfig) withDefaults() BrokerConfig {
	usual := DefaultConfig()
	c.Topic, c.Partitions = cmp.Or(c.Topic, usual.Topic), cmp.Or(c.Partitions, usual.Partitions)
	return c
}

func (b *Broker) data() string { return filepath.Join(b.cfg.Dir, "data") }

// check reads what the broker has on the disk, and leaves it nothing to go wrong
// by.
func (b *Broker) check(log *slog.Logger) error {
	known := b.cfg.Prefix.of(embeddedID(b.cfg.Topic))
	found, err := surveyLog(b.data(), b.cfg.Topic, known)
	if err != nil {
		return err
	}
	if loss := found.loss(); loss != nil {
		return loss
	}
	if err := b.vanished(known); err != nil {
		return err
	}
	if known.Of == nil && len(found.partitions) > 0 {
		log.Warn("nothing is remembered of the case log, which is taken as it is unless the database has more")
	}
	b.ends = map[int]int64{}
	for id, p := range found.partitions {
		b.ends[id] = p.End
		if p.Torn > 0 {
			log.Info("an append that was cut short is taken off the case log", "partition", id, "bytes", p.Torn)
		}
	}
	if b.cfg.Prefix != nil {
		b.cfg.Prefix.put(embeddedID(b.cfg.Topic), found.marks(b.partitions(known)))
		if err := b.cfg.Prefix.save(); err != nil {
			return err
		}
	}
	return brokerFiles{
		data: b.data(), topic: b.cfg.Topic, partitions: known.Partitions, otherwise: b.cfg.Partitions,
		aside: newAside(b.cfg.Dir, time.Now()), log: log,
	}.prepare()
}

// partitions is how many the case log has; 0 while it is not made yet.
func (b *Broker) partitions(known marks) int {
	if known.Partitions > 0 {
		return known.Partitions
	}
	return min(brokerFiles{data: b.data()}.readTopics()[b.cfg.Topic].Partitions, maxPartitions)
}

// vanished is a loss where there is evidence of cases and nothing of a log.
func (b *Broker) vanished(known marks) error {
	if _, err := os.Stat(b.data()); err == nil || known.Of != nil || b.cfg.Evidence == nil {
		return nil
	}
	cases, err := b.cfg.Evidence(context.Background())
	if err != nil || cases == 0 {
		return err
	}
	return &Loss{[]Place{vanishedPlace(b.data(), cases)}}
}

// embeddedID names the case log of an embedded broker among all that are
// remembered.
func embeddedID(topic string) string { return clusterID + "/" + topic }

const clusterID = "tidewatch"

func (b *Broker) start(dir string, log *slog.Logger) (*kfake.Cluster, error) {
	if err := os.Chmod(dir, 0o700); err != nil { //nolint:gosec // a folder
		return nil, err
	}
	return kfake.NewCluster(
		kfake.NumBrokers(1),
		kfake.ListenFn(func(string, string) (net.Listener, error) { return openDoor(b.socket, log) }),
		kfake.DataDir(b.data()),
		kfake.SyncWrites(),
		kfake.ClusterID(clusterID),
		kfake.WithLogger(brokerLog{log}),
		kfake.BrokerConfigs(map[string]string{
			// The log is the truth and is kept; so is a stopped consumer's place in it.
			"log.retention.ms":          "-1",
			"offsets.retention.minutes": "2147483647",
		}),
	)
}

// Addr is what a Config has as its only broker.
func (b *Broker) Addr() string { return AddressOf(b.socket) }

// Look reads the log's files beside the broker. It returns a *Loss if they have
// been damaged since the start: the broker goes by what it remembers of them.
func (b *Broker) Look() error { return Look(b.cfg) }

// Look reads the files of the embedded broker of a directory, which another
// process may have. It returns a *Loss if the case log is damaged.
func Look(cfg BrokerConfig) error {
	b := &Broker{cfg: cfg.withDefaults()}
	known := b.cfg.Prefix.of(embeddedID(b.cfg.Topic))
	found, err := surveyLog(b.data(), b.cfg.Topic, known)
	if err != nil {
		return err
	}
	if loss := found.loss(); loss != nil {
		return loss
	}
	return b.vanished(known)
}

// Behind is a loss if the log ended, when the broker started, before what a
// database has of it; else nil.
func (b *Broker) Behind(stored map[int]int64) *Loss {
	var places []Place
	for _, id := range slices.Sorted(maps.Keys(stored)) {
		if b.ends[id] < stored[id] {
			places = append(places, behindPlace(b.data(), b.cfg.Topic, id, b.ends[id], stored[id]))
		}
	}
	if places == nil {
		return nil
	}
	return &Loss{places}
}

// Close stops the broker, remembers what its log then holds, and frees its
// directory.
func (b *Broker) Close() error {
	b.cluster.Close()
	return errors.Join(b.remember(), b.lock.Unlock())
}

// remember notes what the log holds at the end. What has gone meanwhile is not
// forgotten by that: the next start misses it.
func (b *Broker) remember() error {
	if b.cfg.Prefix == nil {
		return nil
	}
	id := embeddedID(b.cfg.Topic)
	known := b.cfg.Prefix.of(id)
	found, err := surveyLog(b.data(), b.cfg.Topic, known)
	if err != nil {
		return err
	}
	if loss := found.loss(); loss != nil {
		return errors.Join(loss, b.cfg.Prefix.save())
	}
	b.cfg.Prefix.put(id, found.marks(b.partitions(known)))
	return b.cfg.Prefix.save()
}

// lockDir makes a directory and takes it for this process. The kernel frees
// it however the process ends.
func lockDir(dir string) (*flock.Flock, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	lock := flock.New(filepath.Join(dir, "lock"))
	locked, err := lock.TryLock()
	if err == nil && !locked {
		err = ErrInUse
	}
	if err != nil {
		return nil, err
	}
	return lock, nil
}

// brokerLog passes on what the broker says.
type brokerLog struct{ log *slog.Logger }

func (b brokerLog) Logf(level kfake.LogLevel, format string, args ...any) {
	switch level {
	case kfake.LogLevelError, kfake.LogLevelWarn:
		b.log.Warn("embedded broker says", "line", fmt.Sprintf(format, args...))
	case kfake.LogLevelInfo, kfake.LogLevelDebug, kfake.LogLevelNone: // every request
	}
}
