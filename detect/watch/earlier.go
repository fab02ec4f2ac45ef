package watch

import (
	"errors"
	"time"

	"tidewatch/detect"
)

// earlier completes a stop of the first version, which kept what is known of a
// place side by side, under the same names. How it drifted is seen anew.
func (s *store) earlier(name string, place *detect.Place) error {
	var doubt struct {
		Place struct {
			Missed             int
			Absent             time.Time
			Bare               detect.Patch
			Broken, Away, Gone bool
			Empty              bool
		}
	}
	err := errors.Join(
		s.decode(name, &struct{ Place *detect.Backing }{&place.Backing}),
		s.decode(name, &struct{ Place *detect.Line }{&place.Line}),
		s.decode(name, &doubt),
	)
	seen := doubt.Place
	place.Doubt = detect.Doubt{Missed: seen.Missed, Absent: seen.Absent, Bare: seen.Bare}
	for i, reached := range []bool{seen.Broken, seen.Away, seen.Gone, seen.Empty} {
		if reached {
			place.Doubt.Level = detect.Broken + detect.DoubtLevel(i)
		}
	}
	return err
}
