package accounts

import (
	"net/netip"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"tidewatch/enforce/web"
)

// What is remembered of failures. An address is an IPv4 address or the /64 of
// an IPv6 one, which is what one subscriber has.
const (
	remembered = 16384            // entries of each kind; those unused for longest go first
	forgetting = 15 * time.Minute // without a failure everything is forgiven
	maxWait    = time.Minute      // an address waits no longer than this
	maxHold    = 5 * time.Second  // nor is an attempt that is heard held back for longer

	// free failures cost nothing: people mistype.
	freeOfPair    = 4   // of an address at one name
	freeOfAddress = 20  // of an address at all names
	freeOfAccount = 20  // of all unknown devices at one name
	freeOfDevice  = 4   // of a known device
	trustOfDevice = 100 // from this one on it is a device like any other
)

// limits make guessing slow.
type limits struct {
	mu        sync.Mutex
	pairs     *lru.Cache[pair, backoff]
	addresses *lru.Cache[netip.Prefix, backoff]
	accounts  *lru.Cache[string, backoff] // by name as given, known or not
	devices   *lru.Cache[string, backoff]
}

// pair is an address that tries a name.
type pair struct {
	address netip.Prefix
	name    string
}

func newLimits() *limits {
	return &limits{
		pairs: cache[pair](), addresses: cache[netip.Prefix](), accounts: cache[string](), devices: cache[string](),
	}
}

func cache[K comparable]() *lru.Cache[K, backoff] {
	c, err := lru.New[K, backoff](remembered)
	if err != nil {
		panic(err) // the size is positive
	}
	return c
}

// trusts reports whether a device is still taken for a known one: somebody who
// has stolen one cannot guess for ever.
func (l *limits) trusts(device string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return count(l.devices, device, time.Now()).failures < trustOfDevice
}

// try is an attempt that is heard. It counts as a failure until it is known to
// be none, so that many at once count too.
type try struct {
	limits   *limits
	hold     time.Duration // before the check
	failures int           // of those who try; who has the least comes first
	undo     func()
}

// begin counts an attempt, or says how long it has to wait.
func (l *limits) begin(a Attempt, device string, known bool) (*try, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if known {
		b := failed(l.devices, device, now, freeOfDevice)
		return &try{limits: l, hold: min(b.wait, maxHold), failures: b.failures, undo: func() { l.devices.Remove(device) }}, nil
	}
	address, name := web.Network(a.Address), named(a.Name)
	both := pair{address, name}
	until := later(count(l.pairs, both, now).until, count(l.addresses, address, now).until)
	if now.Before(until) {
		return nil, TooSoonError{until.Sub(now)}
	}
	here := failed(l.addresses, address, now, freeOfAddress)
	there := failed(l.accounts, name, now, freeOfAccount)
	failed(l.pairs, both, now, freeOfPair)
	return &try{limits: l, hold: min(there.wait, maxHold), failures: here.failures, undo: func() {
		l.pairs.Remove(both)
		forgive(l.addresses, address)
		forgive(l.accounts, name)
	}}, nil
}

// succeeded takes an attempt's failure back.
func (t *try) succeeded() {
	t.limits.mu.Lock()
	defer t.limits.mu.Unlock()
	t.undo()
}

// backoff makes guessing slow: after the free failures each further one doubles
// the time until the next attempt.
type backoff struct {
	failures int
	last     time.Time
	wait     time.Duration
	until    time.Time
}

func (b backoff) failed(now time.Time, free int) backoff {
	b.failures++
	b.last, b.wait = now, 0
	if beyond := b.failures - free; beyond > 0 {
		b.wait = min(time.Second<<min(beyond-1, 10), maxWait)
	}
	b.until = now.Add(b.wait)
	return b
}

// count is what is remembered of a key.
func count[K comparable](c *lru.Cache[K, backoff], key K, now time.Time) backoff {
	b, ok := c.Get(key)
	if !ok || now.Sub(b.last) > forgetting {
		return backoff{}
	}
	return b
}

// failed counts one more failure of a key.
func failed[K comparable](c *lru.Cache[K, backoff], key K, now time.Time, free int) backoff {
	b := count(c, key, now).failed(now, free)
	c.Add(key, b)
	return b
}

// forgive takes one failure of a key back.
func forgive[K comparable](c *lru.Cache[K, backoff], key K) {
	b, ok := c.Get(key)
	if !ok {
		return
	}
	b.failures, b.until = max(b.failures-1, 0), b.last
	c.Add(key, b)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
