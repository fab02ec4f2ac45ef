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
	"strconv"
	"time"

	"tidewatch/detect"
	"tidewatch/enforce"
)

// maxPicture is the largest picture that is sent, in bytes.
const maxPicture = 32 << 20

// motorVehicle is a MotorVehicleObject with the fields that a standing vehicle
// has. Colour 99 is "other": nobody has looked at it.
type motorVehicle struct {
	MotorVehicleID   string
	InfoKind         int // 1: found automatically
	SourceID         string
	DeviceID         string
	LeftTopX         int // in the picture as the period ran out, pixels
	LeftTopY         int
	RightBtmX        int
	RightBtmY        int
	PassTime         string
	AppearTime       string
	DisappearTime    string `json:",omitempty"`
	HasPlate         bool
	PlateClass       string
	PlateColor       string
	PlateNo          string
	PlateReliability string `json:",omitempty"` // percent, where the officer took over the machine's read
	VehicleColor     string
	NameOfPassedRoad string `json:",omitempty"`
	SubImageList     struct{ SubImageInfoObject []subImage }
}

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
}

// pictureTypes are the pictures that are sent, in order, as SubImage types.
var pictureTypes = []struct {
	kind enforce.FileKind
	code string
}{
	{enforce.SceneBegin, "14"},
	{enforce.SceneMiddle, "14"},
	{enforce.SceneDue, "14"},
	{enforce.CloseUp, "09"},
}

// vehicle puts a case into the platform's form. The same case gives the same
// IDs; only what has become known since (the vehicle has left) is added.
func (c *Client) vehicle(ctx context.Context, k enforce.Case) (motorVehicle, error) {
	zone, err := time.LoadLocation(k.Violation.Section.TimeZone)
	if err != nil {
		return motorVehicle{}, fmt.Errorf("section's time zone: %w", err)
	}
	device := c.config.DeviceID
	if digits(k.Violation.Camera.DeviceID, 20) {
		device = k.Violation.Camera.DeviceID
	}
	pictures, err := c.pictures(ctx, k.Violation.Evidence, device, zone)
	if err != nil {
		return motorVehicle{}, err
	}
	// The last picture, the close-up, is this vehicle's own, while a scene may
	// show several: so it is the source that the vehicle's ID begins with.
	source := pictures[len(pictures)-1].ImageID
	kind, class := plateOf(k)
	v := motorVehicle{
		MotorVehicleID: motorVehicleID(source, k.ID), InfoKind: 1, SourceID: source, DeviceID: device,
		PassTime:   k.Violation.Due.In(zone).Format(timeFormat),
		AppearTime: k.Violation.StopStart.In(zone).Format(timeFormat),
		HasPlate:   true, PlateClass: class, PlateColor: c.config.color(kind), PlateNo: k.Plate(),
		VehicleColor: "99", NameOfPassedRoad: k.Violation.Section.Name,
	}
	if !k.StopEnd.IsZero() {
		v.DisappearTime = k.StopEnd.In(zone).Format(timeFormat)
	}
	if read := k.Violation.Plate; read.Text == v.PlateNo {
		v.PlateReliability = strconv.Itoa(int(math.Round(100 * min(max(read.Confidence, 0), 1))))
	}
	v.place(k.Violation.Box, sceneOf(pictures))
	v.SubImageList.SubImageInfoObject = pictures
	return v, nil
}

// sceneOf is the newest wide view.
func sceneOf(pictures []subImage) subImage {
	scene := pictures[0]
	for _, p := range pictures {
		if p.Type == "14" {
			scene = p
		}
	}
	return scene
}

func (v *motorVehicle) place(box detect.Box, in subImage) {
	pixel := func(share float64, size int) int {
		return int(math.Round(min(max(share, 0), 1) * float64(size)))
	}
	v.LeftTopX, v.LeftTopY = pixel(box.X, in.Width), pixel(box.Y, in.Height)
	v.RightBtmX, v.RightBtmY = pixel(box.X+box.W, in.Width), pixel(box.Y+box.H, in.Height)
}

func (c *Client) pictures(ctx context.Context, evidence enforce.Evidence, device string, zone *time.Location) ([]subImage, error) {
	var found []subImage
	used := map[string]bool{} // IDs
	for _, want := range pictureTypes {
		file, ok := evidence.File(want.kind)
		if !ok {
			continue
		}
		p, err := c.picture(ctx, file)
		if err != nil {
			return nil, fmt.Errorf("picture %s: %w", want.kind, err)
		}
		at := file.At.In(zone)
		n := serial(file.SHA256)
		for used[imageID(device, at, n)] {
			n++
		}
		p.ImageID = imageID(device, at, n)
		used[p.ImageID] = true
		p.DeviceID, p.Type, p.ShotTime = device, want.code, at.Format(timeFormat)
		found = append(found, p)
	}
	if len(found) == 0 {
		return nil, errors.New("the case has no pictures")
	}
	return found, nil
}

// picture reads a file and makes sure that it is the one recorded.
func (c *Client) picture(ctx context.Context, file enforce.File) (subImage, error) {
	r, err := c.files.Open(ctx, file.SHA256)
	if err != nil {
		return subImage{}, err
	}
	defer func() { _ = r.Close() }()
	data, err := io.ReadAll(io.LimitReader(r, maxPicture+1))
	if err != nil {
		return subImage{}, err
	}
	if len(data) > maxPicture {
		return subImage{}, fmt.Errorf("more than %d bytes", maxPicture)
	}
	if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != file.SHA256 {
		return subImage{}, errors.New("its SHA-256 is not the one recorded")
	}
	header, format, err := image.DecodeConfig(bytes.NewReader(data))
	if err != nil || format != "jpeg" {
		return subImage{}, errors.New("not a JPEG picture")
	}
	return subImage{FileFormat: "Jpeg", Width: header.Width, Height: header.Height, Data: data}, nil
}
