package review

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidewatch/enforce"
	"tidewatch/enforce/authors/sim"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares a page with the file kept of it; checksums in asset
// addresses change with every edit and do not count.
func golden(t *testing.T, name, body string) {
	t.Helper()
	body = assetPath.ReplaceAllString(body, "/assets/ASSET")
	path := filepath.Join("testdata", name+".html")
	if *update {
		if err := os.WriteFile(path, []byte(body), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), body); diff != "" {
		t.Errorf("page differs from %s (-want +got), run with -update to take it:\n%s", path, diff)
	}
}

func TestGoldenPages(t *testing.T) {
	b := newBureau(t,
		suspected(1, accepted), suspected(2, doubtful),
		suspected(3, accepted), stopEnded(3),
		decided(3, 1, enforce.Confirmed, enforce.Decision{Plate: "川AD12345"}),
		decided(3, 1, enforce.Rejected, enforce.Decision{Reason: "unclear: 车牌被遮挡"}),
		uploadFailed(3), receipted(3, true),
	)
	d := signedIn(t, b)
	for name, each := range map[string]struct{ path, accept string }{
		"queue_zh":    {"/", "zh"},
		"case_en":     {"/cases/" + caseID(2), "en"},
		"uploaded_zh": {"/cases/" + caseID(3), "zh"},
	} {
		t.Run(name, func(t *testing.T) {
			got := d.get(each.path, "Accept-Language", each.accept)
			got.wants(t, 200)
			golden(t, name, got.body)
		})
	}
}

func TestPlateField(t *testing.T) {
	for name, each := range map[string]struct {
		events []enforce.Event
		want   []string
	}{
		"accepted read is filled in": {
			[]enforce.Event{suspected(1, accepted)},
			[]string{`name="plate" value="川AD12345"`, "Machine read 川A·D12345 (97%), accepted."},
		},
		"doubtful read is only a hint": {
			[]enforce.Event{suspected(1, doubtful)},
			[]string{`name="plate" value=""`, "Machine read 川A·8K3J7 (58%), not certain enough."},
		},
		"nothing read": {
			[]enforce.Event{suspected(1, unread)},
			[]string{`name="plate" value=""`, "could not read the plate"},
		},
		"refused keeps the officer's": {
			[]enforce.Event{
				suspected(1, doubtful), decided(1, 1, enforce.Confirmed, enforce.Decision{Plate: "川A8K3J1"}), receipted(1, false),
			},
			[]string{`name="plate" value="川A8K3J1"`, `name="revision" value="3"`, "GA/T 1400 refused", "4 号牌格式错误"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			signedIn(t, newBureau(t, each.events...)).get("/cases/"+caseID(1)).wants(t, 200, each.want...)
		})
	}
}

func TestUploadIsShown(t *testing.T) {
	confirmed := []enforce.Event{suspected(1, accepted), decided(1, 1, enforce.Confirmed, enforce.Decision{Plate: "川AD12345"})}
	for name, each := range map[string]struct {
		then []enforce.Event
		want []string
	}{
		"waiting": {nil, []string{"Waiting for upload to the police platform", `http-equiv="refresh"`}},
		"retrying": {[]enforce.Event{uploadFailed(1)}, []string{
			"will be tried again",
			"Upload attempt 3 failed: the police platform could not be reached</p>",
			`<code translate="no">dial tcp: connection refused</code>`,
		}},
		"accepted": {
			[]enforce.Event{uploadFailed(1), receipted(1, true)},
			[]string{"Accepted by the police platform", "510105000011900000030220260310080500000010200001: 0 OK", "2026-03-10 14:05:00"},
		},
		"refused": {[]enforce.Event{receipted(1, false)}, []string{"Refused by the police platform", "4 号牌格式错误"}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBureau(t, append(confirmed[:2:2], each.then...)...)
			signedIn(t, b).get("/cases/"+caseID(1)).wants(t, 200, each.want...)
		})
	}
}

func TestFormIsNotRenewedWithoutAScript(t *testing.T) {
	got := signedIn(t, newBureau(t, suspected(1, unread))).get("/cases/" + caseID(1))
	if strings.Contains(got.body, `http-equiv="refresh"`) {
		t.Error("the page would take away what an officer is typing")
	}
}

func TestVoidEventsStayInTheRecord(t *testing.T) {
	b := newBureau(t,
		suspected(1, accepted),
		decided(1, 1, enforce.Confirmed, enforce.Decision{Plate: "川AD12345"}),
		decided(1, 1, enforce.Rejected, enforce.Decision{Reason: "emergency"}),
	)
	signedIn(t, b).get("/cases/"+caseID(1)).wants(t, 200,
		"Rejected: Emergency service on duty <em>no effect: the case had moved on</em>", "Officer li")
}

