package kafka

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"
	"github.com/twmb/franz-go/pkg/kfake"
)

// ErrInUse says that another process holds a directory.
var ErrInUse = errors.New("directory is in use by another tidewatch")

// BrokerConfig says where the embedded broker lives.
type BrokerConfig struct {
	Dir string // its own directory, created if missing
}

// Broker is a Kafka broker in this process, for those who run none. What it
// has acknowledged, committed offsets included, survives the process's death.
// No network leads to it: it serves processes of the same user, and of root,
// at a socket in its directory.
type Broker struct {
	cluster *kfake.Cluster
	lock    *flock.Flock
	socket  string
}

// SocketOf is where the broker of a directory listens while it runs.
func SocketOf(dir string) string { return filepath.Join(dir, "broker.sock") }

// AddressOf is what a Config has as its only broker, for the embedded one that
// listens at a socket.
func AddressOf(socket string) string { return socketScheme + socket }

// OpenBroker starts the broker. The caller closes it after its clients.
func OpenBroker(cfg BrokerConfig, log *slog.Logger) (*Broker, error) {
	lock, err := lockDir(cfg.Dir)
	if err != nil {
		return nil, fmt.Errorf("open broker in %s: %w", cfg.Dir, err)
	}
	b := &Broker{lock: lock, socket: SocketOf(cfg.Dir)}
	if b.cluster, err = b.start(cfg.Dir, log); err != nil {
		return nil, errors.Join(fmt.Errorf("open broker in %s: %w", cfg.Dir, err), lock.Unlock())
	}
	return b, nil
}

func (b *Broker) start(dir string, log *slog.Logger) (*kfake.Cluster, error) {
	if err := os.Chmod(dir, 0o700); err != nil { //nolint:gosec // a folder
		return nil, err
	}
	return kfake.NewCluster(
		kfake.NumBrokers(1),
		kfake.ListenFn(func(string, string) (net.Listener, error) { return openDoor(b.socket, log) }),
		kfake.DataDir(filepath.Join(dir, "data")),
		kfake.SyncWrites(),
		kfake.ClusterID("tidewatch"),
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
