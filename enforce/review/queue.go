package review

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"tidewatch/enforce"
)

// queueView is one page of the cases in one state.
type queueView struct {
	Tabs  []tab
	State enforce.State
	Rows  []row
	Older string // address of the next page, empty on the last
	First bool
	At    string // when it was listed
}

type tab struct {
	URL     string
	State   string
	Count   int
	Current bool
}

// row is one case of the queue, in words.
type row struct {
	URL, Picture   string
	Plate          plateView
	Section, Place string
	Camera, Class  string
	Since, Dwell   string
	Standing       bool // as far as anybody has seen
	State          enforce.State
	StateName      string
	Trial          bool // and undecided, else the state says it
}

func (s *Server) queue(w http.ResponseWriter, r *http.Request) error {
	state := enforce.State(r.FormValue("state"))
	if state == "" {
		state = enforce.StateSuspected
	}
	if !slices.Contains(enforce.States, state) {
		return status(http.StatusNotFound)
	}
	var before time.Time
	if text := r.FormValue("before"); text != "" {
		var err error
		if before, err = time.Parse(time.RFC3339Nano, text); err != nil {
			return status(http.StatusBadRequest)
		}
	}
	view, err := s.queueView(r, state, before)
	if err != nil {
		return err
	}
	p := page{Name: "queue", Title: "queue.title", Body: view}
	if view.First {
		p.Live = s.cfg.Refresh
	}
	return s.show(w, r, http.StatusOK, p)
}

func (s *Server) queueView(r *http.Request, state enforce.State, before time.Time) (queueView, error) {
	// One more than a page holds tells whether another page follows.
	cases, err := s.Cases.List(r.Context(), state, s.cfg.PageSize+1, before)
	if err != nil {
		return queueView{}, fmt.Errorf("list cases: %w", err)
	}
	counts, err := s.Cases.Counts(r.Context())
	if err != nil {
		return queueView{}, fmt.Errorf("count cases: %w", err)
	}
	now := s.Now()
	view := queueView{State: state, First: before.IsZero()}
	for _, each := range enforce.States {
		view.Tabs = append(view.Tabs, tab{
			URL: queuePath(each, time.Time{}), State: string(each), Count: counts[each], Current: each == state,
		})
	}
	if len(cases) > s.cfg.PageSize {
		cases = cases[:s.cfg.PageSize]
		view.Older = queuePath(state, cases[len(cases)-1].OpenedAt)
	}
	zone, err := s.pageZone(r.Context(), cases, counts)
	if err != nil {
		return queueView{}, err
	}
	view.At = now.In(zone).Format(time.TimeOnly)
	text := catalogs[languageOf(r)]
	for _, c := range cases {
		view.Rows = append(view.Rows, text.row(c, now))
	}
	return view, nil
}

// pageZone is the time zone of a page of the queue: that of the cases on it,
// else of any case there is.
func (s *Server) pageZone(ctx context.Context, shown []enforce.Case, counts map[enforce.State]int) (*time.Location, error) {
	for _, state := range enforce.States {
		if len(shown) > 0 || counts[state] == 0 {
			continue
		}
		var err error
		if shown, err = s.Cases.List(ctx, state, 1, time.Time{}); err != nil {
			return nil, fmt.Errorf("list a case: %w", err)
		}
	}
	if len(shown) > 0 {
		return zoneOf(shown[0]), nil
	}
	return s.cfg.TimeZone, nil
}

func (c catalog) row(of enforce.Case, now time.Time) row {
	v := of.Violation
	return row{
		URL: casePath(of.ID), Picture: pictureOf(of), Plate: plateOf(of),
		Section: v.Section.Name, Place: v.Camera.Place, Camera: v.Camera.Name,
		Class: c.say("class", string(v.Class)),
		Since: moment(v.StopStart, zoneOf(of)), Dwell: c.duration(dwell(of, now)), Standing: of.StopEnd.IsZero(),
		State: of.State, StateName: c.say("state", string(of.State)),
		Trial: v.Trial && of.State == enforce.StateSuspected,
	}
}

// dwell is how long the vehicle stood, until now if nobody has seen it leave.
func dwell(c enforce.Case, now time.Time) time.Duration {
	if end := c.StopEnd; !end.IsZero() {
		now = end
	}
	return now.Sub(c.Violation.StopStart)
}

// pictureOf is the address of the picture that tells a case in a list, the
// close-up where there is one.
func pictureOf(c enforce.Case) string {
	for _, kind := range []enforce.FileKind{enforce.CloseUp, enforce.SceneDue, enforce.SceneBegin} {
		if f, ok := c.Violation.Evidence.File(kind); ok {
			return filePath(c.ID, f.SHA256)
		}
	}
	return ""
}

func queuePath(state enforce.State, before time.Time) string {
	query := url.Values{}
	if state != enforce.StateSuspected {
		query.Set("state", string(state))
	}
	if !before.IsZero() {
		query.Set("before", before.UTC().Format(time.RFC3339Nano))
	}
	return (&url.URL{Path: "/", RawQuery: query.Encode()}).String()
}

func casePath(id string) string { return "/cases/" + url.PathEscape(id) }

func filePath(id, sha256 string) string { return casePath(id) + "/files/" + sha256 }
