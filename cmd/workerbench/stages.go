package main

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/google/pprof/profile"
)

// stage is a part of the worker's way from packets to stops.
type stage string

// The stages, in the order of the flow.
const (
	stageIngest    stage = "ingest"
	stageDecode    stage = "decode"
	stageInference stage = "inference"
	stagePicture   stage = "picture"
	stagePlates    stage = "plates"
	stageRest      stage = "rest"
)

var stageOrder = []stage{stageIngest, stageDecode, stageInference, stagePicture, stagePlates, stageRest}

// stageOf are the functions by which a stage is known: the outermost one that
// is on the stack counts.
var stageOf = []struct {
	function string
	stage    stage
}{
	{"tidewatch/detect/watch.(*Watcher).readPlates", stagePlates},
	{"tidewatch/ingest/decode.(*Pool).", stageDecode},
	{"tidewatch/detect/model.(*Camera).Find", stageInference},
	{"tidewatch/detect/model.(*Vehicles).Find", stageInference},
	{"tidewatch/detect/picture.", stagePicture},
	{"tidewatch/detect/watch.(*gate).", stagePicture},
	{"tidewatch/ingest/", stageIngest},
	{"github.com/bluenviron/", stageIngest},
}

// stages reads from a profile the share of each stage in the time on
// processors.
func stages(data []byte) (map[stage]float64, error) {
	parsed, err := profile.Parse(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("read the profile: %w", err)
	}
	shares := map[stage]float64{}
	total := 0.0
	for _, sample := range parsed.Sample {
		time := float64(sample.Value[len(sample.Value)-1])
		shares[stageOfSample(sample)] += time
		total += time
	}
	for s := range shares {
		shares[s] /= max(total, 1)
	}
	return shares, nil
}

// stageOfSample walks a stack from the outside.
func stageOfSample(sample *profile.Sample) stage {
	for i := len(sample.Location) - 1; i >= 0; i-- {
		lines := sample.Location[i].Line
		for j := len(lines) - 1; j >= 0; j-- {
			for _, known := range stageOf {
				if lines[j].Function != nil && strings.HasPrefix(lines[j].Function.Name, known.function) {
					return known.stage
				}
			}
		}
	}
	return stageRest
}