// Whoever can write to Kafka can write what they like, into the record of any
// case. It is shown for what it is.
func TestStrangersAreShownInTheRecord(t *testing.T) {
	b := newBureau(t, suspected(1, accepted))
	b.take(sim.Stranger(decided(1, 1, enforce.Confirmed, enforce.Decision{Plate: "川A99999"})))
	long := decided(1, 1, enforce.Rejected, enforce.Decision{Reason: "<b>" + strings.Repeat("长", 900)})
	b.take(sim.Stranger(long))
	d := signedIn(t, b)
	page := d.get("/cases/" + caseID(1))
	page.wants(t, 200, `class="void stranger"`, "Unknown, as “Officer li”", "川A·99999",
		"void: it does not prove that this system wrote it", `action="/cases/`+caseID(1)+`/confirm"`)
	if strings.Contains(page.body, strings.Repeat("长", 200)) || strings.Contains(page.body, "<b>长") {
		t.Error("a stranger fills the page")
	}
	d.get("/cases/"+caseID(1), "Accept-Language", "zh").wants(t, 200, "来历不明，自称“执法人员 li”", "无效：无法证明由本系统写入")
}

func TestHowAnOfficerIsKnownIsShown(t *testing.T) {
	hold := enforce.Event{
		ID: "h", Case: caseID(1), Type: enforce.Held, At: opened, Actor: "officer/li", Via: enforce.ViaCommandLine,
		Hold: &enforce.Hold{Reason: "objection"},
	}
	signedIn(t, newBureau(t, suspected(1, accepted), hold)).get("/cases/"+caseID(1)).wants(t, 200,
		"password at the command line")
}

func TestCaseWithoutEvidence(t *testing.T) {
	e := suspected(1, unread)
	e.Violation.Evidence = enforce.Evidence{}
	e.Violation.Section.TimeZone = "Nowhere/Never"
	signedIn(t, newBureau(t, e)).get("/cases/"+caseID(1)).wants(t, 200, "This case has no pictures.", "All times are UTC time.")
}

func TestNeighbours(t *testing.T) {
	b := newBureau(t)
	for n := 1; n <= 4; n++ {
		b.put(t, suspected(n, accepted))
	}
	b.put(t, decided(2, 1, enforce.Rejected, enforce.Decision{Reason: "unclear"}))
	d := signedIn(t, b)
	for name, each := range map[string]struct {
		number             int
		previous, followed int // 0: none
	}{
		"newest":                  {4, 0, 3},
		"next skips what is done": {3, 4, 1},
		"oldest wraps around":     {1, 3, 4},
		"done":                    {2, 3, 1},
	} {
		t.Run(name, func(t *testing.T) {
			body := d.get("/cases/" + caseID(each.number)).body
			for rel, want := range map[string]int{"prev": each.previous, "next": each.followed} {
				link := `<a class="button" href="/cases/` + caseID(want) + `" rel="` + rel + `"`
				if want > 0 && !strings.Contains(body, link) {
					t.Errorf("no %s link to case %d", rel, want)
				}
				if want == 0 && strings.Contains(body, `rel="`+rel+`"`) {
					t.Errorf("a %s link where there is no case", rel)
				}
			}
		})
	}
}

func TestNeighboursInALongQueue(t *testing.T) {
	b := newBureau(t)
	for n := 1; n <= window+3; n++ {
		b.put(t, suspected(n, accepted))
	}
	s := &Server{Dependencies: Dependencies{Cases: b}}
	c, err := b.Case(t.Context(), caseID(3))
	if err != nil {
		t.Fatal(err)
	}
	_, older, err := s.neighbours(t.Context(), c)
	if err != nil || older != casePath(caseID(2)) {
		t.Errorf("next is %q (%v), want case 2", older, err)
	}
}

func TestMarkedCopiesAndThePlateAreAtHand(t *testing.T) {
	event := suspected(1, accepted)
	files := &event.Violation.Evidence.Files
	for kind, sum := range map[enforce.FileKind]string{
		enforce.Plate: "plate", enforce.Composite: "whole", enforce.MarkedDue: "marked", enforce.UnitDue: "unit",
	} {
		*files = append(*files, enforce.File{Kind: kind, SHA256: sum, MediaType: "image/jpeg", At: opened})
	}
	page := signedIn(t, newBureau(t, event)).get("/cases/case000000000001?lang=en").body
	for _, want := range []string{
		`<figure class="close-up of-plate"><img src="/cases/case000000000001/files/plate" alt="Plate"></figure>`,
		`<a href="/cases/case000000000001/files/marked" target="_blank" rel="noopener">Copy with time, place and anti-forgery code</a>`,
		`<a href="/cases/case000000000001/files/whole">Composite</a>`,
		`<a href="/cases/case000000000001/files/unit">Period over, as the camera sent it</a>`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page has no %s", want)
		}
	}
}

func TestBaysAreDrawnBesideTheVehicle(t *testing.T) {
	e := suspected(1, unread)
	e.Violation.Zone.Bays = []enforce.Bay{{ID: "A1", Polygon: enforce.Polygon{{X: .1, Y: .1}, {X: .2, Y: .1}, {X: .2, Y: .3}}}}
	signedIn(t, newBureau(t, e)).get("/cases/"+caseID(1)).wants(t, 200, `<polygon class="bay" points="100,100 200,100 200,300"/>`)
}
