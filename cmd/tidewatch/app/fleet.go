package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"image"
	"slices"
	"sync"

	"tidewatch/cmd/tidewatch/config"
	"tidewatch/detect/picture"
	"tidewatch/enforce"
	"tidewatch/enforce/review"
	"tidewatch/ingest"
	"tidewatch/ingest/decode"
)

// fleet is the cameras as people see them: how each fares, and its newest
// picture. It implements review.Cameras.
type fleet struct {
	views   []*cameraView // by ID
	decoder decoder
	// turn has room for one: detection shares the decoders, and a page of
	// hundreds of pictures may take no more than one of them.
	turn chan struct{}
}

// decoder turns key units into pictures.
type decoder interface {
	DecodeWithin(ctx context.Context, u *ingest.Unit, limit image.Point) (*decode.Picture, error)
}

// source is what a camera's feed tells.
type source interface {
	Health() ingest.Health
	Newest() *ingest.Unit
	NewestSub() *ingest.Unit
}

// cameraView is one camera of the fleet, with the pictures that were made of
// its newest unit.
type cameraView struct {
	camera  ingest.Camera
	section enforce.SectionRef
	zones   []enforce.Zone
	source  source

	mu     sync.Mutex
	unit   *ingest.Unit
	stills map[int][]byte // by width; empty if the unit cannot be decoded
}

func newFleet(cfg *config.Config, posts []*post, decoder decoder) *fleet {
	f := &fleet{decoder: decoder, turn: make(chan struct{}, 1)}
	for _, p := range posts {
		f.add(cfg, p.Camera, p)
	}
	return f
}

// add enters a camera.
func (f *fleet) add(cfg *config.Config, camera ingest.Camera, source source) {
	view := &cameraView{camera: camera, zones: cfg.ZonesOf(camera.ID), source: source}
	if policy, known := cfg.Policies.Newest(sectionOf(camera, view.zones)); known {
		view.section = enforce.SectionRef{
			ID: policy.Section.ID, Name: policy.Section.Name, TimeZone: policy.Section.Location.String(),
		}
	}
	at, _ := slices.BinarySearchFunc(f.views, camera.ID, byID)
	f.views = slices.Insert(f.views, at, view)
}

// sectionOf is the ID of the section that a camera watches: as configured, else
// that of its zones if they are of one; empty otherwise.
func sectionOf(camera ingest.Camera, zones []enforce.Zone) string {
	if camera.Section != "" || len(zones) == 0 {
		return camera.Section
	}
	for _, z := range zones {
		if z.Section != zones[0].Section {
			return ""
		}
	}
	return zones[0].Section
}

func byID(v *cameraView, id string) int { return cmp.Compare(v.camera.ID, id) }

func (f *fleet) view(id string) (*cameraView, bool) {
	at, found := slices.BinarySearchFunc(f.views, id, byID)
	if !found {
		return nil, false
	}
	return f.views[at], true
}

// Cameras implements review.Cameras.
func (f *fleet) Cameras() []review.Camera {
	all := make([]review.Camera, len(f.views))
	for i, v := range f.views {
		all[i] = v.now()
	}
	return all
}

// Camera implements review.Cameras.
func (f *fleet) Camera(id string) (review.Camera, bool) {
	v, ok := f.view(id)
	if !ok {
		return review.Camera{}, false
	}
	return v.now(), true
}

// jpegQuality is enough to see by; evidence is encoded better.
const jpegQuality = 80

// Picture implements review.Cameras. Each unit is decoded once in each width,
// and one at a time.
func (f *fleet) Picture(ctx context.Context, id string, width int) (review.Still, error) {
	v, ok := f.view(id)
	if !ok {
		return review.Still{}, fmt.Errorf("camera %q is not known: %w", id, review.ErrNoPicture)
	}
	if still, kept, err := v.kept(width); kept {
		return still, err
	}
	select {
	case f.turn <- struct{}{}:
		defer func() { <-f.turn }()
	case <-ctx.Done():
		return review.Still{}, ctx.Err()
	}
	if still, kept, err := v.kept(width); kept { // by whoever had the turn before
		return still, err
	}
	unit := v.source.Newest()
	jpeg, err := f.draw(ctx, unit, width)
	if err != nil && !errors.Is(err, decode.ErrCorrupt) {
		return review.Still{}, err
	}
	return v.keep(unit, width, jpeg)
}

func (f *fleet) draw(ctx context.Context, unit *ingest.Unit, width int) ([]byte, error) {
	shown, err := f.decoder.DecodeWithin(ctx, unit, image.Pt(width, picture.MaxSide))
	if err != nil {
		return nil, err
	}
	defer shown.Close()
	return picture.EncodeJPEG(shown, jpegQuality)
}

// kept is the picture of the newest unit if it has been made, or if there is
// nothing to make it of.
func (v *cameraView) kept(width int) (still review.Still, kept bool, err error) {
	unit := v.source.Newest()
	if unit == nil {
		return review.Still{}, true, review.ErrNoPicture
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	jpeg, kept := v.stills[width]
	if !kept || v.unit != unit {
		return review.Still{}, false, nil
	}
	still, err = stillOf(unit, jpeg)
	return still, true, err
}

// keep keeps the picture of a unit beside those of other widths.
func (v *cameraView) keep(unit *ingest.Unit, width int, jpeg []byte) (review.Still, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.unit != unit {
		v.unit, v.stills = unit, map[int][]byte{}
	}
	v.stills[width] = jpeg
	return stillOf(unit, jpeg)
}

func stillOf(unit *ingest.Unit, jpeg []byte) (review.Still, error) {
	if len(jpeg) == 0 {
		return review.Still{}, fmt.Errorf("the newest key unit cannot be decoded: %w", review.ErrNoPicture)
	}
	return review.Still{JPEG: jpeg, Taken: unit.Arrival}, nil
}

// now is how the camera fares at this moment.
func (v *cameraView) now() review.Camera {
	newest := v.source.Newest()
	c := review.Camera{
		CameraRef: enforce.CameraRef{
			ID: v.camera.ID, Name: v.camera.Name, DeviceID: v.camera.DeviceID,
			Place: v.camera.Place, Direction: v.camera.Direction,
		},
		Vendor: v.camera.Vendor, Section: v.section, Zones: v.zones, Health: v.source.Health(),
	}
	c.Streams = append(c.Streams, streamOf(ingest.Main, newest, c.Health, ingest.TroubleStream))
	if v.camera.SubURL != "" {
		c.Streams = append(c.Streams, streamOf(ingest.Sub, v.source.NewestSub(), c.Health, ingest.TroubleSubStream))
	}
	if newest == nil {
		return c
	}
	c.Picture = newest.Arrival
	if clockError, known := newest.Resolved().ClockError(); known {
		c.Clock = &review.Clock{Error: clockError, Drift: newest.Clock.Drift}
	}
	return c
}

// streamOf tells a stream from its newest unit, which may be nil, and from the
// trouble that a camera has when the stream is away.
func streamOf(name ingest.Stream, newest *ingest.Unit, health ingest.Health, away ingest.Kind) review.Stream {
	s := review.Stream{Name: name, State: review.StreamUp}
	if newest == nil {
		s.State = review.StreamWaiting
	} else {
		s.Codec, s.Size = newest.Format.Codec, newest.Format.SizeOf(newest.NALUs)
	}
	if slices.ContainsFunc(health.Troubles, func(t ingest.Trouble) bool { return t.Kind == away }) {
		s.State = review.StreamDown
	}
	return s
}
