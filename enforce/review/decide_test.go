package review

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"tidewatch/detect/plate"
	"tidewatch/enforce"
)

func TestDecisions(t *testing.T) {
	for name, each := range map[string]struct {
		action string
		form   url.Values
		want   enforce.Event
		state  enforce.State
		flash  string
	}{
		"confirm": {
			"confirm",
			url.Values{"plate": {" 川a·d12345"}},
			enforce.Event{Type: enforce.Confirmed, Decision: &enforce.Decision{Plate: "川AD12345"}},
			enforce.StateConfirmed, `role="status">Confirmed.</p>`,
		},
		"confirm an odd plate": {
			"confirm",
			url.Values{"plate": {"AB 1234"}, "sure": {"yes"}},
			enforce.Event{Type: enforce.Confirmed, Decision: &enforce.Decision{Plate: "AB1234"}},
			enforce.StateConfirmed, "Confirmed, plate AB1234",
		},
		"reject": {
			"reject",
			url.Values{"reason": {"emergency"}, "plate": {""}},
			enforce.Event{Type: enforce.Rejected, Decision: &enforce.Decision{Reason: "emergency"}},
			enforce.StateRejected, "Rejected: Emergency service on duty",
		},
		"reject with a remark": {
			"reject",
			url.Values{"reason": {"other"}, "note": {" 车辆故障 "}},
			enforce.Event{Type: enforce.Rejected, Decision: &enforce.Decision{Reason: "other: 车辆故障"}},
			enforce.StateRejected, "Rejected: Other; 车辆故障",
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBureau(t, suspected(1, doubtful), suspected(2, unread))
			d := signedIn(t, b)
			each.form.Set("revision", "1")
			got := d.post("/cases/"+caseID(1)+"/"+each.action, each.form)
			if got.code != http.StatusSeeOther || got.header.Get("Location") != casePath(caseID(1)) {
				t.Fatalf("%d to %q, want 303 to the case:\n%s", got.code, got.header.Get("Location"), got.body)
			}
			each.want.Case, each.want.Actor, each.want.Revision = caseID(1), "officer/officer", 1
			each.want.Via = enforce.ViaSession
			each.want.At = opened.Add(2 * time.Hour)
			recorded := b.history[caseID(1)][1]
			if diff := cmp.Diff(each.want, recorded.Event, cmpopts.IgnoreFields(enforce.Event{}, "ID")); diff != "" {
				t.Errorf("event (-want +got):\n%s", diff)
			}
			if len(recorded.ID) < 20 || recorded.Outcome != enforce.Applied {
				t.Errorf("ID %q, outcome %s", recorded.ID, recorded.Outcome)
			}
			page := d.get(casePath(caseID(1)))
			page.wants(t, 200, each.flash, `<p class="flash" role="status">`, `href="`+casePath(caseID(2))+`" id="next"`)
			if c, _ := b.Case(t.Context(), caseID(1)); c.State != each.state {
				t.Errorf("state %s, want %s", c.State, each.state)
			}
			if again := d.get(casePath(caseID(1))); strings.Contains(again.body, `class="flash"`) {
				t.Error("the flash is said twice")
			}
			d.outcome(string(each.want.Type), applied)
		})
	}
}

// outcome checks that exactly one decision was counted, and how.
func (d *desk) outcome(kind, outcome string) {
	d.t.Helper()
	families, err := d.reg.Gather()
	if err != nil {
		d.t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != "tidewatch_review_decisions_total" {
			continue
		}
		m := f.GetMetric()
		if len(m) == 1 && m[0].GetCounter().GetValue() == 1 &&
			m[0].GetLabel()[0].GetValue() == kind && m[0].GetLabel()[1].GetValue() == outcome {
			return
		}
		d.t.Errorf("decisions counted: %v, want one of %s, %s", m, kind, outcome)
		return
	}
	d.t.Error("no decision was counted")
}

// badInput is a form that is refused, and what its page says.
type badInput struct {
	action string
	form   url.Values
	want   []string
}

// sure insists on a plate that has what no plate has.
func sure(plate string, want ...string) badInput {
	return badInput{"confirm", url.Values{"plate": {plate}, "sure": {"yes"}}, append(want, "letters, digits and Chinese characters only")}
}

