package kafka

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// errTaken says that another system writes to this case log.
var errTaken = errors.New("run only one Tidewatch per case log: stop that one, or give this one a topic of its own (kafka.topic)")

// lease is the claim of one system to a case log. It is the membership of a
// consumer group that consumes nothing: the brokers' clocks end it when its
// owner falls silent, and an owner that is killed and starts again is known by
// its instance and has it back at once.
type lease struct {
	client   *kgo.Client
	group    string
	instance string
	label    string // of the owner, for people
	session  time.Duration
	log      *slog.Logger

	mu         sync.Mutex
	member     string
	generation int32
	until      time.Time // by our monotonic clock
	why        error     // why it is not held
	fenced     bool      // somebody has our very identity
}

const (
	leaseProtocol = "tidewatch-lease"
	leaseMine     = "mine" // what the owner is assigned
)

// errUnclaimed is why nothing may be written before the first claim.
var errUnclaimed = errors.New("this system's claim to the case log is not made yet")

func newLease(cfg Config, client *kgo.Client, system string, log *slog.Logger) *lease {
	return &lease{
		client: client, group: "tidewatch-writer-" + cfg.Topic, instance: "tidewatch-" + system + "-" + place(cfg.System),
		label: cfg.System, session: cfg.SessionTimeout, log: log, why: errUnclaimed,
	}
}

// place tells a copy of a data folder from the folder itself by where it is.
func place(label string) string {
	machine, _ := os.ReadFile("/etc/machine-id") // a container may have none
	sum := sha256.Sum256([]byte(string(machine) + "\n" + label))
	return hex.EncodeToString(sum[:8])
}

// held says why the log is not ours to write to, or nil.
func (l *lease) held() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if time.Now().Before(l.until) {
		return nil
	}
	return l.why
}

// claim tries once to get the lease.
func (l *lease) claim(ctx context.Context) error {
	err := l.isFree(ctx)
	if err == nil {
		err = l.enter(ctx)
	}
	if err != nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.why = err
	}
	return err
}

// enter joins the group, or says in one that has changed that we are there.
func (l *lease) enter(ctx context.Context) error {
	joined, err := l.join(ctx)
	if err != nil {
		return fmt.Errorf("claim the case log: %w", err)
	}
	l.mu.Lock()
	l.member, l.generation = joined.MemberID, joined.Generation
	l.mu.Unlock()
	asked := time.Now()
	mine, err := l.sync(ctx, joined)
	if err != nil {
		return fmt.Errorf("claim the case log: %w", err)
	}
	if !mine { // another one came first, in the same moment
		l.leave(ctx)
		return fmt.Errorf("another Tidewatch has just claimed it: %w", errTaken)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.until, l.why = asked.Add(l.session), nil
	return nil
}

// isFree looks who has the lease without disturbing them.
func (l *lease) isFree(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, asking)
	defer cancel()
	groups, err := kadm.NewClient(l.client).DescribeGroups(ctx, l.group)
	if err != nil {
		return fmt.Errorf("ask who has claimed the case log: %w", err)
	}
	group := groups[l.group]
	if group.Err != nil && !errors.Is(group.Err, kerr.GroupIDNotFound) {
		return fmt.Errorf("ask who has claimed the case log: %w", group.Err)
	}
	for _, m := range group.Members {
		if m.InstanceID == nil || *m.InstanceID != l.instance {
			raw, _ := m.Join.Raw()
			return fmt.Errorf("another Tidewatch writes to it: %s, connected from %s: %w", cmp.Or(string(raw), "unknown"), m.ClientHost, errTaken)
		}
	}
	return nil
}

func (l *lease) join(ctx context.Context) (*kmsg.JoinGroupResponse, error) {
	ask := kmsg.NewPtrJoinGroupRequest()
	ask.Group, ask.InstanceID, ask.ProtocolType = l.group, &l.instance, leaseProtocol
	ask.SessionTimeoutMillis = int32(l.session.Milliseconds()) //nolint:gosec // seconds
	ask.RebalanceTimeoutMillis = ask.SessionTimeoutMillis
	l.mu.Lock()
	ask.MemberID = l.member
	l.mu.Unlock()
	protocol := kmsg.NewJoinGroupRequestProtocol()
	protocol.Name, protocol.Metadata = leaseProtocol, []byte(l.label)
	ask.Protocols = append(ask.Protocols, protocol)
	for {
		ctx, cancel := context.WithTimeout(ctx, asking+2*l.session)
		answer, err := ask.RequestWith(ctx, l.client)
		cancel()
		if err != nil {
			return nil, err
		}
		err = kerr.ErrorForCode(answer.ErrorCode)
		if !errors.Is(err, kerr.MemberIDRequired) {
			return answer, err
		}
		ask.MemberID = answer.MemberID
	}
}

