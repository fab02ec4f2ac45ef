package enforce

import "testing"

// Clocks are read for many windows at once, and show what they show one by one.
func TestAFaceShowsWhatItsClocksShow(t *testing.T) {
	for _, place := range append(places, "Africa/Cairo", "Pacific/Apia", "America/Sao_Paulo") {
		l := location(place)
		for day := faceOf(Date{2011, 1, 1}, l); day.Year < 2013; day = day.next() {
			if DateOf(day.midnight[0]) != day.Date {
				continue // there was no such day, or no such midnight
			}
			for c := Clock(0); c <= 24*60; c += 30 {
				if got, want := day.at(c), c.on(day.Date, l); !got.Equal(want) {
					t.Fatalf("%s, %s %s: %v, want %v", place, day.Date, c, got, want)
				}
				if got, want := day.after(c), c.on(day.AddDays(1), l); !got.Equal(want) {
					t.Fatalf("%s, the day after %s, %s: %v, want %v", place, day.Date, c, got, want)
				}
			}
		}
	}
}
