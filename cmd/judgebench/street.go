package main

import (
	"fmt"
	"math/rand/v2"
	"time"

	"tidewatch/detect"
	"tidewatch/enforce"
	"tidewatch/enforce/calendar"
)

// year is one whose holidays the library knows.
const year = 2025

var shanghai = func() *time.Location {
	l, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		panic(err) // without time zones there is nothing to judge by
	}
	return l
}()

func area(left, top, right, bottom float64) enforce.Polygon {
	return enforce.Polygon{{X: left, Y: top}, {X: right, Y: top}, {X: right, Y: bottom}, {X: left, Y: bottom}}
}

// street is what every camera sees: a kerb with four bays, a crossing and a
// fire lane.
var street = enforce.Zone{
	ID: "kerb", Polygon: area(0, 0.3, 1, 0.9), Vehicles: enforce.Motor,
	Bays: []enforce.Bay{
		{ID: "1", Polygon: area(0.02, 0.4, 0.18, 0.8), Arrow: &enforce.Vector{X: 1}},
		{ID: "2", Polygon: area(0.18, 0.4, 0.34, 0.8), Arrow: &enforce.Vector{X: 1}},
		{ID: "3", Polygon: area(0.34, 0.4, 0.50, 0.8), Arrow: &enforce.Vector{X: 1}},
		{ID: "4", Polygon: area(0.50, 0.4, 0.66, 0.8), Arrow: &enforce.Vector{X: 1}},
		{ID: "crossing", Kind: enforce.Crossing, Polygon: area(0.70, 0.4, 0.84, 0.8)},
		{ID: "fire", Kind: enforce.FireLane, Polygon: area(0.84, 0.4, 1, 0.8)},
	},
}

// nineSections are the rules of a district: nights, whole days off, a rush hour
// with a shorter limit, an event, and a suspension.
func nineSections() []enforce.Policy {
	work := []enforce.DayKind{enforce.Workday, enforce.AdjustedWorkday}
	off := []enforce.DayKind{enforce.RestDay, enforce.StatutoryHoliday}
	on := func(month time.Month, day int) enforce.Date { return enforce.Date{Year: year, Month: month, Day: day} }
	var policies []enforce.Policy
	for n := range 9 {
		night := enforce.Clock(18*60 + 30*(n%4))
		s := enforce.RoadSection{
			ID: fmt.Sprintf("section-%d", n+1), Location: shanghai, Effective: on(1, 1), Code: "1039",
			ObservationPeriod: time.Duration(3+n%5) * time.Minute, Grace: time.Duration(5*(n%4)) * time.Minute,
			ClockError: time.Second, Calendar: calendar.Builtin(),
			Windows: []enforce.TidalWindow{
				{Announcement: "1", From: night, Until: 7 * 60, Kinds: work},
				{Announcement: "2", From: 0, Until: 24 * 60, Kinds: off},
				{Announcement: "3", From: 12 * 60, Until: 14 * 60, Weekdays: []time.Weekday{time.Wednesday}, FirstDay: on(3, 1), LastDay: on(10, 31)},
				{Announcement: "4", Name: "event", From: 9 * 60, Until: 23 * 60, Days: []enforce.Date{on(5, 17), on(5, 18)}},
			},
			Limits: []enforce.Limit{{
				Hours:             enforce.Hours{From: 17 * 60, Until: 19 * 60, Kinds: work},
				ObservationPeriod: 2 * time.Minute,
			}},
		}
		if n%3 == 0 {
			s.Suspensions = []enforce.Suspension{{
				Announcement: "5", Suspends: "1", From: on(8, 4).Midnight(shanghai), Until: on(8, 11).Midnight(shanghai),
			}}
		}
		policies = append(policies, enforce.NewPolicy(s))
	}
	return policies
}

// stop is one vehicle before one camera.
type stop struct {
	camera int
	record enforce.StopRecord
}

// stopsOf are the stops of a month. A camera's month is the same in every run,
// however many others there are.
func stopsOf(month, cameras, daily int) []stop {
	first := time.Date(year, time.Month(month+1), 1, 0, 0, 0, 0, shanghai)
	days := first.AddDate(0, 1, -1).Day()
	stops := make([]stop, 0, cameras*days*daily)
	for camera := range cameras {
		random := rand.New(rand.NewPCG(uint64(camera), uint64(month)))
		for range days * daily {
			start := first.Add(time.Duration(random.IntN(days*24*3600)) * time.Second)
			stops = append(stops, stop{camera, record(random, start.UTC())})
		}
	}
	return stops
}

// record is a stop that begins at a moment: most are of minutes, some of a
// night; most stand in a bay, some across two or beside.
func record(random *rand.Rand, start time.Time) enforce.StopRecord {
	dwell := time.Duration(random.ExpFloat64() * float64(12*time.Minute))
	if random.IntN(5) == 0 {
		dwell = time.Duration(random.Float64() * float64(14*time.Hour))
	}
	r := enforce.StopRecord{
		Start: start, End: start.Add(dwell.Truncate(time.Second)), Class: detect.Car,
		Box: detect.Box{X: 0.03 + 0.16*float64(random.IntN(4)) + 0.01*random.Float64(), Y: 0.5, W: 0.12, H: 0.15},
	}
	switch random.IntN(10) {
	case 0, 1:
		r.Box.X = random.Float64() * 0.85
	case 2:
		r.Class = detect.Truck
		r.Heading = &enforce.Vector{X: -1 + 2*float64(random.IntN(2))}
	case 3:
		from := start.Add(dwell / 3).Truncate(time.Second)
		r.Unseen = []enforce.UnseenSpan{{From: from, Until: from.Add(dwell / 5).Truncate(time.Second)}}
	}
	return r
}