// sync says whether the lease is ours: the group's leader, who came first,
// takes it, and whoever comes back as an instance is given what it had.
func (l *lease) sync(ctx context.Context, joined *kmsg.JoinGroupResponse) (mine bool, err error) {
	ask := kmsg.NewPtrSyncGroupRequest()
	ask.Group, ask.InstanceID, ask.MemberID, ask.Generation = l.group, &l.instance, joined.MemberID, joined.Generation
	ask.ProtocolType, ask.Protocol = joined.ProtocolType, joined.Protocol
	if joined.LeaderID == joined.MemberID && !joined.SkipAssignment {
		own := kmsg.NewSyncGroupRequestGroupAssignment()
		own.MemberID, own.MemberAssignment = joined.MemberID, []byte(leaseMine)
		ask.GroupAssignment = append(ask.GroupAssignment, own)
	}
	ctx, cancel := context.WithTimeout(ctx, asking+l.session)
	defer cancel()
	answer, err := ask.RequestWith(ctx, l.client)
	if err == nil {
		err = kerr.ErrorForCode(answer.ErrorCode)
	}
	if err != nil {
		return false, err
	}
	return string(answer.MemberAssignment) == leaseMine, nil
}

// renew says that we are alive.
func (l *lease) renew(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, l.session/2)
	defer cancel()
	ask := kmsg.NewPtrHeartbeatRequest()
	l.mu.Lock()
	ask.Group, ask.InstanceID, ask.MemberID, ask.Generation = l.group, &l.instance, l.member, l.generation
	l.mu.Unlock()
	asked := time.Now()
	answer, err := ask.RequestWith(ctx, l.client)
	if err == nil {
		err = kerr.ErrorForCode(answer.ErrorCode)
	}
	if err != nil {
		return fmt.Errorf("renew the claim to the case log: %w", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.until = asked.Add(l.session)
	return nil
}

// keep renews the lease, and claims it where it is not held, until ctx is done;
// then it gives it back.
func (l *lease) keep(ctx context.Context) {
	defer l.leave(context.WithoutCancel(ctx))
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(l.session / 5):
		}
		if err := l.step(ctx); err != nil && ctx.Err() == nil {
			l.log.Debug("claim to the case log", "error", err)
		}
	}
}

// step renews or claims once.
func (l *lease) step(ctx context.Context) error {
	l.mu.Lock()
	member, fenced, why := l.member, l.fenced, l.why
	l.mu.Unlock()
	switch {
	case fenced:
		return why
	case member == "":
		return l.claim(ctx)
	}
	err := l.renew(ctx)
	switch {
	case errors.Is(err, kerr.RebalanceInProgress): // somebody knocks: say that we are there
		err = l.enter(ctx)
	case errors.Is(err, kerr.FencedInstanceID):
		err = fmt.Errorf("a copy of this data folder has taken over the case log: %w", errTaken)
		l.lose(err, true)
	}
	switch {
	case err == nil:
	case errors.Is(err, kerr.UnknownMemberID), errors.Is(err, kerr.IllegalGeneration):
		l.lose(err, false)
		return l.claim(ctx)
	default:
		l.mu.Lock()
		l.why = err // once the session is over
		l.mu.Unlock()
	}
	return err
}

// lose ends the lease at once.
func (l *lease) lose(why error, fenced bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.member, l.until, l.why, l.fenced = "", time.Time{}, why, fenced
}

// leave gives the lease back.
func (l *lease) leave(ctx context.Context) {
	l.mu.Lock()
	member := l.member
	l.mu.Unlock()
	if member == "" {
		return
	}
	l.lose(errUnclaimed, false)
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	own := kmsg.NewLeaveGroupRequestMember()
	own.MemberID, own.InstanceID = member, &l.instance
	ask := kmsg.NewPtrLeaveGroupRequest()
	ask.Group, ask.MemberID, ask.Members = l.group, member, []kmsg.LeaveGroupRequestMember{own}
	if _, err := ask.RequestWith(ctx, l.client); err != nil {
		l.log.Debug("give back the claim to the case log", "error", err)
	}
}
