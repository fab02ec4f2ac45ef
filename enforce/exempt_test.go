package enforce

import (
	"slices"
	"testing"
	"time"
)

func TestCovering(t *testing.T) {
	nine, ten := at(shanghai, "2026-07-01 09:00:00"), at(shanghai, "2026-07-01 10:00:00")
	for name, test := range map[string]struct {
		e      Exemption
		plate  string
		span   Span
		covers bool
	}{
		"for ever, everywhere":     {Exemption{Plate: "川A12345"}, "川A12345", Span{nine, ten}, true},
		"as somebody types it":     {Exemption{Plate: " 川a·12345"}, "川Ａ 12345", Span{nine, ten}, true},
		"another vehicle":          {Exemption{Plate: "川A12346"}, "川A12345", Span{nine, ten}, false},
		"this section":             {Exemption{Plate: "川A12345", Sections: []string{"x", "huxi"}}, "川A12345", Span{nine, ten}, true},
		"another section":          {Exemption{Plate: "川A12345", Sections: []string{"x"}}, "川A12345", Span{nine, ten}, false},
		"ended as it began":        {Exemption{Plate: "川A12345", Until: nine}, "川A12345", Span{nine, ten}, false},
		"ended a moment after":     {Exemption{Plate: "川A12345", Until: nine.Add(time.Microsecond)}, "川A12345", Span{nine, ten}, true},
		"began as it ended":        {Exemption{Plate: "川A12345", From: ten}, "川A12345", Span{nine, ten}, false},
		"began a moment before":    {Exemption{Plate: "川A12345", From: ten.Add(-time.Microsecond)}, "川A12345", Span{nine, ten}, true},
		"said in another zone":     {Exemption{Plate: "川A12345", From: nine.UTC(), Until: ten.UTC()}, "川A12345", Span{nine, ten}, true},
		"an unread plate is none":  {Exemption{Plate: "川A12345"}, "", Span{nine, ten}, false},
		"valid for no time at all": {Exemption{Plate: "川A12345", From: ten, Until: nine}, "川A12345", Span{nine, ten}, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := NewExemptions([]Exemption{test.e}).Covering(test.plate, "huxi", test.span); len(got) > 0 != test.covers {
				t.Errorf("found %v, want %v", got, test.covers)
			}
		})
	}
	if got := (Exemptions{}).Covering("川A12345", "huxi", Span{nine, ten}); got != nil {
		t.Errorf("no list covers %v", got)
	}
}

func TestTheLongestExemptionIsSaidFirst(t *testing.T) {
	day := at(shanghai, "2026-07-01 00:00:00")
	list := NewExemptions([]Exemption{
		{Plate: "川A12345", Until: day.AddDate(0, 0, 2), Reference: "two"},
		{Plate: "川A12345", Reference: "ever"},
		{Plate: "川A12345", Until: day.AddDate(0, 0, 3), Reference: "three"},
	})
	var got []string
	for _, e := range list.Covering("川A12345", "huxi", Span{day, day.Add(time.Hour)}) {
		got = append(got, e.Reference)
	}
	if !slices.Equal(got, []string{"ever", "three", "two"}) {
		t.Errorf("in the order %v", got)
	}
}

func TestExemptionsAreNamedByTheirContent(t *testing.T) {
	a := Exemption{Kind: Permit, Plate: "川A12345", Sections: []string{"a", "b"}, Reference: "1"}
	b := Exemption{Kind: Resident, Plate: "川B12345", Reference: "2"}
	id := NewExemptions([]Exemption{a, b}).ID
	swapped := a
	swapped.Plate, swapped.Sections = "川a·12345", []string{"b", "a"}
	if got := NewExemptions([]Exemption{b, swapped}).ID; got != id || len(id) != 16 {
		t.Errorf("the same list is %q and %q", id, got)
	}
	for name, change := range map[string]func(*Exemption){
		"kind": func(e *Exemption) { e.Kind = Emergency }, "plate": func(e *Exemption) { e.Plate = "川A12346" },
		"sections": func(e *Exemption) { e.Sections = nil }, "from": func(e *Exemption) { e.From = noon },
		"until": func(e *Exemption) { e.Until = noon }, "reference": func(e *Exemption) { e.Reference = "3" },
		"by": func(e *Exemption) { e.By = "li" },
	} {
		other := a
		change(&other)
		if NewExemptions([]Exemption{other, b}).ID == id {
			t.Errorf("another %s, same ID", name)
		}
	}
	if (Exemptions{}).ID != "" || NewExemptions(nil).ID == "" {
		t.Error("no list and an empty list are told apart by the ID")
	}
}
