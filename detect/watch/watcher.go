// Package watch looks at the pictures of one camera: it finds vehicles, sees
// which of them stand, reads their plates, and keeps what it knows on disk, so
// that a restarted worker goes on with the same stops.
package watch

import (
	"context"
	"fmt"
	"image"
	"log/slog"
	"slices"
	"time"

	"tidewatch/detect"
	"tidewatch/detect/picture"
	"tidewatch/detect/plate"
	"tidewatch/ingest"
	"tidewatch/ingest/decode"
)

// Vehicles finds vehicles in a picture, down to low scores.
type Vehicles interface {
	Find(*decode.Picture) ([]detect.Detection, error)
}

// PlateReader reads the plate of the vehicle in a box; the read is zero when
// no plate shows.
type PlateReader interface {
	Read(pic *decode.Picture, box detect.Box) (plate.Read, error)
	// Legible reports whether a plate may be read on a vehicle that is so many
	// pixels wide.
	Legible(vehicleWidth float64) bool
}

// Decoder decodes one key unit, at full size or brought to a size; the caller
// closes the picture.
type Decoder interface {
	Decode(context.Context, *ingest.Unit) (*decode.Picture, error)
	DecodeTo(ctx context.Context, u *ingest.Unit, size image.Point) (*decode.Picture, error)
}

// Config of a watcher.
type Config struct {
	Stops         detect.Config
	PlatesPerLook int           // most plates read in one look
	Dir           string        // folder for the camera's open stops; empty: they are not kept
	SaveEvery     time.Duration // how old a stop on disk may become
	Rest          time.Duration // between looks while nothing changes
	Past          Past          // of the camera; nil where every picture is looked at

	// Closest is how soon after a look the next one tells anything new. Pictures
	// that come sooner are not looked at: what is counted in looks, as boxes that
	// must agree are, then means the same for a camera that sends thirty key
	// pictures a second.
	Closest time.Duration

	// Zones names what is drawn in the camera's picture: with other zones it is
	// another name. Pictures that do not show the street in which they were drawn
	// are not judged by. Empty: the camera need not be a fixed one, and its
	// pictures are not held against a reference.
	Zones string

	// Verify is how long a picture in which nothing has moved may stand for
	// those after it: each look after that is a full one, and so is each while
	// something may be coming to stand. Zero makes all of them full.
	Verify time.Duration
	// Areas are the parts of the picture in which something may move; none is
	// the whole picture.
	Areas []detect.Box
}

// DefaultConfig is for one look a second to one in ten seconds.
func DefaultConfig() Config {
	return Config{
		Stops: detect.DefaultConfig(), PlatesPerLook: 2, SaveEvery: 10 * time.Second, Rest: 4 * time.Second,
		Closest: 800 * time.Millisecond, Verify: 15 * time.Second,
	}
}

// Watcher watches one camera. It is not safe for concurrent use.
type Watcher struct {
	cfg      Config
	vehicles Vehicles
	plates   PlateReader // nil: no plates are read
	log      *slog.Logger
	metrics  cameraMetrics

	camera   picture.Camera
	gate     gate
	newest   seen // the newest full look
	tracker  *detect.Tracker
	store    *store
	readings map[string]*reading  // by stop
	savedAt  map[string]time.Time // by stop
	ended    []string             // stops whose end the caller has been told
	lost     int                  // looks in a row that could not be brought together with those before
	sight    sight
	held     bool      // the newest look was not judged by
	learnt   time.Time // when the memory of the scene was written
	looked   time.Time // moment of the newest look
	again    int       // looks that must be full, since something has moved

	decoder Decoder      // of pictures at full size
	width   int          // of those, in pixels; 0: none was decoded yet
	prior   *ingest.Unit // the newest picture of the worker before; nil once seen
}

