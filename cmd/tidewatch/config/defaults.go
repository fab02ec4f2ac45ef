package config

import (
	"cmp"

	"tidewatch/cmd/tidewatch/assets"
	"tidewatch/enforce"
	"tidewatch/enforce/police/viid"
	"tidewatch/ingest"
)

func defaults() file {
	evidence, retention := evidenceDefaults()
	return file{
		Evidence: evidence, Retention: retention,

		Data: "data", Listen: "127.0.0.1:8420", LogLevel: "info",
		Ring: ringYAML{Keep: "12s"},
		Clip: clipYAML{Before: "7s", After: "3s"},

		Detector: detectorYAML{Family: "yolox"},

		Kafka: kafkaYAML{Topic: "tidewatch-cases"},
	}
}

// fill puts in what may be left out, so that a dump shows what is in force.
func (f *file) fill() {
	if f.Assets == "" {
		dir, _ := assets.Default() // without a home folder the files are looked for here
		f.Assets = fileName(dir)
	}
	for i := range f.Cameras {
		c := &f.Cameras[i]
		c.Name = cmp.Or(c.Name, title(c.ID))
		c.Transport = cmp.Or(c.Transport, string(ingest.TransportAuto))
		c.ClockTolerance = cmp.Or(c.ClockTolerance, "2s")
	}
	for i := range f.Sections {
		s := &f.Sections[i]
		s.Name = cmp.Or(s.Name, title(s.ID))
		s.TimeZone = cmp.Or(s.TimeZone, "Asia/Shanghai")
		s.Code = cmp.Or(s.Code, "1039")
		s.Grace = cmp.Or(s.Grace, "0s")
		s.ClockError = cmp.Or(s.ClockError, "1s")
		if d := s.Discretion; d != nil {
			d.FirstWithinDays = cmp.Or(d.FirstWithinDays, "365")
		}
		for j := range s.Limits {
			l := &s.Limits[j]
			if l.Hours.From == "" && l.Hours.Until == "" {
				l.Hours.From, l.Hours.Until = "00:00", "24:00"
			}
			l.Grace = cmp.Or(l.Grace, s.Grace)
		}
	}
	if e := f.Exemptions; e != nil {
		e.TimeZone, e.Reload = cmp.Or(e.TimeZone, "Asia/Shanghai"), cmp.Or(e.Reload, "10s")
	}
	for i := range f.Bays {
		f.Bays[i].Kind = cmp.Or(f.Bays[i].Kind, string(enforce.ParkingBay))
	}
	for i := range f.Zones {
		f.Zones[i].Vehicles = cmp.Or(f.Zones[i].Vehicles, string(enforce.Motor))
	}
	if f.Police != nil {
		f.Police.Pictures.fill()
	}
	f.Kafka.fill()
	f.ClickHouse.Database = cmp.Or(f.ClickHouse.Database, "tidewatch")
	f.ClickHouse.Username = cmp.Or(f.ClickHouse.Username, "tidewatch")
}

func (y *picturesYAML) fill() {
	usual := viid.DefaultConfig().Pictures
	if y.Marked == nil {
		y.Marked = &usual.Marked
	}
	if y.Send == nil {
		for _, p := range usual.Send {
			y.Send = append(y.Send, string(p))
		}
	}
}