func TestBadInputKeepsWhatWasTyped(t *testing.T) {
	long := strings.Repeat("长", maxNote+1)
	for name, each := range map[string]badInput{
		"no plate": {
			"confirm",
			url.Values{"plate": {" · "}, "reason": {"unclear"}, "note": {"half a thought"}},
			[]string{"Type the plate before you confirm.", `value="unclear" selected`, ">half a thought</textarea>", "<details class=\"reject\" open>"},
		},
		"odd plate": {
			"confirm",
			url.Values{"plate": {"川AB"}},
			[]string{"No known kind of plate", `name="sure"`, `value="川AB"`},
		},
		"long plate": {
			"confirm",
			url.Values{"plate": {strings.Repeat("A", plate.MaxLength+1)}, "sure": {"yes"}},
			[]string{"The plate is too long."},
		},
		"markup":                 sure("川A<b>", `value="川A&lt;b&gt;"`),
		"writing turned round":   sure("川A\u202e54321"),
		"a mark of direction":    sure("川A12345\u200f"),
		"nothing to be seen":     sure("川A1\u200b2345"),
		"a byte of nought":       sure("川A12345\x00"),
		"no characters at all":   sure("川A12345\xff\xfe"),
		"a picture":              sure("川A12345😀"),
		"a letter that looks so": sure("川А12345"), // Cyrillic
		"a line break":           sure("川A\n12345"),
		"a combining mark":       sure("川A\u033612345"),
		"no reason": {
			"reject",
			url.Values{"plate": {"川A12345"}, "note": {"why?"}},
			[]string{"Choose a reason.", `value="川A12345"`, ">why?</textarea>"},
		},
		"unknown reason":       {"reject", url.Values{"reason": {"because"}}, []string{"Choose a reason."}},
		"other without remark": {"reject", url.Values{"reason": {"other"}, "note": {"  "}}, []string{"Say what the other reason is."}},
		"remark turned round":  {"reject", url.Values{"reason": {"unclear"}, "note": {"a\u202eb"}}, []string{"characters that cannot be seen"}},
		"remark with nought":   {"reject", url.Values{"reason": {"unclear"}, "note": {"a\x00b"}}, []string{"characters that cannot be seen"}},
		"remark not in UTF-8":  {"reject", url.Values{"reason": {"unclear"}, "note": {"\xc4\xe3"}}, []string{"characters that cannot be seen"}},
		"remark too long":      {"reject", url.Values{"reason": {"unclear"}, "note": {long}}, []string{"too long; 500", long}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBureau(t, suspected(1, unread))
			d := signedIn(t, b)
			each.form.Set("revision", "1")
			d.post(casePath(caseID(1))+"/"+each.action, each.form).wants(t, 422, append(each.want, `aria-invalid="true"`)...)
			if len(b.history[caseID(1)]) != 1 {
				t.Error("a bad form reached the case log")
			}
			kind := map[string]string{"confirm": "confirmed", "reject": "rejected"}[each.action]
			d.outcome(kind, invalid)
		})
	}
}

func TestStaleDecisionChangesNothing(t *testing.T) {
	b := newBureau(t, suspected(1, accepted), decided(1, 1, enforce.Rejected, enforce.Decision{Reason: "emergency"}))
	d := signedIn(t, b)
	d.post(casePath(caseID(1))+"/confirm", url.Values{"plate": {"川AD12345"}, "revision": {"1"}}).wants(t, 409,
		"your decision was not applied", "Rejected: Emergency service on duty", "Officer li")
	if len(b.history[caseID(1)]) != 2 {
		t.Error("a decision known to be stale reached the case log")
	}
	d.outcome("confirmed", stale)
}

func TestStaleDecisionOnAnOpenCaseCanBeMadeAgain(t *testing.T) {
	b := newBureau(t, suspected(1, accepted),
		decided(1, 1, enforce.Confirmed, enforce.Decision{Plate: "川AD12345"}), receipted(1, false))
	d := signedIn(t, b)
	form := url.Values{"plate": {"川AD12346"}, "revision": {"1"}}
	d.post(casePath(caseID(1))+"/confirm", form).wants(t, 409, "was not applied", `name="revision" value="3"`, `value="川AD12346"`)
	form.Set("revision", "3")
	if got := d.post(casePath(caseID(1))+"/confirm", form); got.code != http.StatusSeeOther {
		t.Errorf("second try: %d, want 303", got.code)
	}
}

