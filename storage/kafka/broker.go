package kafka

import (
	"cmp"
	"crypto/rand"
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
	// Password of the one user; empty: a random one at each start.
	Password string
}

// Broker is a Kafka broker in this process, for those who run none. What it
// has acknowledged, committed offsets included, survives the process's death.
// It serves those alone who know its password, as other programs and users of
// this machine may connect too.
type Broker struct {
	cluster  *kfake.Cluster
	lock     *flock.Flock
	password string
}

const brokerUser = "tidewatch"

// OpenBroker starts the broker. The caller closes it after its clients.
func OpenBroker(cfg BrokerConfig, log *slog.Logger) (*Broker, error) {
	lock, err := lockDir(cfg.Dir)
	if err != nil {
		return nil, fmt.Errorf("open broker in %s: %w", cfg.Dir, err)
	}
	password := cmp.Or(cfg.Password, rand.Text())
	data := filepath.Join(cfg.Dir, "data")
	// The password that the broker kept from the last start would count.
	if err := ignoreMissing(os.Remove(filepath.Join(data, "sasl.json"))); err != nil {
		return nil, errors.Join(fmt.Errorf("open broker in %s: %w", cfg.Dir, err), lock.Unlock())
	}
	cluster, err := kfake.NewCluster(
		kfake.EnableSASL(),
		kfake.Superuser("PLAIN", brokerUser, password),
		kfake.Ports(cfg.Port),
		kfake.DataDir(data),
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
	return &Broker{cluster: cluster, lock: lock, password: password}, nil
}

// Addr is the broker's host:port.
func (b *Broker) Addr() string { return b.cluster.ListenAddrs()[0] }

// Credentials are what a client logs in with, by SASL PLAIN.
func (b *Broker) Credentials() (username, password string) { return brokerUser, b.password }

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
