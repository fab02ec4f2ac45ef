package police

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"tidewatch/enforce"
	"tidewatch/enforce/authors/sim"
)

// judgingPlatform checks every submission against the log as it stands.
type judgingPlatform struct {
	t        *testing.T
	random   *rand.Rand
	log      *fakeLog
	answered map[string]bool // case and revision
}

func (p *judgingPlatform) Submit(_ context.Context, c enforce.Case) (enforce.Receipt, error) {
	p.log.mu.Lock()
	defer p.log.mu.Unlock()
	var ledger enforce.Ledger
	for _, e := range p.log.events {
		ledger.Apply(sim.Proven(e))
	}
	known, _ := ledger.Case(c.ID)
	if known.Violation.Trial {
		p.t.Errorf("submitted %s, which is a trial's", c.ID)
	}
	if known.State != enforce.StateConfirmed || known.Revision != c.Revision || known.Decision != c.Decision {
		p.t.Errorf("submitted %s, revision %d, which is %s at %d", c.ID, c.Revision, known.State, known.Revision)
	}
	decision := fmt.Sprint(c.ID, "/", c.Revision)
	if p.answered[decision] {
		p.t.Errorf("submitted %s after its answer", decision)
	}
	switch p.random.IntN(4) {
	case 0:
		return enforce.Receipt{}, errors.New("not now")
	case 1:
		p.answered[decision] = true
		return refusal, nil
	default:
		p.answered[decision] = true
		return enforce.Receipt{Platform: "fake", Accepted: true}, nil
	}
}

// TestOnlyConfirmedCasesAreSubmitted feeds random logs, with decisions on all
// sorts of revisions and a log that now and then refuses an append.
func TestOnlyConfirmedCasesAreSubmitted(t *testing.T) {
	submitted := 0
	for seed := range uint64(60) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				random := rand.New(rand.NewPCG(seed, 1))
				b := start(t, nil)
				judge := &judgingPlatform{t, rand.New(rand.NewPCG(seed, 2)), b.log, map[string]bool{}}
				b.deps.Platform = judge
				caughtUp := random.IntN(100)
				for i := range 100 {
					if i == caughtUp {
						b.CaughtUp()
					}
					b.say(randomEvent(random))
					b.log.mu.Lock()
					b.log.broken = random.IntN(8) / 7
					b.log.mu.Unlock()
					settle(time.Duration(random.IntN(10)) * time.Second)
				}
				settle(24 * time.Hour)
				if waiting := b.waiting(); waiting != 0 {
					t.Errorf("%v cases still wait", waiting)
				}
				submitted += len(judge.answered)
			})
		})
	}
	if submitted < 60 {
		t.Errorf("only %d submissions were judged: the test shows nothing", submitted)
	}
}

func randomEvent(random *rand.Rand) enforce.Event {
	id := string(rune('a' + random.IntN(6)))
	switch random.IntN(7) {
	case 0, 1:
		e := suspected(id)
		e.Violation.Trial = id == "f" // of whom nothing may come
		return e
	case 6:
		return decided(id, enforce.Warned, random.IntN(6))
	case 2:
		return ended(id)
	case 3:
		return decided(id, enforce.Rejected, random.IntN(6))
	default:
		return decided(id, enforce.Confirmed, random.IntN(6))
	}
}
