package simpolice

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"regexp"
	"strings"
	"time"
)

// upload is the body of POST /VIID/MotorVehicles, as far as it is looked at.
type upload struct {
	MotorVehicleListObject *struct {
		MotorVehicleObject []sentVehicle
	}
}

type sentVehicle struct {
	MotorVehicleID string
	InfoKind       *int
	SourceID       string
	DeviceID       string
	LeftTopX       *int
	LeftTopY       *int
	RightBtmX      *int
	RightBtmY      *int
	PassTime       string
	AppearTime     string
	DisappearTime  string
	HasPlate       *bool
	PlateClass     string
	PlateColor     string
	PlateNo        string
	VehicleColor   string
	SubImageList   struct {
		SubImageInfoObject []sentPicture
	}
}

type sentPicture struct {
	ImageID    string
	DeviceID   string
	Type       string
	FileFormat string
	ShotTime   string
	Width      int
	Height     int
	Data       string
}

const (
	minPictures = 3 // stills of one stop
	maxPixels   = 64 << 20
)

// plates are the forms of GA 36-2018: province, letter and serial, the serial
// of five characters or, on new-energy plates, six; the special marks come
// last. WJ is the armed police; the army has two letters and five digits.
var plates = regexp.MustCompile(
	`^(?:[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-Z]` +
		`(?:[A-HJ-NP-Z0-9]{5}|[A-HJ-NP-Z0-9]{6}|[A-HJ-NP-Z0-9]{4}[警学挂港澳使领])` +
		`|使[0-9]{6}|[0-9]{6}使|[VKHBSLJNGC][A-Z][0-9]{5}|WJ[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼]?[A-Z0-9]{4,6})$`)

// check finds everything wrong with a vehicle, and reads its pictures.
func (v sentVehicle) check() ([]Picture, error) {
	p := &problems{}
	p.want(digits(v.MotorVehicleID, 48), "MotorVehicleID: must be 48 digits")
	p.want(digits(v.SourceID, 41), "SourceID: must be 41 digits")
	p.want(digits(v.DeviceID, 20), "DeviceID: must be 20 digits")
	p.want(strings.HasPrefix(v.MotorVehicleID, v.SourceID+"02"), "MotorVehicleID: must be the SourceID, 02 and a serial")
	p.want(strings.HasPrefix(v.SourceID, v.DeviceID), "SourceID: must begin with the DeviceID")
	p.want(v.InfoKind != nil && *v.InfoKind >= 0 && *v.InfoKind <= 2, "InfoKind: must be 0, 1 or 2")
	p.want(v.HasPlate != nil && *v.HasPlate, "HasPlate: must be true")
	p.want(plates.MatchString(v.PlateNo), "PlateNo: not the form of a plate")
	p.want(code(v.PlateClass), "PlateClass: must be two digits")
	p.want(code(v.PlateColor) || digits(v.PlateColor, 1), "PlateColor: must be one or two digits")
	p.want(code(v.VehicleColor) || digits(v.VehicleColor, 1), "VehicleColor: must be one or two digits")
	p.times(v)
	pictures := p.pictures(v)
	p.box(v, pictures)
	return pictures, errors.Join(p.found...)
}

type problems struct{ found []error }

func (p *problems) want(ok bool, format string, args ...any) {
	if !ok {
		p.found = append(p.found, fmt.Errorf(format, args...))
	}
}

func (p *problems) times(v sentVehicle) {
	appear, err := parseTime(v.AppearTime)
	p.want(err == nil, "AppearTime: must be yyyyMMddHHmmss")
	pass, err := parseTime(v.PassTime)
	p.want(err == nil, "PassTime: must be yyyyMMddHHmmss")
	p.want(!pass.Before(appear), "PassTime: before AppearTime")
	p.want(pass.Before(now().Add(24*time.Hour)), "PassTime: in the future")
	if v.DisappearTime != "" {
		gone, err := parseTime(v.DisappearTime)
		p.want(err == nil && !gone.Before(appear), "DisappearTime: must be yyyyMMddHHmmss, after AppearTime")
	}
}

func (p *problems) pictures(v sentVehicle) []Picture {
	sent := v.SubImageList.SubImageInfoObject
	p.want(len(sent) >= minPictures, "SubImageList: must have %d pictures or more", minPictures)
	ids := map[string]bool{}
	var found []Picture
	for i, one := range sent {
		at := fmt.Sprintf("SubImageInfoObject[%d].", i)
		p.want(digits(one.ImageID, 41) && !ids[one.ImageID], "%sImageID: must be 41 digits, and another for each picture", at)
		ids[one.ImageID] = true
		p.want(digits(one.DeviceID, 20), "%sDeviceID: must be 20 digits", at)
		_, err := parseTime(one.ShotTime)
		p.want(err == nil, "%sShotTime: must be yyyyMMddHHmmss", at)
		p.want(strings.HasPrefix(one.ImageID, one.DeviceID+"02"+one.ShotTime), "%sImageID: must be device, 02, time and a serial", at)
		p.want(code(one.Type), "%sType: must be two digits", at)
		picture, err := one.decode()
		p.want(err == nil, "%sData: %w", at, err)
		found = append(found, picture)
	}
	p.want(ids[v.SourceID], "SourceID: must be one of the pictures")
	return found
}

// box wants the vehicle to be inside the largest picture.
func (p *problems) box(v sentVehicle, pictures []Picture) {
	if v.LeftTopX == nil || v.LeftTopY == nil || v.RightBtmX == nil || v.RightBtmY == nil {
		p.want(false, "LeftTopX, LeftTopY, RightBtmX, RightBtmY: must be set")
		return
	}
	var width, height int
	for _, picture := range pictures {
		width, height = max(width, picture.width), max(height, picture.height)
	}
	p.want(*v.LeftTopX >= 0 && *v.LeftTopX < *v.RightBtmX && *v.RightBtmX <= width &&
		*v.LeftTopY >= 0 && *v.LeftTopY < *v.RightBtmY && *v.RightBtmY <= height,
		"LeftTopX, LeftTopY, RightBtmX, RightBtmY: not a box in the picture")
}

// decode reads a picture to its last pixel.
func (s sentPicture) decode() (Picture, error) {
	data, err := base64.StdEncoding.Strict().DecodeString(s.Data)
	if err != nil {
		return Picture{}, errors.New("not base64")
	}
	header, err := jpeg.DecodeConfig(bytes.NewReader(data))
	if err != nil || !strings.EqualFold(s.FileFormat, "Jpeg") {
		return Picture{}, errors.New("must be JPEG")
	}
	if header.Width*header.Height > maxPixels || header.Width != s.Width || header.Height != s.Height {
		return Picture{}, errors.New("not of the width and height given")
	}
	var whole image.Image
	if whole, err = jpeg.Decode(bytes.NewReader(data)); err != nil || whole.Bounds().Empty() {
		return Picture{}, errors.New("JPEG is damaged")
	}
	return Picture{
		ID: s.ImageID, Type: s.Type, ShotTime: s.ShotTime, SHA256: hash(data),
		data: data, width: header.Width, height: header.Height,
	}, nil
}

func parseTime(s string) (time.Time, error) {
	if !digits(s, 14) {
		return time.Time{}, errors.New("must be 14 digits")
	}
	return time.ParseInLocation("20060102150405", s, china)
}

func code(s string) bool { return digits(s, 2) }

func digits(s string, n int) bool {
	return len(s) == n && strings.Trim(s, "0123456789") == ""
}
