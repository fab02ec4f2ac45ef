package review

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Condition is something that is not well with the system as a whole.
type Condition struct {
	Name  string // as metrics name it; the pages have words for those that are known
	Grave bool   // cases cannot be kept or decided, or the record is in danger
	Since time.Time
	Why   string // for people, in English
}

// systemView is the page of the system.
type systemView struct {
	Conditions []conditionView
	Zone, At   string
}

type conditionView struct {
	Grave      bool
	Name       string
	What       string // what follows from it and what to do, empty for a name that is not known
	Since, For string
	Why        string
}

func (s *Server) system(w http.ResponseWriter, r *http.Request) error {
	now, zone, text := s.Now(), s.systemZone(), catalogs[languageOf(r)]
	view := systemView{Zone: zone.String(), At: now.In(zone).Format(time.TimeOnly)}
	for _, c := range s.conditions(r) {
		view.Conditions = append(view.Conditions, conditionView{
			Grave: c.Grave, Name: text.say("condition", c.Name), What: text["condition."+c.Name+".what"],
			Since: moment(c.Since, zone), For: text.duration(now.Sub(c.Since).Truncate(time.Second)), Why: c.Why,
		})
	}
	return s.show(w, r, http.StatusOK, page{Name: "system", Title: "system.title", Body: view, Live: s.cfg.Refresh})
}

// conditions are what is not well, the grave first, the oldest of them first.
func (s *Server) conditions(r *http.Request) []Condition {
	bad := slices.Clone(s.System(r.Context()))
	slices.SortStableFunc(bad, func(a, b Condition) int {
		if a.Grave != b.Grave {
			return cmp.Compare(order(a.Grave), order(b.Grave))
		}
		return a.Since.Compare(b.Since)
	})
	return bad
}

func order(grave bool) int {
	if grave {
		return 0
	}
	return 1
}

func (s *Server) systemZone() *time.Location {
	if s.Cameras == nil {
		return s.cfg.TimeZone
	}
	return s.camerasZone(s.Cameras.Cameras())
}

// systemLink is the way to the page of the system, and what is wrong, that
// every page shows.
type systemLink struct {
	Bad   int
	Grave bool   // one of them is
	Names string // in words
}

// systemLink is nil where there is no such page.
func (s *Server) systemLink(r *http.Request) *systemLink {
	if s.System == nil {
		return nil
	}
	bad, text := s.conditions(r), catalogs[languageOf(r)]
	link := systemLink{Bad: len(bad), Grave: len(bad) > 0 && bad[0].Grave}
	var names []string
	for _, c := range bad {
		names = append(names, text.say("condition", c.Name))
	}
	link.Names = strings.Join(names, text["system.join"])
	return &link
}
