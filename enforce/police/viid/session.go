package viid

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"tidewatch/enforce/police"
)

// session is whether the platform knows us. One registration at a time: the
// channel is its lock, which can be waited for under a context.
type session struct {
	lock       chan struct{}
	registered *atomic.Int64 // number of the registration in force, 0 while there is none

	// Under the lock:
	count    int64     // registrations so far
	failures int       // in a row
	notUntil time.Time // the platform is left alone until then
	last     error     // why the newest try came to nothing
}

func newSession() session {
	return session{lock: make(chan struct{}, 1), registered: new(atomic.Int64)}
}

// Registered reports whether the platform knows us now.
func (c *Client) Registered() bool { return c.session.on() }

func (s *session) on() bool { return s.registered.Load() != 0 }

// lost forgets a registration unless another has taken its place.
func (s *session) lost(registration int64) { s.registered.CompareAndSwap(registration, 0) }

// Run registers, keeps the registration alive, and gives it back when ctx
// ends. End it after the uploader, whose last submissions need it.
func (c *Client) Run(ctx context.Context) error {
	defer c.transport.CloseIdleConnections()
	defer c.unregister(context.WithoutCancel(ctx))
	told, failures := police.Kind(""), 0
	for ctx.Err() == nil {
		wait := c.config.KeepaliveEvery
		err := c.beat(ctx)
		if err == nil {
			failures = 0
		} else {
			wait = min(wait, backoff(failures))
			failures++
		}
		if kind := kindOf(err); kind != told && ctx.Err() == nil {
			told = kind
			c.tell(err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
	}
	return nil
}

func (c *Client) tell(err error) {
	if err != nil {
		c.logger.Warn("not registered with the police platform, will be tried again", "error", err)
		return
	}
	c.logger.Info("registered with the police platform")
}

func kindOf(err error) police.Kind {
	if err == nil {
		return "registered"
	}
	return police.KindOf(err)
}

// beat registers or, where a registration is in force, keeps it alive. A
// platform that is there and does not want the keepalive has forgotten us.
func (c *Client) beat(ctx context.Context) error {
	registration := c.session.registered.Load()
	if registration == 0 {
		_, err := c.register(ctx)
		return err
	}
	err := c.keepalive(ctx)
	if err == nil || police.KindOf(err) == police.Unreachable || police.KindOf(err) == police.Busy {
		return err
	}
	c.session.lost(registration)
	_, err = c.register(ctx)
	return err
}

// register makes sure that a registration is in force and returns its number.
// After a failure the platform is left alone for a while, so that many waiting
// cases do not lock the account.
func (c *Client) register(ctx context.Context) (int64, error) {
	s := &c.session
	select {
	case s.lock <- struct{}{}:
		defer func() { <-s.lock }()
	case <-ctx.Done():
		return 0, &police.Problem{Kind: police.Unreachable, Err: ctx.Err()}
	}
	if registration := s.registered.Load(); registration != 0 {
		return registration, nil
	}
	if time.Now().Before(s.notUntil) {
		return 0, s.last
	}
	if err := c.sendRegister(ctx); err != nil {
		if ctx.Err() == nil {
			s.last, s.notUntil = err, time.Now().Add(backoff(s.failures))
			s.failures++
		}
		return 0, err
	}
	s.failures = 0
	s.count++
	s.registered.Store(s.count)
	return s.count, nil
}

// backoff doubles from half a second to half a minute.
func backoff(failures int) time.Duration {
	return min(500*time.Millisecond<<min(failures, 6), 30*time.Second)
}

type deviceObject struct {
	DeviceID string
}

func (c *Client) sendRegister(ctx context.Context) error {
	object := map[string]deviceObject{"RegisterObject": {c.config.DeviceID}}
	a, err := c.post(ctx, &c.digest, registerPath, object)
	switch {
	case err != nil:
	case a.unwelcome(), a.http == http.StatusBadRequest && len(a.statuses) == 0:
		err = unwelcome("username or password refused", a)
	case a.http == http.StatusNotFound:
		err = unwelcome("device not known there", a)
	default:
		err = c.system(a)
	}
	c.metrics.count("register", err)
	if err != nil {
		return fmt.Errorf("register: %w", err)
	}
	return nil
}

func (c *Client) keepalive(ctx context.Context) error {
	object := map[string]deviceObject{"KeepaliveObject": {c.config.DeviceID}}
	a, err := c.post(ctx, &c.plain, keepalivePath, object)
	switch {
	case err != nil:
	case a.unwelcome():
		err = unwelcome("registration lost", a)
	default:
		err = c.system(a)
	}
	c.metrics.count("keepalive", err)
	if err != nil {
		return fmt.Errorf("keep alive: %w", err)
	}
	return nil
}

// unregister gives the registration back. Servers that do not know the call
// answer 404, which is as good.
func (c *Client) unregister(ctx context.Context) {
	if c.session.registered.Swap(0) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, c.config.Timeout)
	defer cancel()
	object := map[string]deviceObject{"UnRegisterObject": {c.config.DeviceID}}
	a, err := c.post(ctx, &c.digest, unregisterPath, object)
	if err == nil && a.http != http.StatusNotFound {
		err = c.system(a)
	}
	c.metrics.count("unregister", err)
	if err != nil {
		c.logger.Warn("registration with the police platform not given back", "error", err)
	}
}

// system judges the answer to a system call, whose status names our device or
// nothing.
func (c *Client) system(a answer) error {
	s, err := a.about(c.config.DeviceID)
	if err != nil || s.Code == codeOK {
		return err
	}
	return s.problem("")
}

func unwelcome(why string, a answer) error {
	return &police.Problem{Kind: police.Unwelcome, Err: fmt.Errorf("HTTP %d: %s", a.http, why)}
}
