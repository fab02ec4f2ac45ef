package viid

import (
	"context"
	"fmt"
	"image"
	"math"
	"strconv"
	"time"

	"tidewatch/detect"
	"tidewatch/enforce"
)

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
	wanted, source := c.choose(k.Violation.Evidence, device, zone)
	pictures, err := c.pictures(ctx, wanted, device, zone)
	if err != nil {
		return motorVehicle{}, err
	}
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
	v.place(k.Violation.Box, street(k.Violation.Evidence, pictures))
	v.SubImageList.SubImageInfoObject = pictures
	return v, nil
}

// place tells where a vehicle stands, in pixels of a picture of a size.
func (v *motorVehicle) place(box detect.Box, in image.Point) {
	pixel := func(share float64, size int) int {
		return int(math.Round(min(max(share, 0), 1) * float64(size)))
	}
	v.LeftTopX, v.LeftTopY = pixel(box.X, in.X), pixel(box.Y, in.Y)
	v.RightBtmX, v.RightBtmY = pixel(box.X+box.W, in.X), pixel(box.Y+box.H, in.Y)
}
