package review

import (
	"context"
	"strings"
	"testing"
	"time"
)

// troubled is a system of which these conditions are not well.
func troubled(bad ...Condition) func(context.Context) []Condition {
	return func(context.Context) []Condition { return bad }
}

func TestSystemPage(t *testing.T) {
	b := newBureau(t, suspected(1, accepted))
	b.system = troubled(
		Condition{"exemptions", false, opened, "line 3: no plate"},
		Condition{"disk", true, opened.Add(time.Hour), "write <data>: no space left on device"},
		Condition{"of_tomorrow", false, opened.Add(time.Minute), "something new"},
	)
	d := signedIn(t, b)
	got := d.get("/system")
	got.wants(t, 200,
		"Disk", "Make room", "2026-03-10 01:05:00", "write &lt;data&gt;: no space left on device", "Serious",
		"Exempt vehicles", "line 3: no plate", "of_tomorrow", "something new")
	if disk, list := strings.Index(got.body, `class="card grave"`), strings.Index(got.body, "line 3"); disk > list {
		t.Error("the gravest does not come first")
	}
	for path, code := range map[string]int{"/": 200, "/cases/" + caseID(1): 200, "/nowhere": 404} {
		d.get(path).wants(t, code,
			`class="banner grave" href="/system"`, "Disk, Exempt vehicles, of_tomorrow", `<span aria-hidden="true">3</span>`)
	}
	d.get("/system", "Accept-Language", "zh").wants(t, 200, "磁盘", "严重", "豁免车辆名单", "of_tomorrow", "系统出现严重问题")
}

func TestSystemThatIsWell(t *testing.T) {
	b := newBureau(t)
	b.system = troubled()
	d := newDesk(t, b)
	if got := d.get("/system"); got.code != 303 {
		t.Errorf("a stranger gets %d, want the sign-in", got.code)
	}
	d.signIn()
	got := d.get("/system")
	got.wants(t, 200, "All is well")
	if strings.Contains(got.body, `class="banner`) {
		t.Error("a banner where nothing is wrong")
	}
}

func TestStrangersAreToldNothingOfTheSystem(t *testing.T) {
	b := newBureau(t)
	b.system = troubled(Condition{"disk", true, opened, "no space left"})
	d := newDesk(t, b)
	if got := d.get("/sign-in"); strings.Contains(got.body, "Disk") || strings.Contains(got.body, "/system") {
		t.Errorf("the sign-in page tells of the system:\n%s", got.body)
	}
}

// Names that the rest of the program gives have words in both languages.
func TestConditionsHaveWords(t *testing.T) {
	for _, name := range []string{
		"database", "database_confinement", "database_rows", "sink",
		"case_log", "case_log_keeping", "case_log_damage", "case_log_strangers", "spool",
		"disk", "disk_days", "evidence", "exemptions", "police", "custody", "sign_in_record",
	} {
		for lang, text := range catalogs {
			if text["condition."+name] == "" || text["condition."+name+".what"] == "" {
				t.Errorf("%s has no words in %s", name, lang)
			}
		}
	}
}
