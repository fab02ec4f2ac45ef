package detect

import "time"

// Config says when a vehicle counts as standing. Scores and shares are 0..1.
type Config struct {
	// A place is opened by one box of OpenScore, or by SteadyLooks boxes of
	// SteadyScore, once its pixels have stood for MinStand.
	OpenScore   float64
	SteadyScore float64
	SteadyLooks int
	MinStand    time.Duration

	// Belief is the mean score over the looks of late, those without a box counted
	// as zero, that a place needs to be opened: road paint and railings give
	// boxes now and then, a vehicle nearly always.
	Belief float64

	// Support is the share of looks in which a box must back a place.
	Support float64

	// Alike is the likeness of pixels from one look to the next from which a
	// thing stands. SameVehicle is the lower likeness from which a vehicle is
	// still the same one after the light has changed, if a box has backed it
	// all the time.
	Alike       float64
	SameVehicle float64

	// Drift is how far, in widths or heights of its own, a vehicle may seem to
	// have moved of late: a queue creeps, a parked vehicle only seems to, when
	// the camera is carried past it.
	Drift float64

	// A vehicle has left when it was not seen standing in more than MissedLooks
	// looks and for Patience. Looks in which another vehicle covers it do not
	// count, until it was not seen for ResumeWithin.
	MissedLooks  int
	Patience     time.Duration
	ResumeWithin time.Duration

	// ProvenWithin is how long no look may have been made, because the camera or
	// the worker was away or blind, for a vehicle to be known again for certain:
	// after more than ResumeWithin its pixels must be nearly the same, and a box
	// be where it was.
	ProvenWithin time.Duration

	// Observations bounds the key pictures kept of a stop.
	Observations int
}

// DefaultConfig is for one look a second to one look in ten seconds.
func DefaultConfig() Config {
	return Config{
		OpenScore:    0.40,
		SteadyScore:  0.35,
		SteadyLooks:  3,
		MinStand:     2 * time.Second,
		Belief:       0.30,
		Support:      0.25,
		Alike:        0.75,
		SameVehicle:  0.45,
		Drift:        0.06,
		MissedLooks:  3,
		Patience:     10 * time.Second,
		ResumeWithin: 2 * time.Minute,
		ProvenWithin: 15 * time.Minute,
		Observations: 16,
	}
}