func TestColleagueIsFaster(t *testing.T) {
	b := newBureau(t, suspected(1, accepted))
	b.meanwhile = func(enforce.Event) {
		b.apply(decided(1, 1, enforce.Rejected, enforce.Decision{Reason: "necessity"}))
	}
	d := signedIn(t, b)
	d.post(casePath(caseID(1))+"/confirm", url.Values{"plate": {"川AD12345"}, "revision": {"1"}}).wants(t, 409,
		"your decision was not applied", "Rejected: Rescue or necessity",
		"Confirmed, plate 川A·D12345 <em>no effect: the case had moved on</em>")
	d.outcome("confirmed", stale)
}

func TestFormSentTwiceIsOneDecision(t *testing.T) {
	b := newBureau(t, suspected(1, accepted))
	d := signedIn(t, b)
	form := url.Values{"plate": {"川AD12345"}, "revision": {"1"}}
	for range 2 {
		if got := d.post(casePath(caseID(1))+"/confirm", form); got.code != http.StatusSeeOther {
			t.Fatalf("%d, want 303", got.code)
		}
	}
	if len(b.history[caseID(1)]) != 2 {
		t.Errorf("%d events, want 2", len(b.history[caseID(1)]))
	}
	d.outcome("confirmed", applied)
}

func TestSlowViewSaysSo(t *testing.T) {
	b := newBureau(t, suspected(1, accepted))
	b.held = true
	d := signedIn(t, b, func(c *Config) { c.DecisionWait = 3 * lookAgain })
	got := d.post(casePath(caseID(1))+"/reject", url.Values{"reason": {"unclear"}, "revision": {"1"}})
	if got.code != http.StatusSeeOther {
		t.Fatalf("%d, want 303", got.code)
	}
	d.get(casePath(caseID(1))).wants(t, 200, "Your decision is recorded and will show here in a moment.")
	d.outcome("rejected", late)
}

func TestUnrecordedDecisionKeepsWhatWasTyped(t *testing.T) {
	b := newBureau(t, suspected(1, accepted))
	b.appendErr = errors.New("log is away")
	d := signedIn(t, b)
	d.post(casePath(caseID(1))+"/reject", url.Values{"reason": {"unclear"}, "note": {"dark"}, "revision": {"1"}}).wants(t, 503,
		"Please send it again.", `value="unclear" selected`, ">dark</textarea>", `name="revision" value="1"`)
	if logs := d.logs.String(); strings.Count(logs, "\n") != 1 || !strings.Contains(logs, "log is away") {
		t.Errorf("logs %q, want the error once", logs)
	}
	d.outcome("rejected", unrecorded)
}

func TestDecisionWithoutARevisionIsStale(t *testing.T) {
	b := newBureau(t, suspected(1, accepted))
	d := signedIn(t, b)
	d.post(casePath(caseID(1))+"/confirm", url.Values{"plate": {"川AD12345"}}).wants(t, 409)
	d.post(casePath("none")+"/confirm", url.Values{"plate": {"川AD12345"}}).wants(t, 404)
	if n := testutil.CollectAndCount(d.reg, "tidewatch_review_decisions_total"); n != 1 {
		t.Errorf("%d kinds of decisions counted, want 1", n)
	}
}

func TestFormAddressLeadsToTheCase(t *testing.T) {
	d := signedIn(t, newBureau(t, suspected(1, unread)))
	for _, action := range []string{"confirm", "reject"} {
		got := d.get(casePath(caseID(1)) + "/" + action)
		if got.code != http.StatusSeeOther || got.header.Get("Location") != casePath(caseID(1)) {
			t.Errorf("%s: %d to %q, want 303 to the case", action, got.code, got.header.Get("Location"))
		}
	}
	d.get(casePath(caseID(1))+"/other").wants(t, 404)
}
