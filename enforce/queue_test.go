package enforce

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidewatch/detect"
)

func TestTimeInAQueueIsNotCounted(t *testing.T) {
	type spans [][2]string
	for name, test := range map[string]struct {
		start, end     string
		queued, unseen spans
		due            string // "" : not suspected
		reasons        []ReasonCode
	}{
		"a queue of longer than the period": {
			"2026-03-02 10:00:00", "2026-03-02 10:05:02",
			spans{{"2026-03-02 10:00:00", "2026-03-02 10:05:00"}},
			nil,
			"",
			[]ReasonCode{NoWindow, Queued, StillObserving},
		},
		"a queue that still stands": {
			"2026-03-02 10:00:00", "2026-03-02 10:05:00",
			spans{{"2026-03-02 10:00:00", "2026-03-02 10:05:00"}},
			nil,
			"",
			[]ReasonCode{NoWindow, Queued, StillObserving},
		},
		"stays when the queue has driven on": {
			"2026-03-02 10:00:00", "2026-03-02 10:06:30",
			spans{{"2026-03-02 10:00:00", "2026-03-02 10:01:30"}},
			nil,
			"2026-03-02 10:06:30",
			[]ReasonCode{NoWindow, Queued, PeriodRanOut},
		},
		"blind for a part of the time in the queue": {
			"2026-03-02 10:00:00", "2026-03-02 10:08:00",
			spans{{"2026-03-02 10:00:00", "2026-03-02 10:02:00"}},
			spans{{"2026-03-02 10:01:00", "2026-03-02 10:03:00"}},
			"2026-03-02 10:08:00",
			[]ReasonCode{NoWindow, Unseen, Queued, PeriodRanOut},
		},
		"the same, a second short": {
			"2026-03-02 10:00:00", "2026-03-02 10:07:59",
			spans{{"2026-03-02 10:00:00", "2026-03-02 10:02:00"}},
			spans{{"2026-03-02 10:01:00", "2026-03-02 10:03:00"}},
			"",
			[]ReasonCode{NoWindow, Unseen, Queued, StillObserving},
		},
	} {
		t.Run(name, func(t *testing.T) {
			read := func(of spans) (read []detect.Span) {
				for _, s := range of {
					read = append(read, detect.Span{From: at(shanghai, s[0]), Until: at(shanghai, s[1])})
				}
				return read
			}
			stop := detect.Stop{
				Box: onTheKerb, Start: at(shanghai, test.start), End: at(shanghai, test.end),
				Queued: read(test.queued), Unseen: read(test.unseen),
			}
			got := night(nil).Judge(stop, kerb)
			if got.Suspected != (test.due != "") || got.Suspected && !got.Due.Equal(at(shanghai, test.due)) {
				t.Errorf("suspected = %v, due %v, want %q", got.Suspected, got.Due, test.due)
			}
			if diff := cmp.Diff(test.reasons, codes(got)); diff != "" {
				t.Errorf("reasons (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(got, fromRecord(t, stop)); diff != "" {
				t.Errorf("judged again from what a case keeps (-first +again):\n%s", diff)
			}
		})
	}
}

// fromRecord judges a stop by its record as a case keeps it.
func fromRecord(t *testing.T, stop detect.Stop) Verdict {
	t.Helper()
	text, err := json.Marshal(RecordOf(stop))
	if err != nil {
		t.Fatal(err)
	}
	var record StopRecord
	if err := json.Unmarshal(text, &record); err != nil {
		t.Fatal(err)
	}
	return night(nil).JudgeRecord(record, kerb)
}

func TestAQueueNeverAddsAViolation(t *testing.T) {
	d := newDice(11)
	saved := 0
	for range tries {
		section := d.section()
		section.AgainAfter = d.minutes(600)
		p := NewPolicy(section)
		stop := d.stop(p.Section)
		stop.Nth = d.IntN(2)
		queued := stop
		from := stop.Start.Add(time.Duration(d.IntN(20*60)) * time.Second)
		queued.Queued = []QueuedSpan{{kept(from), kept(from.Add(d.minutes(10)))}}
		with, without := p.JudgeRecord(queued, kerb), p.JudgeRecord(stop, kerb)
		if worse(with, without) {
			t.Fatalf("%v to %v, queued %v: due %v, else %v\n%s", stop.Start, stop.End, queued.Queued, with.Due, without.Due, p.Document())
		}
		if without.Suspected && !with.Suspected {
			saved++
		}
	}
	if saved == 0 {
		t.Error("it never made a difference")
	}
}
