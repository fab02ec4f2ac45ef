package review

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"tidewatch/enforce"
)

var caseLink = regexp.MustCompile(`href="(/cases/case\d+)"`)

// listed are the numbers of the cases on a page, in order.
func listed(body string) []int {
	var found []int
	for _, m := range caseLink.FindAllStringSubmatch(body, -1) {
		var n int
		if _, err := fmt.Sscanf(m[1], "/cases/case%d", &n); err == nil {
			found = append(found, n)
		}
	}
	return found
}

func TestQueueTurnsPages(t *testing.T) {
	b := newBureau(t)
	for n := 1; n <= 7; n++ {
		b.put(t, suspected(n, unread))
	}
	d := signedIn(t, b, func(c *Config) { c.PageSize = 3 })
	older := regexp.MustCompile(`rel="next" href="([^"]+)"`)
	path, pages := "/", [][]int{}
	for range 10 {
		got := d.get(path)
		got.wants(t, 200)
		pages = append(pages, listed(got.body))
		if live := strings.Contains(got.body, "data-refresh"); live != (path == "/") {
			t.Errorf("%s: renews itself: %v; only the newest page must", path, live)
		}
		next := older.FindStringSubmatch(got.body)
		if next == nil {
			break
		}
		path = strings.ReplaceAll(next[1], "&amp;", "&")
	}
	want := [][]int{{7, 6, 5}, {4, 3, 2}, {1}}
	if !slices.EqualFunc(pages, want, slices.Equal[[]int]) {
		t.Errorf("pages %v, want %v", pages, want)
	}
	d.get(queuePath(enforce.StateSuspected, opened)).wants(t, 200, "There are no older cases.", `href="/"`)
}

func TestQueueShowsEachState(t *testing.T) {
	b := newBureau(t,
		suspected(1, accepted),
		suspected(2, doubtful), decided(2, 1, enforce.Confirmed, enforce.Decision{Plate: "川A8K3J7"}),
		suspected(3, unread), decided(3, 1, enforce.Rejected, enforce.Decision{Reason: "unclear"}),
		suspected(4, accepted), decided(4, 1, enforce.Confirmed, enforce.Decision{Plate: "川AD12345"}), receipted(4, true),
		suspected(5, accepted), decided(5, 1, enforce.Confirmed, enforce.Decision{Plate: "川AD12345"}), receipted(5, false),
		suspected(6, accepted), decided(6, 1, enforce.Warned, enforce.Decision{Plate: "川AD12345"}),
		onTrial(7, accepted), decided(7, 1, enforce.Confirmed, enforce.Decision{Plate: "川AD12345"}),
	)
	d := signedIn(t, b)
	for state, want := range map[enforce.State]struct {
		number int
		plate  string
	}{
		enforce.StateSuspected: {1, `<span class="plate green" translate="no">川A·D12345</span>`},
		enforce.StateConfirmed: {2, `<span class="plate blue" translate="no">川A·8K3J7</span>`},
		enforce.StateRejected:  {3, `<span class="plate unread">unread</span>`},
		enforce.StateUploaded:  {4, `<span class="state uploaded">Uploaded</span>`},
		enforce.StateRefused:   {5, `<span class="state refused">Refused</span>`},
		enforce.StateWarned:    {6, `<span class="state warned">Warned</span>`},
		enforce.StateTrial:     {7, `<span class="state trial">Trial</span>`},
	} {
		t.Run(string(state), func(t *testing.T) {
			got := d.get(queuePath(state, time.Time{}))
			got.wants(t, 200, want.plate, "湖西路潮汐路段", "湖西路 18 号门前", "2026-03-10 05:30:00")
			if numbers := listed(got.body); !slices.Equal(numbers, []int{want.number}) {
				t.Errorf("lists %v, want %d", numbers, want.number)
			}
			if strings.Count(got.body, `<span class="count">1</span>`) != len(enforce.States) {
				t.Error("a tab does not count its one case")
			}
		})
	}
}

func TestDoubtfulReadIsShownAsUnread(t *testing.T) {
	d := signedIn(t, newBureau(t, suspected(1, doubtful)))
	got := d.get("/")
	got.wants(t, 200, `<span class="plate unread">unread</span>`)
	if strings.Contains(got.body, "8K3J7") {
		t.Error("a read without enough agreement stands in the queue as a plate")
	}
}

func TestDwell(t *testing.T) {
	b := newBureau(t, suspected(1, unread), suspected(2, unread), stopEnded(2))
	got := signedIn(t, b).get("/")
	// Both came at 05:30; the clock shows 10:05, and the second left at 11:05.
	got.wants(t, 200, `Since start</span><span>4 h 35 min <em>not seen leaving</em>`, `For</span><span>5 h 35 min</span>`)
}

func TestEmptyQueueSaysWhatItMeans(t *testing.T) {
	d := signedIn(t, newBureau(t))
	for state, want := range map[enforce.State]string{
		enforce.StateSuspected: "A case appears here once a vehicle has stood outside",
		enforce.StateConfirmed: "until the police platform has answered",
		enforce.StateUploaded:  "that the police platform has accepted",
		enforce.StateRefused:   "to be corrected and confirmed again or rejected",
		enforce.StateRejected:  "with the reason",
	} {
		t.Run(string(state), func(t *testing.T) {
			d.get(queuePath(state, time.Time{})).wants(t, 200, want)
		})
	}
}

func TestClockOfAQueueWithoutCases(t *testing.T) {
	utc := func(c *Config) { c.TimeZone = time.UTC }
	for name, each := range map[string]struct {
		events []enforce.Event
		want   string
	}{
		"no case at all":          {nil, "As of 02:05:00"},
		"a case in another state": {[]enforce.Event{suspected(1, unread)}, "As of 10:05:00"},
	} {
		t.Run(name, func(t *testing.T) {
			d := signedIn(t, newBureau(t, each.events...), utc)
			d.get(queuePath(enforce.StateRefused, time.Time{})).wants(t, 200, each.want)
		})
	}
}
