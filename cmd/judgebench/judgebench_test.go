package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidewatch/enforce"
)

func TestTheSameStopsAreMadeAndJudgedAlike(t *testing.T) {
	stops, again := stopsOf(1, 3, 4), stopsOf(1, 3, 4)
	if diff := cmp.Diff(stops, again, cmp.AllowUnexported(stop{})); diff != "" {
		t.Errorf("another run makes other stops:\n%s", diff)
	}
	if len(stops) != 3*28*4 {
		t.Errorf("%d stops in February", len(stops))
	}
	more := stopsOf(1, 5, 4)
	if diff := cmp.Diff(stops, more[:len(stops)], cmp.AllowUnexported(stop{})); diff != "" {
		t.Errorf("more cameras change what one sees:\n%s", diff)
	}
	policies := nineSections()
	suspected := judge(stops, policies)
	if suspected == 0 || suspected == len(stops) || judge(stops, policies) != suspected {
		t.Errorf("%d of %d suspected, then %d", suspected, len(stops), judge(stops, policies))
	}
	strict := policies[0].Section
	strict.Windows = nil
	if more := judge(stops, []enforce.Policy{enforce.NewPolicy(strict)}); more <= suspected {
		t.Errorf("%d suspected, and without any window %d", suspected, more)
	}
}
