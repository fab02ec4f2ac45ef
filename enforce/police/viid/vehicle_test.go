package viid

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidewatch/detect"
	"tidewatch/detect/plate"
	"tidewatch/enforce"
)

func TestIDs(t *testing.T) {
	k, stored := kerbCase(t)
	c := newPlatform(t).client(t, stored)
	first, err := c.vehicle(t.Context(), k)
	if err != nil {
		t.Fatal(err)
	}
	again := k
	again.Revision, again.StopEnd = 4, time.Time{}
	again.Decision.Plate = "川A54321"
	second, err := c.vehicle(t.Context(), again)
	if err != nil {
		t.Fatal(err)
	}
	if first.MotorVehicleID != second.MotorVehicleID {
		t.Errorf("a revised decision has another ID: %s and %s", first.MotorVehicleID, second.MotorVehicleID)
	}
	other := k
	other.ID = "fedcba9876543210"
	third, err := c.vehicle(t.Context(), other)
	if err != nil {
		t.Fatal(err)
	}
	if third.MotorVehicleID == first.MotorVehicleID || third.SourceID != first.SourceID {
		t.Errorf("another case with the same pictures has ID %s, source %s", third.MotorVehicleID, third.SourceID)
	}
	seen := map[string]bool{}
	for _, p := range first.SubImageList.SubImageInfoObject {
		if !digits(p.ImageID, 41) || seen[p.ImageID] {
			t.Errorf("image ID %q", p.ImageID)
		}
		seen[p.ImageID] = true
	}
	if !digits(first.MotorVehicleID, 48) {
		t.Errorf("vehicle ID %q", first.MotorVehicleID)
	}
}

func TestPicturesOfOneSecondHaveTheirOwnIDs(t *testing.T) {
	k, stored := kerbCase(t)
	all := k.Violation.Evidence.Files
	all[1], all[2] = all[0], all[0] // the same picture for the same second, thrice
	all[1].Kind, all[2].Kind = enforce.SceneMiddle, enforce.SceneDue
	v, err := newPlatform(t).client(t, stored).vehicle(t.Context(), k)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, p := range v.SubImageList.SubImageInfoObject {
		seen[p.ImageID] = true
	}
	if len(seen) != 4 {
		t.Errorf("%d IDs for 4 pictures", len(seen))
	}
	if got := imageID(cameraID, time.Time{}, 99999+1); !digits(got, 41) {
		t.Errorf("the serial after the last is %q", got)
	}
}

func TestDeviceAndTimeOfPictures(t *testing.T) {
	tests := map[string]struct {
		change func(*enforce.Case)
		want   string // beginning of the first picture's ID
	}{
		"camera's device and clock": {func(*enforce.Case) {}, cameraID + "02" + "20260317210405"},
		"no device of its own": {func(k *enforce.Case) {
			k.Violation.Camera.DeviceID = ""
		}, systemID + "02" + "20260317210405"},
		"device not of 20 digits": {func(k *enforce.Case) {
			k.Violation.Camera.DeviceID = "5101000000119000000X"
		}, systemID + "02" + "20260317210405"},
		"camera's clock not believed": {func(k *enforce.Case) {
			k.Violation.Evidence.Files[0].CameraTime = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
			k.Violation.Evidence.Files[0].At = time.Date(2026, 3, 17, 16, 0, 0, 0, time.UTC)
		}, cameraID + "02" + "20260318000000"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			k, stored := kerbCase(t)
			test.change(&k)
			v, err := newPlatform(t).client(t, stored).vehicle(t.Context(), k)
			if err != nil {
				t.Fatal(err)
			}
			if got := v.SubImageList.SubImageInfoObject[0].ImageID; !strings.HasPrefix(got, test.want) {
				t.Errorf("image ID %s, want %s...", got, test.want)
			}
		})
	}
}

func TestStandingVehicleHasNoDisappearTime(t *testing.T) {
	k, stored := kerbCase(t)
	k.StopEnd = time.Time{}
	p := newPlatform(t)
	receipt, err := p.client(t, stored).Submit(t.Context(), k)
	if err != nil || !receipt.Accepted || p.Vehicles()[0].DisappearTime != "" {
		t.Errorf("receipt %+v, error %v, platform %+v", receipt, err, p.Vehicles())
	}
}

