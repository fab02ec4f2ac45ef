package app

import (
	"context"
	"fmt"
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

// openCameras makes every camera ready to run.
func (a *App) openCameras(context.Context) error {
	var (
		feedMetrics     = feed.NewMetrics(a.registry)
		watchMetrics    = watch.NewMetrics(a.registry)
		evidenceMetrics = evidence.NewMetrics(a.registry)
		docketMetrics   = docket.NewMetrics(a.registry)
	)
	models, err := networks.Models(a.cfg.Assets, a.cfg.Detector.Family, a.cfg.Detector.Model)
	if err != nil {
		return err
	}
	feedConfig := feed.DefaultConfig()
	feedConfig.Ring.Duration = a.cfg.RingKeep
	for _, source := range a.cfg.Cameras {
		log := a.log.With("camera", source.ID)
		zones := a.cfg.ZonesOf(source.ID)
		if len(zones) == 0 {
			log.Warn("camera has no zone: nothing that it sees becomes a case")
		}
		pulled := feed.New(source, feedConfig, feedMetrics, log, time.Now)
		watchConfig := watch.DefaultConfig()
		watchConfig.Past = past{pulled.Ring()}
		watchConfig.Dir = filepath.Join(a.cfg.Data, "stops", source.ID)
		watchConfig.Zones = enforce.Layout(zones)
		for _, z := range zones {
			watchConfig.Areas = append(watchConfig.Areas, z.Polygon.Bounds())
		}
		finder := a.vision.vehicles.Camera(detectorZones(zones, a.cfg.VehicleHeights)...)
		watcher, err := watch.New(watchConfig, source.ID, finder, a.vision.plates, a.vision.decoders, log, watchMetrics)
		if err != nil {
			return fmt.Errorf("open camera %s: %w", source.ID, err)
		}
		a.cameras = append(a.cameras, &camera{
			Camera:    source,
			feed:      pulled,
			decoder:   a.vision.decoders,
			watcher:   watcher,
			patience:  a.cfg.Clip.After + clipLag,
			undecoded: map[ingest.Stream]int{},
			finder:    finder,
			docket: &docket.Docket{
				Camera: source, Zones: zones, Policies: a.cfg.Policies, Exemptions: a.exemptions(),
				Recorder: &evidence.Recorder{
					Pictures: picture.Renderer{Decoder: a.vision.alone}, Viewer: a.vision.alone, Copies: overlay.New(a.font),
					Clips: clips{pulled.Ring(), a.cfg.Clip.After + clipLag}, Files: a.files,
					Software: "tidewatch " + a.version, Span: evidence.Span(a.cfg.Clip), Clock: source.ClockTolerance,
					Models: models, Seal: a.seal.recorder(a.files), Now: time.Now,
					Log: log, Metrics: evidenceMetrics,
				},
				Log: a.store.log, Cases: a.store.cases,
				Now: time.Now, Logger: log, Metrics: docketMetrics,
			},
			log: log,
		})
	}
	return nil
}

// detectorZones are the zones as the detector knows them.
func detectorZones(zones []enforce.Zone, heights map[string]float64) []model.Zone {
	var known []model.Zone
	for _, z := range zones {
		known = append(known, model.Zone{ID: z.ID, Box: z.Polygon.Bounds(), Height: heights[z.ID]})
	}
	return known
}