// New makes the watcher of a camera and takes up the stops that a worker before
// has left in cfg.Dir. plates may be nil, and decoder where looks come without
// units.
func New(cfg Config, camera string, vehicles Vehicles, plates PlateReader, decoder Decoder, log *slog.Logger, metrics *Metrics) (*Watcher, error) {
	w := &Watcher{
		cfg: cfg, vehicles: vehicles, plates: plates, decoder: decoder, log: log,
		metrics: metrics.camera(camera),
		gate:    gate{verify: cfg.Verify, areas: cfg.Areas},
		savedAt: map[string]time.Time{},
	}
	var err error
	if w.store, err = openStore(cfg.Dir); err != nil {
		return nil, err
	}
	places, readings, err := w.store.load()
	if err != nil {
		w.metrics.unsaved.Inc()
		log.Warn("some of what was kept for a restart is lost", "error", err)
	}
	w.readings = readings
	if w.readings == nil {
		w.readings = map[string]*reading{}
	}
	w.tracker = detect.NewTracker(cfg.Stops, camera, places...)
	w.sight = sight{metrics: w.metrics}
	w.sight.resume(places)
	w.remember()
	for _, p := range places {
		w.savedAt[p.Stop.ID] = p.Stop.End
		for _, o := range p.Stop.Observations {
			if o.Unit != nil && (w.prior == nil || o.Unit.Arrival.After(w.prior.Arrival)) {
				w.prior = o.Unit
			}
		}
	}
	if len(places) > 0 {
		log.Info("stops taken up again", "stops", len(places))
	}
	return w, nil
}

// Look looks at one picture, taken at the moment to judge by; shot is the one
// by which it can be shown, at full size. It returns all open stops and those
// that have just ended, in order of their start. What was returned as ended is
// kept on disk until Settle.
func (w *Watcher) Look(ctx context.Context, at time.Time, pic *decode.Picture, shot detect.Shot) ([]detect.Stop, error) {
	if w.tracker.Early(at) {
		w.metrics.early.Inc()
		return w.complete(w.tracker.Open()), nil
	}
	if w.tooSoon(at) {
		w.metrics.soon.Inc()
		return w.complete(w.tracker.Open()), nil
	}
	w.recall(ctx, pic.Size())
	stops, found, err := w.see(at, pic, shot)
	if err != nil {
		return nil, fmt.Errorf("look: %w", err)
	}
	w.looked = at
	w.backdate(ctx, slices.DeleteFunc(slices.Clone(stops), func(s detect.Stop) bool {
		_, known := w.savedAt[s.ID]
		return known || s.Ended
	}), pic.Size())
	w.postdate(ctx, at, w.tracker.Leaving(), pic.Size())
	stops = w.tracker.Refresh(stops)
	w.readPlates(ctx, at, pic, shot, stops, found)
	stops = w.complete(stops)
	w.note(stops)
	w.save(at)
	w.sight.forget(stops)
	return stops, nil
}

// tooSoon reports whether the newest look says all that a picture can say.
func (w *Watcher) tooSoon(at time.Time) bool {
	return !w.looked.IsZero() && at.Sub(w.looked).Abs() < w.cfg.Closest
}

// remember begins the scene checks with what a worker before knew.
func (w *Watcher) remember() {
	if w.cfg.Zones == "" {
		return
	}
	known, err := w.store.loadMemory(w.cfg.Zones)
	if err != nil {
		w.metrics.unsaved.Inc()
		w.log.Warn("what the camera saw before is lost: its view as it is now becomes the reference", "error", err)
	}
	w.sight.checks = picture.NewChecks(known)
}

// trusted is a look as the tracker should see it: one that cannot be trusted
// moves nothing and opens nothing.
func (w *Watcher) trusted(at time.Time, scene *picture.Scene) detect.Scene {
	before, blind := w.held, w.sight.blind.Fault != ""
	w.held = !w.sight.look(at, scene)
	if blind && !w.held {
		for id := range w.savedAt {
			w.savedAt[id] = time.Time{} // a restart must not forget what was not seen
		}
	}
	switch {
	case w.held:
		return unseen{scene}
	case before:
		return returned{scene}
	}
	return scene
}

// seen is what a full look has shown.
type seen struct {
	found []detect.Detection
	scene *picture.Scene
	quiet bool // nothing was seen that may be about to become a stop
	// coming says that a vehicle that is not known to stand is where one may not.
	coming bool
}

