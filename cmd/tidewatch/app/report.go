package app

import (
	"encoding/json"
	"net/http"
	"time"

	"tidewatch/enforce/review"
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

	State    ingest.State     `json:"state"`
	Since    time.Time        `json:"since"`
	Why      string           `json:"why"`
	Troubles []ingest.Trouble `json:"troubles"`

	PictureTime       *time.Time     `json:"picture_time"`
	ClockErrorSeconds *float64       `json:"clock_error_seconds"`
	ClockDriftPPM     *float64       `json:"clock_drift_ppm"`
	Streams           []streamReport `json:"streams"`
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
		State: c.Health.State, Since: c.Health.Since.UTC(), Why: c.Health.Why,
		Troubles: []ingest.Trouble{}, Streams: []streamReport{},
	}
	for _, t := range c.Health.Troubles {
		t.Since = t.Since.UTC()
		r.Troubles = append(r.Troubles, t)
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
