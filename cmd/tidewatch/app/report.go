package app

import (
	"encoding/json"
	"net/http"
	"time"

	"tidewatch/enforce/review"
	"tidewatch/enforce/words"
	"tidewatch/ingest"
)

// cameraReport is a camera in /cameras.json. Its fields are documented in
// docs/operating.md; programs rely on their names.
type cameraReport struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	DeviceID  string `json:"device_id"`
	Place     string `json:"place"`
	Direction string `json:"direction"`
	Section   string `json:"section"`

	healthReport

	PictureTime       *time.Time     `json:"picture_time"`
	ClockErrorSeconds *float64       `json:"clock_error_seconds"`
	ClockDriftPPM     *float64       `json:"clock_drift_ppm"`
	Streams           []streamReport `json:"streams"`
}

// healthReport is how a camera fares in /cameras.json and /readyz: why in words,
// and for programs a code and what was measured.
type healthReport struct {
	State ingest.State `json:"state"`
	Since time.Time    `json:"since"`
	causeReport
	Troubles []troubleReport `json:"troubles"`
}

// troubleReport is one trouble of a camera.
type troubleReport struct {
	Kind  ingest.Kind  `json:"kind"`
	State ingest.State `json:"state"`
	Since time.Time    `json:"since"`
	causeReport
}

type causeReport struct {
	Why   string         `json:"why"`
	Cause ingest.Code    `json:"cause"`
	Facts map[string]any `json:"facts"`
}

func causeReportOf(c ingest.Cause) causeReport {
	return causeReport{Why: inEnglish(c), Cause: c.Code, Facts: c.Values()}
}

// inEnglish is a cause as logs and reports say it.
func inEnglish(c ingest.Cause) string { return words.In(words.English).Cause(c) }

func healthReportOf(h ingest.Health) healthReport {
	r := healthReport{State: h.State, Since: h.Since.UTC(), causeReport: causeReportOf(h.Cause), Troubles: []troubleReport{}}
	for _, t := range h.Troubles {
		r.Troubles = append(r.Troubles, troubleReport{t.Kind, t.State, t.Since.UTC(), causeReportOf(t.Cause)})
	}
	return r
}

type streamReport struct {
	Stream ingest.Stream      `json:"stream"`
	State  review.StreamState `json:"state"`
	Codec  ingest.Codec       `json:"codec"`
	Width  int                `json:"width"`
	Height int                `json:"height"`
}

// report answers with all cameras as JSON.
func (f *fleet) report(w http.ResponseWriter, _ *http.Request) {
	reports := []cameraReport{}
	for _, c := range f.Cameras() {
		reports = append(reports, reportOf(c))
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(reports) // the program has gone; there is nobody to tell
}

// reportOf writes a camera for programs: times in UTC, what is not known as
// null, and lists that are never null.
func reportOf(c review.Camera) cameraReport {
	r := cameraReport{
		ID: c.ID, Name: c.Name, DeviceID: c.DeviceID, Place: c.Place, Direction: c.Direction, Section: c.Section.ID,
		healthReport: healthReportOf(c.Health), Streams: []streamReport{},
	}
	for _, s := range c.Streams {
		r.Streams = append(r.Streams, streamReport{s.Name, s.State, s.Codec, s.Size.X, s.Size.Y})
	}
	if !c.Picture.IsZero() {
		taken := c.Picture.UTC()
		r.PictureTime = &taken
	}
	if c.Clock != nil {
		seconds := c.Clock.Error.Seconds()
		r.ClockErrorSeconds = &seconds
		if c.Clock.Drift != 0 {
			ppm := c.Clock.Drift * 1e6
			r.ClockDriftPPM = &ppm
		}
	}
	return r
}