// see shows a picture to the tracker. While nothing moves, the newest full look
// stands for it. That opens no stop that the network has not seen coming: while
// it may be seeing one, all looks are full.
func (w *Watcher) see(at time.Time, pic *decode.Picture, shot detect.Shot) ([]detect.Stop, []detect.Detection, error) {
	small, err := picture.NewGrey(pic, gateSide)
	if err != nil {
		return nil, nil, err
	}
	w.metrics.looks.Inc()
	if err := w.sight.glance(at, pic); err != nil {
		return nil, nil, err
	}
	deciding := w.sight.alike || !w.newest.quiet || w.lost > 0 || w.tracker.Deciding()
	open := w.tracker.Open()
	switch {
	case !w.gate.unmoved(small, open):
		w.again = lookAgain
	case w.again > 0:
		w.again--
	case !deciding && w.gate.closed(at, small, open):
		w.metrics.spared.Inc()
		w.sight.unchanged(at)
		return w.tracker.Look(detect.Look{At: at, Found: w.newest.found, Shot: shot, Scene: unmoved{w.newest.scene}, Unmoved: true}), w.newest.found, nil
	}
	look, err := w.full(pic)
	if err != nil {
		return nil, nil, err
	}
	stops := w.tracker.Look(detect.Look{At: at, Found: look.found, Shot: shot, Scene: w.trusted(at, look.scene)})
	look.quiet = !w.held && w.quiet(look.found)
	look.coming = w.coming(look.found)
	w.newest = look
	w.gate.opened(at, small)
	return stops, look.found, nil
}

// lookAgain is how many looks at what does not move any more are full ones: the
// network may have missed at once what came.
const lookAgain = 2

// full finds the vehicles in a picture and compares it with the one before.
func (w *Watcher) full(pic *decode.Picture) (seen, error) {
	began := time.Now()
	found, err := w.vehicles.Find(pic)
	if err != nil {
		return seen{}, err
	}
	w.metrics.inference.Observe(time.Since(began).Seconds())
	scene, err := w.camera.Look(pic)
	if err != nil {
		return seen{}, err
	}
	if w.lost++; scene.Known() {
		w.lost = 0
	} else {
		w.metrics.lost.Inc()
	}
	return seen{found: found, scene: scene}, nil
}

// quiet reports whether every vehicle of which the network is fairly sure is
// one that is known to stand. None of the others can open a stop.
func (w *Watcher) quiet(found []detect.Detection) bool { return len(w.restless(found)) == 0 }

// coming reports whether a vehicle in the areas is not known to stand.
func (w *Watcher) coming(found []detect.Detection) bool {
	return slices.ContainsFunc(w.restless(found), func(d detect.Detection) bool {
		return slices.ContainsFunc(w.cfg.Areas, func(area detect.Box) bool { return d.Box.Covered(area) > 0 })
	})
}

// restless are the vehicles of which the network is fairly sure that are not
// known to stand.
func (w *Watcher) restless(found []detect.Detection) []detect.Detection {
	const sameVehicle = 0.5 // overlap of boxes
	open := w.tracker.Open()
	return slices.DeleteFunc(slices.Clone(found), func(d detect.Detection) bool {
		standing := slices.ContainsFunc(open, func(s detect.Stop) bool { return s.Box.IoU(d.Box) >= sameVehicle })
		return d.Score < w.cfg.Stops.SteadyScore || standing
	})
}

// unmoved is a picture that shows what an earlier one has shown.
type unmoved struct{ detect.Scene }

// Move implements detect.Scene: the camera has not moved since.
func (unmoved) Move(b detect.Box) (detect.Box, bool) { return b, true }

// Pace is how long after the newest look the next one is wanted.
func (w *Watcher) Pace() time.Duration {
	if w.lost > 0 || w.sight.doubted() || w.sight.alike || w.tracker.Forming() || w.newest.coming {
		return w.cfg.Closest
	}
	return max(w.cfg.Rest, w.cfg.Closest)
}

