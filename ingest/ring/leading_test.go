package ring

import (
	"errors"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"tidewatch/ingest"
	"tidewatch/ingest/nal"
)

// openGroups are encodings in which pictures come after a key picture, are shown
// before it, and build on what was before.
var openGroups = map[string][]string{
	"H.264": {"-c:v", "libx264", "-bf", "2", "-x264-params", "open-gop=1:keyint=8:min-keyint=8:scenecut=0:b-adapt=0"},
	"H.265": {"-c:v", "libx265", "-x265-params", "log-level=none:bframes=3:open-gop=1:b-adapt=0:scenecut=0"},
}

// decoded is how many pictures ffprobe decodes, whatever their times.
func decoded(t *testing.T, path string) int {
	t.Helper()
	out, err := exec.Command("ffprobe", "-v", "error", "-count_frames", "-show_entries", "stream=nb_read_frames", "-of", "csv=p=0", path).Output()
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(out)))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestAClipLeavesOutWhatBuildsOnBefore cuts open groups, with a media clock that
// tells in which order pictures are shown, and with one that stands still.
func TestAClipLeavesOutWhatBuildsOnBefore(t *testing.T) {
	for name, options := range openGroups {
		for _, still := range []bool{false, true} {
			t.Run(name+map[bool]string{true: ", clock still"}[still], func(t *testing.T) {
				t.Parallel()
				all, _ := film(t, 3, options...)
				for _, u := range all {
					u.Key = u.Announced()
				}
				second := 1 + slices.IndexFunc(all[1:], func(u *ingest.Unit) bool { return u.Key })
				late := 0 // pictures shown before the second key unit and decoded after it
				for _, u := range all[second:] {
					if u.PTS < all[second].PTS {
						late++
					}
				}
				if late == 0 {
					t.Fatal("no group is open")
				}
				r := newRing(DefaultConfig())
				for _, u := range all {
					if still { // then arrivals tell
						u.PTS = u.Arrival.Sub(begin)
					}
					r.Add(u)
				}
				clip, err := r.Cut(all[second].Arrival, all[len(all)-1].Arrival)
				if err != nil {
					t.Fatal(err)
				}
				if got, want := len(clip.Units), len(all)-second-late; got != want {
					t.Errorf("the clip holds %d units, want %d", got, want)
				}
				if n := decoded(t, saveClip(t, clip)); n != len(clip.Units) {
					t.Errorf("the clip of %d units shows %d pictures", len(clip.Units), n)
				}
			})
		}
	}
}

// TestAClipEndsWhereTheClockGoesBack cuts a stream that does so at a key unit, as
// where a camera that reordered its pictures does so no longer.
func TestAClipEndsWhereTheClockGoesBack(t *testing.T) {
	all, _ := film(t, 3, "-c:v", "libx264", "-bf", "0")
	r := newRing(DefaultConfig())
	for i, u := range all {
		if i >= 10 {
			u.PTS -= 1200 * time.Millisecond // before all that came
		}
		r.Add(u)
	}
	clip, err := r.Cut(all[0].Arrival, all[len(all)-1].Arrival)
	if !errors.Is(err, ErrShort) {
		t.Fatalf("got %v", err)
	}
	if n := decoded(t, saveClip(t, clip)); n != 20 || len(clip.Units) != n {
		t.Errorf("the clip holds %d units and shows %d, want the 20 from there on", len(clip.Units), n)
	}
}

// TestAClipOfAClockThatStandsStill is not known to be one yet.
func TestAClipOfAClockThatStandsStill(t *testing.T) {
	all, _ := film(t, 3, "-c:v", "libx264", "-bf", "0")
	for _, u := range all {
		u.PTS = time.Hour
	}
	clip := clipOf(all)
	if d := clip.Duration(); d != 3*time.Second {
		t.Errorf("it plays for %s, want 3s", d)
	}
	if n := len(pictures(t, saveClip(t, clip))); n != len(all) {
		t.Errorf("the clip of %d units shows %d pictures", len(all), n)
	}
}

// TestAClipAnnouncesWhereItBegins cuts groups whose key pictures nobody announces.
func TestAClipAnnouncesWhereItBegins(t *testing.T) {
	all, _ := film(t, 3, openGroups["H.264"]...)
	r := newRing(DefaultConfig())
	for _, u := range all[1:] { // a clip would begin with the IDR
		u.Key = u.Announced()
		u.NALUs = slices.DeleteFunc(u.NALUs, func(nalu []byte) bool { return nal.KindOf(ingest.H264, nalu) == nal.SEI })
		r.Add(u)
	}
	clip, err := r.Cut(all[15].Arrival, all[len(all)-1].Arrival)
	if err != nil {
		t.Fatal(err)
	}
	if clip.Units[0].Announced() {
		t.Fatal("the clip begins with a unit that is announced")
	}
	if n := len(pictures(t, saveClip(t, clip))); n != len(clip.Units) {
		t.Errorf("the clip of %d units shows %d pictures", len(clip.Units), n)
	}
}
