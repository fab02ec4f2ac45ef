package viid

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"image"
	_ "image/jpeg" // pictures are JPEG
	"io"
	"math"
	"slices"
	"time"

	"tidewatch/enforce"
	"tidewatch/enforce/evidence/overlay"
)

// maxPicture is the largest picture that is sent, in bytes.
const maxPicture = 32 << 20

// subImage is a SubImageInfoObject.
type subImage struct {
	ImageID    string
	DeviceID   string
	Type       string
	FileFormat string
	ShotTime   string
	Width      int
	Height     int
	Data       []byte // base64 in JSON

	street image.Point // how large the street itself is in it, without what is written below
}

// Picture names pictures that a platform may want.
type Picture string

// The pictures, and their SubImage types.
const (
	Scenes    Picture = "scenes"    // the wide views, 14
	CloseUp   Picture = "close_up"  // the vehicle, 09
	Plate     Picture = "plate"     // its plate, where it was read, 02
	Composite Picture = "composite" // all in one, 07
	Vehicle   Picture = "vehicle"   // the close-up once more, as 01
)

// AllPictures are what can be sent.
var AllPictures = []Picture{Scenes, CloseUp, Plate, Composite, Vehicle}

const sceneType = "14"

// pictureTypes are the pictures as SubImage types, in the order in which they
// are sent and have their IDs.
var pictureTypes = []struct {
	kind, marked enforce.FileKind
	picture      Picture
	code         string
}{
	{enforce.SceneBegin, enforce.MarkedBegin, Scenes, sceneType},
	{enforce.SceneMiddle, enforce.MarkedMiddle, Scenes, sceneType},
	{enforce.SceneDue, enforce.MarkedDue, Scenes, sceneType},
	{enforce.CloseUp, enforce.MarkedCloseUp, CloseUp, "09"},
	{enforce.Plate, "", Plate, "02"},
	{enforce.Composite, "", Composite, "07"},
	{enforce.CloseUp, enforce.MarkedCloseUp, Vehicle, "01"},
}

// chosen is a picture to be sent.
type chosen struct {
	original enforce.File
	sent     enforce.File // the original, or its marked copy
	id, code string
}

// choose picks the pictures to be sent and gives all of them their IDs, and tells
// the one that the vehicle's ID begins with: the close-up is this vehicle's own,
// while a scene may show several. The IDs go by the originals, so that a case has
// the same ones whatever the platform has wanted of it before.
func (c *Client) choose(e enforce.Evidence, device string, zone *time.Location) (wanted []chosen, source string) {
	used := map[string]bool{}
	for _, t := range pictureTypes {
		original, ok := e.File(t.kind)
		if !ok {
			continue
		}
		p := chosen{original: original, sent: original, code: t.code}
		at, n := original.At.In(zone), serial(original.SHA256)
		for used[imageID(device, at, n)] {
			n++
		}
		p.id = imageID(device, at, n)
		used[p.id] = true
		if source == "" || t.picture == CloseUp {
			source = p.id
		}
		if copied, ok := e.File(t.marked); ok && c.config.Pictures.Marked {
			p.sent = copied
		}
		if slices.Contains(c.config.Pictures.Send, t.picture) {
			wanted = append(wanted, p)
		}
	}
	return wanted, source
}

// pictures reads what is to be sent.
func (c *Client) pictures(ctx context.Context, wanted []chosen, device string, zone *time.Location) ([]subImage, error) {
	var found []subImage
	for _, w := range wanted {
		p, err := c.picture(ctx, w)
		if err != nil {
			return nil, fmt.Errorf("picture %s: %w", w.sent.Kind, err)
		}
		p.ImageID, p.DeviceID, p.Type = w.id, device, w.code
		p.ShotTime = w.original.At.In(zone).Format(timeFormat)
		found = append(found, p)
	}
	if len(found) == 0 {
		return nil, errors.New("the case has no pictures that the platform wants")
	}
	return found, nil
}

// picture reads a file, makes sure that it is the one recorded, and brings it
// within the platform's limits.
func (c *Client) picture(ctx context.Context, w chosen) (subImage, error) {
	data, err := c.evidence(ctx, w.sent)
	if err != nil {
		return subImage{}, err
	}
	stored, err := sizeOf(data)
	if err != nil {
		return subImage{}, err
	}
	if data, err = overlay.Fit(data, c.config.Pictures.Limits); err != nil {
		return subImage{}, fmt.Errorf("%w (police.pictures)", err)
	}
	size, err := sizeOf(data)
	if err != nil {
		return subImage{}, err
	}
	p := subImage{FileFormat: "Jpeg", Width: size.X, Height: size.Y, Data: data, street: size}
	if w.sent.Kind != w.original.Kind { // what is written stands below the street
		scale := float64(size.X) / float64(stored.X)
		p.street = image.Pt(scaled(w.original.Width, scale), scaled(w.original.Height, scale))
	}
	return p, nil
}

func scaled(n int, by float64) int { return int(math.Round(float64(n) * by)) }

// evidence reads a file and makes sure that it is the one recorded.
func (c *Client) evidence(ctx context.Context, file enforce.File) ([]byte, error) {
	r, err := c.files.Open(ctx, file.SHA256)
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }()
	data, err := io.ReadAll(io.LimitReader(r, maxPicture+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxPicture {
		return nil, fmt.Errorf("more than %d bytes", maxPicture)
	}
	if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != file.SHA256 {
		return nil, errors.New("its SHA-256 is not the one recorded")
	}
	return data, nil
}

func sizeOf(data []byte) (image.Point, error) {
	header, format, err := image.DecodeConfig(bytes.NewReader(data))
	if err != nil || format != "jpeg" {
		return image.Point{}, errors.New("not a JPEG picture")
	}
	return image.Pt(header.Width, header.Height), nil
}

// street is how large the street is in the newest wide view that is sent or,
// where none is, in the evidence.
func street(e enforce.Evidence, sent []subImage) image.Point {
	for _, p := range slices.Backward(sent) {
		if p.Type == sceneType {
			return p.street
		}
	}
	scene, _ := e.File(enforce.SceneDue)
	return image.Pt(scene.Width, scene.Height)
}
