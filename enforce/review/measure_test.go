package review

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidewatch/detect/plate"
	"tidewatch/enforce"
)

// changed is case n, suspected otherwise than suspected says.
func changed(n int, read plate.Read, change ...func(*enforce.Violation)) enforce.Event {
	e := suspected(n, read)
	for _, f := range change {
		f(e.Violation)
	}
	return e
}

func inTrial(v *enforce.Violation) { v.Trial = true }

func onTrial(n int, read plate.Read) enforce.Event { return changed(n, read, inTrial) }

// scaled puts a violation under a scale of warnings and penalties.
func scaled(v *enforce.Violation) {
	v.Rule.Discretion = &enforce.Discretion{
		Announcement: "裁量〔2026〕3号", FirstWithinDays: 365, MinorWithin: 10 * time.Minute, RepeatWithinDays: 90, EscalateAt: 3,
	}
}

// daysAgo moves a violation to an earlier day.
func daysAgo(days int) func(*enforce.Violation) {
	return func(v *enforce.Violation) {
		v.StopStart, v.Since, v.Due = v.StopStart.AddDate(0, 0, -days), v.Since.AddDate(0, 0, -days), v.Due.AddDate(0, 0, -days)
	}
}

var byLi = enforce.Decision{Plate: "川AD12345"}

// permits is a list that holds the plate of accepted until a day.
func permits(until string) enforce.Exemptions {
	day, err := time.Parse(time.DateOnly, until)
	if err != nil {
		panic(err)
	}
	return enforce.NewExemptions([]enforce.Exemption{
		{Kind: enforce.Resident, Plate: "川AD12345", Sections: []string{"huxi"}, Until: day, Reference: "湖西社区〔2026〕12号"},
	})
}

func TestTheScaleProposes(t *testing.T) {
	warned := func(n, days int) []enforce.Event {
		return []enforce.Event{changed(n, accepted, daysAgo(days)), decided(n, 1, enforce.Warned, byLi)}
	}
	for name, each := range map[string]struct {
		before []enforce.Event
		read   plate.Read
		wants  []string
		first  string // of the two buttons
	}{
		"a first violation": {
			nil, accepted,
			[]string{"Proposed: warn", "First violation in 365 days.", "By the scale 裁量〔2026〕3号", "None since 2025-03-10", "Confirm all the same…"},
			"warn",
		},
		"a repeated one": {
			warned(2, 30), accepted,
			[]string{"Proposed: confirm, to be penalised", "Earlier violations in 90 days: 1.", "1 since 2025-03-10", `href="` + casePath(caseID(2)) + `"`, "Warn instead…"},
			"confirm",
		},
		"the third": {
			append(warned(2, 30), warned(3, 60)...), accepted,
			[]string{"Violation number 3 in 90 days: the heavier step of the scale.", "2 since"},
			"confirm",
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBureau(t, append(each.before, changed(1, each.read, scaled))...)
			got := signedIn(t, b).get(casePath(caseID(1)))
			got.wants(t, 200, each.wants...)
			warn, confirm := strings.Index(got.body, `id="warn"`), strings.Index(got.body, `id="confirm"`)
			if warn < 0 || confirm < 0 || (warn < confirm) != (each.first == "warn") {
				t.Errorf("warn at %d, confirm at %d; want %s first", warn, confirm, each.first)
			}
		})
	}
}

func TestATypedPlateIsLookedUpBeforeTheDecision(t *testing.T) {
	for name, each := range map[string]struct {
		form  url.Values
		code  int
		wants []string
	}{
		"first violation": {url.Values{"plate": {"川a·D99999"}}, 200, []string{"Proposed: warn", `id="warn" formaction="/cases/case000000000001/warn" autofocus`, "data-typed", `value="川a·D99999"`}},
		"exempt":          {url.Values{"plate": {"川AD12345"}}, 200, []string{"Exempt vehicle", "formnovalidate autofocus>Reject: exempt vehicle"}},
		"odd":             {url.Values{"plate": {"B123"}}, 422, []string{"No known kind of plate", `value="yes"> `}},
		"odd and sure":    {url.Values{"plate": {"B123"}, "sure": {"yes"}}, 200, []string{"Proposed: warn", `value="yes" checked>`}},
		"none":            {url.Values{"plate": {" "}}, 422, []string{"Type the plate before you confirm.", `id="look"`}},
		"stale":           {url.Values{"plate": {"川AD99999"}, "revision": {"7"}}, 409, []string{"your decision was not applied"}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBureau(t, changed(1, unread, scaled))
			b.exempt = permits("2027-01-01")
			d := signedIn(t, b)
			d.get(casePath(caseID(1))).wants(t, 200, "With the plate, the scale proposes a warning or a penalty.", `id="look"`)
			if !each.form.Has("revision") {
				each.form.Set("revision", "1")
			}
			d.post(casePath(caseID(1))+"/look", each.form).wants(t, each.code, each.wants...)
			if len(b.history[caseID(1)]) != 1 {
				t.Error("looking a plate up decided the case")
			}
		})
	}
}

