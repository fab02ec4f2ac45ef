package main

import (
	"fmt"
	"iter"

	"tidewatch/cmd/tidewatch/config"
	"tidewatch/detect"
	"tidewatch/enforce"
)

// bench is the zones of one camera, the policies that hold in them, and the
// network that finds vehicles.
type bench struct {
	zones    []enforce.Zone
	policies enforce.Policies
	detector config.Detector
}

// openBench reads them from a configuration; the camera may be left out where
// there is only one.
func openBench(path, camera string) (*bench, error) {
	cfg, err := config.LoadRules(path)
	if err != nil {
		return nil, err
	}
	if camera == "" && len(cfg.Cameras) == 1 {
		camera = cfg.Cameras[0].ID
	}
	zones := cfg.ZonesOf(camera)
	if len(zones) == 0 {
		return nil, fmt.Errorf("%s has no zone for camera %q; name one with --camera", path, camera)
	}
	return &bench{zones, cfg.Policies, cfg.Detector}, nil
}

// concerns reports whether a vehicle stands in any of the zones that are for it.
func (b *bench) concerns(s detect.Stop) bool {
	for _, zone := range b.zones {
		if zone.Concerns(s.Class) && zone.Holds(s.Box) {
			return true
		}
	}
	return false
}

// suspects judges a stop in each zone and yields the verdicts against it.
func (b *bench) suspects(s detect.Stop) iter.Seq2[enforce.Zone, enforce.Verdict] {
	return func(yield func(enforce.Zone, enforce.Verdict) bool) {
		for _, zone := range b.zones {
			policy, inForce := b.policies.At(zone.Section, s.Start)
			if !inForce {
				continue
			}
			verdict := policy.Judge(s, zone)
			if verdict.Suspected && !yield(zone, verdict) {
				return
			}
		}
	}
}
