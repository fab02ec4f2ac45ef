package viid

import (
	"context"
	"fmt"
	"strings"

	"tidewatch/enforce"
	"tidewatch/enforce/police"
)

// PlatformName is what receipts call this kind of platform.
const PlatformName = "GA/T 1400"

// Submit sends a case as one motor vehicle with its pictures. If the platform
// has forgotten us, it registers and tries once more.
func (c *Client) Submit(ctx context.Context, k enforce.Case) (enforce.Receipt, error) {
	receipt, err := c.submit(ctx, k)
	c.metrics.count("vehicles", err)
	return receipt, err
}

func (c *Client) submit(ctx context.Context, k enforce.Case) (enforce.Receipt, error) {
	vehicle, err := c.vehicle(ctx, k)
	if err != nil {
		return enforce.Receipt{}, &police.Problem{Kind: police.NoEvidence, Err: err}
	}
	a, err := c.send(ctx, vehicle)
	if err != nil {
		return enforce.Receipt{}, err
	}
	s, err := a.about(vehicle.MotorVehicleID)
	if err != nil {
		return enforce.Receipt{}, err
	}
	receipt := enforce.Receipt{
		Platform: PlatformName, ID: vehicle.MotorVehicleID, Code: string(s.Code), Message: s.message(),
	}
	switch s.Code {
	case codeOK:
		receipt.Accepted = true
	case codeInvalid, codeXMLFormat, codeXMLContent, codeJSONFormat, codeJSONContent:
		// The same again will not be had either: the officer decides.
	default:
		return enforce.Receipt{}, s.problem(k.Plate())
	}
	return receipt, nil
}

func (c *Client) send(ctx context.Context, vehicle motorVehicle) (answer, error) {
	var object struct {
		MotorVehicleListObject struct{ MotorVehicleObject []motorVehicle }
	}
	object.MotorVehicleListObject.MotorVehicleObject = []motorVehicle{vehicle}
	var a answer
	for range 2 {
		registration, err := c.register(ctx)
		if err != nil {
			return answer{}, err
		}
		a, err = c.post(ctx, &c.plain, vehiclesPath, object)
		if err != nil || !a.unwelcome() {
			return a, err
		}
		c.session.lost(registration)
	}
	return answer{}, unwelcome("registered, and yet not let in", a)
}

// problem is a status that asks to try again. The plate sent is left out of
// the platform's words.
func (s status) problem(plate string) error {
	kind := police.Faulty
	if s.Code == codeBusy || s.Code == codeReboot {
		kind = police.Busy
	}
	words := s.message()
	if plate != "" {
		words = strings.ReplaceAll(words, plate, "[plate]")
	}
	return &police.Problem{Kind: kind, Err: fmt.Errorf("status %.20q: %s", string(s.Code), words)}
}