func TestOfficersMayDecideOtherwiseWithAReason(t *testing.T) {
	b := newBureau(t, changed(1, unread, scaled), changed(2, accepted, scaled, daysAgo(5)), decided(2, 1, enforce.Confirmed, enforce.Decision{Plate: "川AD12345"}))
	d := signedIn(t, b)
	form := url.Values{"plate": {"川AD99999"}, "revision": {"1"}}
	d.post(casePath(caseID(1))+"/confirm", form).wants(t, 422,
		"For this plate the scale proposes otherwise.", "Proposed: warn", "First violation in 365 days.", `value="川AD99999"`, `<details class="otherwise" open>`)
	form.Set("plate", "川AD12345")
	d.post(casePath(caseID(1))+"/warn", form).wants(t, 422, "Proposed: confirm", "Earlier violations in 90 days: 1.")
	form.Set("why", strings.Repeat("长", maxNote+1))
	d.post(casePath(caseID(1))+"/warn", form).wants(t, 422, "too long; 500")
	if len(b.history[caseID(1)]) != 1 {
		t.Fatal("a decision without its reason reached the case log")
	}
	form.Set("why", " 送医 ")
	for range 2 { // sent twice, decided once
		if got := d.post(casePath(caseID(1))+"/warn", form); got.code != http.StatusSeeOther {
			t.Fatalf("%d, want 303:\n%s", got.code, got.body)
		}
	}
	want := enforce.Decision{Plate: "川AD12345", Reason: "送医", Proposed: enforce.Penalise, Grounds: "repeat"}
	c, _ := b.Case(t.Context(), caseID(1))
	if diff := cmp.Diff(want, c.Decision); diff != "" || c.State != enforce.StateWarned || len(b.history[caseID(1)]) != 2 {
		t.Errorf("%s after %d events; decision (-want +got):\n%s", c.State, len(b.history[caseID(1)]), diff)
	}
	d.get(casePath(caseID(1))).wants(t, 200, "Warned.", "Warned, plate 川A·D12345; a penalty was proposed, but: 送医")
}

func TestWhatIsProposedNeedsNoReason(t *testing.T) {
	b := newBureau(t, changed(1, accepted, scaled))
	d := signedIn(t, b)
	if got := d.post(casePath(caseID(1))+"/warn", url.Values{"plate": {"川AD12345"}, "revision": {"1"}}); got.code != http.StatusSeeOther {
		t.Fatalf("%d, want 303:\n%s", got.code, got.body)
	}
	want := enforce.Decision{Plate: "川AD12345", Proposed: enforce.Warn, Grounds: "first"}
	if c, _ := b.Case(t.Context(), caseID(1)); c.Decision != want || c.State != enforce.StateWarned {
		t.Errorf("%s by %+v", c.State, c.Decision)
	}
	d.outcome("warned", applied)
}

func TestExemptVehiclesCannotBeHeldForAViolation(t *testing.T) {
	for name, read := range map[string]plate.Read{"read": accepted, "typed": unread} {
		t.Run(name, func(t *testing.T) {
			b := newBureau(t, changed(1, read, scaled))
			b.exempt = permits("2027-01-01")
			d := signedIn(t, b)
			hit := "Resident&#39;s vehicle, 湖西社区〔2026〕12号, valid until 2027-01-01 08:00:00"
			if page := d.get(casePath(caseID(1))); strings.Contains(page.body, hit) != (name == "read") || strings.Contains(page.body, "Proposed:") {
				t.Errorf("the page says %v before anything was typed", page.body)
			}
			for _, action := range []string{"confirm", "warn"} {
				d.post(casePath(caseID(1))+"/"+action, url.Values{"plate": {"川A·d12345"}, "revision": {"1"}, "why": {"because"}}).wants(t, 422,
					"This vehicle is exempt", hit, `name="reason" value="exempt"`)
			}
			if len(b.history[caseID(1)]) != 1 {
				t.Fatal("an exempt vehicle's case was decided")
			}
			if got := d.post(casePath(caseID(1))+"/reject", url.Values{"reason": {"exempt", ""}, "revision": {"1"}}); got.code != http.StatusSeeOther {
				t.Fatalf("%d, want 303", got.code)
			}
			d.get(casePath(caseID(1))).wants(t, 200, "Rejected: Exempt vehicle")
		})
	}
}

func TestAnEndedExemptionIsNone(t *testing.T) {
	b := newBureau(t, suspected(1, accepted))
	b.exempt = permits("2026-03-09")
	d := signedIn(t, b)
	if got := d.post(casePath(caseID(1))+"/confirm", url.Values{"plate": {"川AD12345"}, "revision": {"1"}}); got.code != http.StatusSeeOther {
		t.Fatalf("%d, want 303:\n%s", got.code, got.body)
	}
	if c, _ := b.Case(t.Context(), caseID(1)); c.Decision.Exemptions != b.exempt.ID || c.State != enforce.StateConfirmed {
		t.Errorf("%s, looked up in list %q, want %q", c.State, c.Decision.Exemptions, b.exempt.ID)
	}
}

func TestATrialSaysSoAndSendsNothing(t *testing.T) {
	for i, action := range []string{"confirm", "warn"} {
		t.Run(action, func(t *testing.T) {
			b := newBureau(t, onTrial(1, accepted))
			d := signedIn(t, b)
			d.get("/").wants(t, 200, "To review · trial")
			d.get(casePath(caseID(1))).wants(t, 200, "Nothing is sent to the police.")
			if got := d.post(casePath(caseID(1))+"/"+action, url.Values{"plate": {"川AD12345"}, "revision": {"1"}}); got.code != http.StatusSeeOther {
				t.Fatalf("%d, want 303", got.code)
			}
			said := []string{"Confirmed, plate", "Warned, plate"}[i]
			d.get(casePath(caseID(1))).wants(t, 200, "Nothing is sent to the police.", fmt.Sprintf("<strong>%s 川A·D12345</strong>", said))
			if c, _ := b.Case(t.Context(), caseID(1)); c.State != enforce.StateTrial {
				t.Errorf("the case is %s, want %s", c.State, enforce.StateTrial)
			}
		})
	}
}