func TestPlateCodes(t *testing.T) {
	type codes struct{ Class, Color string }
	tests := []struct {
		number string
		read   plate.Read
		class  detect.Class
		want   codes
	}{
		{"川A12345", plate.Read{Text: "川A12345", Kind: plate.Blue}, detect.Car, codes{"02", "5"}},
		{"川A12345", plate.Read{Text: "川A12346", Kind: plate.Blue}, detect.Car, codes{"02", "5"}},
		{"川A12345", plate.Read{Text: "川A12345", Kind: plate.Yellow}, detect.Truck, codes{"01", "6"}},
		{"川A12345", plate.Read{Text: "川A12345", Kind: plate.Yellow}, detect.Motorcycle, codes{"07", "6"}},
		{"川A12345", plate.Read{}, detect.Car, codes{"99", "99"}},
		{"川A12345", plate.Read{Text: "川B67890", Kind: plate.Yellow}, detect.Car, codes{"99", "99"}},
		{"川AD12345", plate.Read{}, detect.Car, codes{"52", "9"}},
		{"川A12345F", plate.Read{}, detect.Bus, codes{"51", "9"}},
		{"川A1234警", plate.Read{Text: "川A1234警", Kind: plate.Blue}, detect.Car, codes{"23", "2"}},
		{"川A1234学", plate.Read{}, detect.Car, codes{"16", "6"}},
		{"川A1234挂", plate.Read{}, detect.Truck, codes{"15", "6"}},
		{"粤Z1234港", plate.Read{}, detect.Car, codes{"26", "1"}},
		{"粤Z1234澳", plate.Read{}, detect.Car, codes{"27", "1"}},
		{"使123456", plate.Read{}, detect.Car, codes{"03", "1"}},
		{"川A1234领", plate.Read{}, detect.Car, codes{"04", "1"}},
		{"VA12345", plate.Read{}, detect.Car, codes{"32", "2"}},
		{"not a plate", plate.Read{Text: "not a plate", Kind: plate.Blue}, detect.Car, codes{"99", "99"}},
		{"WJ川1234A", plate.Read{}, detect.Car, codes{"31", "2"}},
	}
	config := Config{}.filled()
	for _, test := range tests {
		t.Run(test.number+" "+string(test.read.Kind), func(t *testing.T) {
			k := enforce.Case{Decision: enforce.Decision{Plate: test.number}}
			k.Violation.Plate, k.Violation.Class = test.read, test.class
			kind, class := plateOf(k)
			if diff := cmp.Diff(test.want, codes{class, config.color(kind)}); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestColorsAreConfiguration(t *testing.T) {
	config := Config{PlateColors: map[plate.Kind]string{plate.Blue: "77"}}.filled()
	if config.color(plate.Blue) != "77" || config.color(plate.Green) != "9" || config.color("pink") != "99" {
		t.Errorf("colours %v", config.PlateColors)
	}
}

func TestConfigIsChecked(t *testing.T) {
	good := DefaultConfig()
	good.URL, good.DeviceID, good.Username, good.Password = "http://127.0.0.1:8460", systemID, "u", password
	tests := map[string]struct {
		change func(*Config)
		want   string
	}{
		"good":             {func(*Config) {}, ""},
		"https and a path": {func(c *Config) { c.URL = "https://police.example/base" }, ""},
		"no URL":           {func(c *Config) { c.URL = "" }, "url: must be http or https, with a host"},
		"other scheme":     {func(c *Config) { c.URL = "ftp://h" }, "url: must be http or https, with a host"},
		"broken":           {func(c *Config) { c.URL = "http://u:" + password + "@[h" }, "url: not a URL"},
		"credentials":      {func(c *Config) { c.URL = "http://u:" + password + "@h" }, "url: must have neither credentials nor a query"},
		"short device":     {func(c *Config) { c.DeviceID = "5101" }, `device_id "5101": must be 20 digits`},
		"no name":          {func(c *Config) { c.Username = "" }, "username: must be set and have no colon"},
		"no timeout":       {func(c *Config) { c.Timeout = 0 }, "keepalive and timeout: must be positive"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			config := good
			test.change(&config)
			got := ""
			if err := config.validate(); err != nil {
				got = err.Error()
			}
			if got != test.want {
				t.Errorf("error %q, want %q", got, test.want)
			}
		})
	}
}
