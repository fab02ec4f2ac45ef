package kafka

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"
	"github.com/twmb/franz-go/pkg/kfake"
)

// ErrInUse says that another process holds a directory.
var ErrInUse = errors.New("directory is in use by another tidewatch")

// BrokerConfig says where the embedded broker lives.
type BrokerConfig struct {
	Dir  string // its own directory, created if missing
	Port int    // on loopback; 0: any free one
}

// Broker is a Kafka broker in this process, for those who run none. What it
// has acknowledged, committed offsets included, survives the process's death.
type Broker struct {
	cluster *kfake.Cluster
	lock    *flock.Flock
}

// OpenBroker starts the broker. The caller closes it after its clients.
func OpenBroker(cfg BrokerConfig, log *slog.Logger) (*Broker, error) {
	lock, err := lockDir(cfg.Dir)
	if err != nil {
		return nil, fmt.Errorf("open broker in %s: %w", cfg.Dir, err)
	}
	cluster, err := kfake.NewCluster(
		kfake.Ports(cfg.Port),
		kfake.DataDir(filepath.Join(cfg.Dir, "data")),
		kfake.SyncWrites(),
		kfake.ClusterID("tidewatch"),
		kfake.WithLogger(brokerLog{log}),
		kfake.BrokerConfigs(map[string]string{
			// The log is the truth and is kept; so is a stopped consumer's place in it.
			"log.retention.ms":          "-1",
			"offsets.retention.minutes": "2147483647",
		}),
	)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open broker in %s: %w", cfg.Dir, err), lock.Unlock())
	}
	return &Broker{cluster: cluster, lock: lock}, nil
}

// Addr is the broker's host:port.
func (b *Broker) Addr() string { return b.cluster.ListenAddrs()[0] }

// Close stops the broker and frees its directory.
func (b *Broker) Close() error {
	b.cluster.Close()
	return b.lock.Unlock()
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
