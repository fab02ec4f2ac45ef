package app

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"runtime"
	"time"

	"tidewatch/cmd/tidewatch/networks"
	"tidewatch/detect/model"
	"tidewatch/detect/picture"
	"tidewatch/detect/watch"
	"tidewatch/enforce"
	"tidewatch/enforce/docket"
	"tidewatch/enforce/evidence"
	"tidewatch/enforce/evidence/overlay"
	"tidewatch/enforce/proof"
	"tidewatch/ingest"
	"tidewatch/ingest/decode"
	"tidewatch/ingest/feed"
)

// vision is what all cameras see with.
type vision struct {
	decoders *decode.Pool
	alone    decode.Alone // for evidence
	vehicles *model.Vehicles
	plates   *model.PlateReader
}

// openVision loads the networks: early, since a missing file should not cost a
// start of the database.
func (a *App) openVision(context.Context) (err error) {
	if a.vision.vehicles, err = networks.Detector(a.cfg.Assets, a.cfg.Detector.Family, a.cfg.Detector.Model, a.registry); err != nil {
		return err
	}
	a.later(a.vision.vehicles.Close)
	if a.vision.plates, err = networks.Plates(a.cfg.Assets); err != nil {
		return err
	}
	a.later(a.vision.plates.Close)
	decoding := decode.NewMetrics(a.registry)
	a.vision.decoders, a.vision.alone = decode.NewPool(runtime.NumCPU(), decoding), decode.Alone{Metrics: decoding}
	a.later(a.vision.decoders.Close)
	return nil
}

// cameraMetrics are the metrics of all cameras.
type cameraMetrics struct {
	feed     *feed.Metrics
	watch    *watch.Metrics
	evidence *evidence.Metrics
	docket   *docket.Metrics
}

// openCameras makes every camera ready to run.
func (a *App) openCameras(context.Context) error {
	metrics := cameraMetrics{
		feed.NewMetrics(a.registry), watch.NewMetrics(a.registry), evidence.NewMetrics(a.registry), docket.NewMetrics(a.registry),
	}
	models, err := networks.Models(a.cfg.Assets, a.cfg.Detector.Family, a.cfg.Detector.Model)
	if err != nil {
		return err
	}
	for _, source := range a.cfg.Cameras {
		log := a.log.With("camera", source.ID)
		if len(a.cfg.ZonesOf(source.ID)) == 0 {
			log.Warn("camera has no zone: nothing that it sees becomes a case")
		}
		p := &post{Camera: source, now: time.Now}
		p.begin = func() (*camera, error) {
			return a.newCamera(source, metrics, models, func() time.Time { return p.now() }, log)
		}
		p.monitor = func() *ingest.Monitor {
			monitor := metrics.feed.Monitor(source.ID, log, time.Now)
			monitor.Words = inEnglish
			return monitor
		}
		p.pauses, p.panics, p.log = usualPauses, a.panics.WithLabelValues("camera", source.ID), log
		if err := p.open(); err != nil {
			return fmt.Errorf("open camera %s: %w", source.ID, err)
		}
		a.cameras = append(a.cameras, p)
	}
	return nil
}

// newCamera makes the work on a camera, with the stops that the work before has
// left in its folder.
func (a *App) newCamera(source ingest.Camera, metrics cameraMetrics, models []proof.Model, now func() time.Time, log *slog.Logger) (*camera, error) {
	feedConfig := feed.DefaultConfig()
	feedConfig.Ring.Duration = a.cfg.RingKeep
	feedConfig.Words = inEnglish
	c := &camera{
		Camera:    source,
		feed:      feed.New(source, feedConfig, metrics.feed, log, now),
		decoder:   a.vision.decoders.Follow(),
		patience:  a.cfg.Clip.After + clipLag,
		undecoded: map[ingest.Stream]int{},
		log:       log,
	}
	zones := a.cfg.ZonesOf(source.ID)
	c.finder = a.vision.vehicles.Camera(detectorZones(zones, a.cfg.VehicleHeights)...)
	watchConfig := watch.DefaultConfig()
	watchConfig.Past = past{c.feed.Ring()}
	watchConfig.Dir = filepath.Join(a.cfg.Data, "stops", source.ID)
	watchConfig.Zones = enforce.Layout(zones)
	for _, z := range zones {
		watchConfig.Areas = append(watchConfig.Areas, z.Polygon.Bounds())
	}
	var err error
	if c.watcher, err = watch.New(watchConfig, source.ID, c.finder, a.vision.plates, c.decoder, log, metrics.watch); err != nil {
		return nil, err
	}
	c.docket = &docket.Docket{
		Camera: source, Zones: zones, Policies: a.cfg.Policies, Exemptions: a.exemptions(),
		Recorder: enteredRecorder{&evidence.Recorder{
			Pictures: picture.Renderer{Decoder: a.vision.alone}, Viewer: a.vision.alone, Copies: overlay.New(a.font),
			Clips: clips{c.feed.Ring(), c.patience}, Files: a.files,
			Software: "tidewatch " + a.version, Span: evidence.Span(a.cfg.Clip), Clock: source.ClockTolerance,
			Models: models, Seal: a.seal.recorder(a.files), Now: time.Now,
			Log: log, Metrics: metrics.evidence,
		}, openingDir(a.cfg)},
		Log: enteredLog{a.store.log, openingDir(a.cfg)}, Cases: a.store.cases,
		Now: time.Now, Logger: log, Metrics: metrics.docket,
	}
	return c, nil
}

// detectorZones are the zones as the detector knows them.
func detectorZones(zones []enforce.Zone, heights map[string]float64) []model.Zone {
	var known []model.Zone
	for _, z := range zones {
		known = append(known, model.Zone{ID: z.ID, Box: z.Polygon.Bounds(), Height: heights[z.ID]})
	}
	return known
}