// lostForGood is how many looks in a row may be lost before nothing is known of
// the street any more: a bus passes, a lens stays covered.
const lostForGood = 5

// Blind reports whether the pictures cannot be trusted to show the street, and
// have not for a while.
func (w *Watcher) Blind() bool { return w.WhyBlind().Code != "" }

// WhyBlind is why the camera is blind; it is zero while it sees.
func (w *Watcher) WhyBlind() ingest.Cause {
	switch {
	case w.sight.checks != nil:
		return w.sight.blind.Cause()
	case w.lost >= lostForGood:
		return ingest.Because(ingest.SceneLost)
	}
	return ingest.Cause{}
}

// complete puts what was read of their plates into the stops, and when they
// could not be seen.
func (w *Watcher) complete(stops []detect.Stop) []detect.Stop {
	for i, s := range stops {
		stops[i].Plate = w.readings[s.ID].best()
		stops[i].PlateView = w.readings[s.ID].view()
		stops[i].Unseen = w.sight.of(s)
	}
	return stops
}

// recall shows the camera the newest picture of the worker before, so that the
// first look is compared with it: the camera may have been moved since.
func (w *Watcher) recall(ctx context.Context, size image.Point) {
	unit := w.prior
	w.prior = nil
	if unit == nil || w.decoder == nil {
		return
	}
	pic, err := w.decoder.DecodeTo(ctx, unit, size)
	if err != nil {
		w.log.Warn("the last picture before the restart is lost", "error", err)
		return
	}
	defer pic.Close()
	if _, err := w.camera.Look(pic); err != nil {
		w.log.Warn("the last picture before the restart is lost", "error", err)
	}
}

// note counts what opened and ended.
func (w *Watcher) note(stops []detect.Stop) {
	open := 0
	for _, s := range stops {
		_, known := w.savedAt[s.ID]
		switch {
		case s.Ended:
			w.metrics.ended.Inc()
			w.ended = append(w.ended, s.ID)
			w.log.Info("stop ended", "stop", s.ID, "dwell", s.Dwell())
			continue
		case !known:
			w.metrics.opened.Inc()
			w.savedAt[s.ID] = time.Time{}
			w.log.Info("stop opened", "stop", s.ID, "class", string(s.Class), "start", s.Start)
		}
		open++
	}
	w.metrics.open.Set(float64(open))
}

// save writes the stops that are new, and those that were written a while ago.
func (w *Watcher) save(at time.Time) {
	if w.cfg.Dir == "" {
		return
	}
	for _, p := range w.tracker.Snapshot() {
		id := p.Stop.ID
		p.Stop.Unseen = w.sight.kept(p.Stop)
		if at.Sub(w.savedAt[id]) < w.cfg.SaveEvery {
			continue
		}
		if err := w.store.save(p, w.readings[id]); err != nil {
			w.metrics.unsaved.Inc()
			w.log.Warn("stop could not be kept for a restart", "stop", id, "error", err)
		}
		w.savedAt[id] = at
	}
	w.saveMemory(at)
}

// saveMemory writes what the scene checks know when it is new, and now and
// then.
func (w *Watcher) saveMemory(at time.Time) {
	checks := w.sight.checks
	if checks == nil || !checks.Grown() && at.Sub(w.learnt) < memoryEvery {
		return
	}
	if err := w.store.saveMemory(w.cfg.Zones, checks.Memory()); err != nil {
		w.metrics.unsaved.Inc()
		w.log.Warn("what the camera sees could not be kept for a restart", "error", err)
	}
	w.learnt = at
}

// Settle forgets the stops that Look has returned as ended: the caller has
// dealt with them. Until then a restart brings them back.
func (w *Watcher) Settle() {
	for _, id := range w.ended {
		delete(w.readings, id)
		delete(w.savedAt, id)
		if err := w.store.remove(id); err != nil {
			w.metrics.unsaved.Inc()
			w.log.Warn("ended stop could not be removed", "stop", id, "error", err)
		}
	}
	w.ended = nil
}
