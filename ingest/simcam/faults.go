package simcam

import (
	"math/rand/v2"
	"time"
)

// Faults is how a camera misbehaves until it is told otherwise. The zero value
// is a good camera. Any of them go together.
type Faults struct {
	// The camera's clock, as its sender reports tell it.
	ClockOffset time.Duration // ahead of ours; changing it while the camera plays is a step
	ClockDrift  float64       // parts per million by which it runs fast, from now on
	NoReports   bool          // it sends no sender reports, so that nobody knows its clock

	// The video.
	Stall       bool    // no media at all; the control connection answers
	NoKeyFrames bool    // key frames are left out, without a gap
	MediaGain   float64 // share by which its timestamps run fast: -0.5 is half speed, -1 stands still
	Foreign     bool    // packets of a session that is over come as well, under another SSRC; over TCP alone
	Packing             // how it makes packets of its pictures
	Loss        float64 // probability with which a packet gets lost, between 0 and 1
	LossSeed    uint64  // which packets these are

	// The answers to requests.
	Describe  func(usual string) string // changes what is said of the stream (SDP)
	SHA256    bool                      // the challenge asks for SHA-256, not MD5
	Password  string                    // what the camera now takes for its password; empty is the server's
	Status    int                       // answer to DESCRIBE and SETUP, such as 404 or 453; 0 is 200
	Redirect  string                    // address to which DESCRIBE is redirected, the camera's own for a loop
	NoTCP     bool                      // SETUP over TCP is answered with 461
	NoUDP     bool                      // SETUP over UDP is answered with 461
	NonceUses int                       // requests for which a digest's nonce is good; 0 is without end
}

// misbehaviour is faults at work. Only its feed's player uses the random
// numbers.
type misbehaviour struct {
	Faults
	since  time.Time // by the wall clock
	random *rand.Rand
}

func newMisbehaviour(faults Faults) *misbehaviour {
	return &misbehaviour{Faults: faults, since: wall(time.Now()), random: rand.New(rand.NewPCG(faults.LossSeed, 0))}
}

// told is the time that the camera's clock shows.
func (m *misbehaviour) told(now time.Time) time.Time {
	drift := time.Duration(float64(now.Sub(m.since)) * m.ClockDrift / 1e6)
	return now.Add(m.ClockOffset + drift)
}

// omits reports whether a frame is never sent.
func (m *misbehaviour) omits(f frame) bool { return m.Stall || m.NoKeyFrames && f.key }

// loses reports whether the next packet gets lost.
func (m *misbehaviour) loses() bool { return m.Loss > 0 && m.random.Float64() < m.Loss }
