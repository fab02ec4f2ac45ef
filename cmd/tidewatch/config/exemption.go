package config

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"tidewatch/detect"
	"tidewatch/enforce"
	"tidewatch/enforce/exempt"
)

var classNames = []detect.Class{detect.Car, detect.Bus, detect.Truck, detect.Motorcycle, detect.Bicycle}

// classes are those that a rule leaves out.
func (r *resolver) classes(path string, names []string) []detect.Class {
	var classes []detect.Class
	for i, name := range names {
		if !slices.Contains(classNames, detect.Class(name)) {
			r.wrong(fmt.Sprintf("%s[%d]", path, i), "%q: want car, bus, truck, motorcycle or bicycle", name)
		}
		classes = append(classes, detect.Class(name))
	}
	return classes
}

func (r *resolver) discretion(path string, y *discretionYAML) *enforce.Discretion {
	if y == nil {
		return nil
	}
	mistakes := len(r.mistakes)
	d := enforce.Discretion{
		Announcement:     y.Announcement,
		FirstWithinDays:  r.atLeast(path+".first_within_days", y.FirstWithinDays, 0),
		MinorWithin:      r.duration(path+".minor_within", y.MinorWithin, 0, 0),
		RepeatWithinDays: r.atLeast(path+".repeat_within_days", y.RepeatWithinDays, 0),
		EscalateAt:       r.atLeast(path+".escalate_at", y.EscalateAt, 0),
		EverySection:     y.EverySection,
	}
	if err := d.Validate(); err != nil && len(r.mistakes) == mistakes {
		r.wrong(path, "%s", strings.TrimPrefix(err.Error(), "discretion: "))
	}
	return &d
}

// exemptions checks where the list of exempt vehicles is, and the list.
func (r *resolver) exemptions(c *Config, y *exemptionsYAML) {
	if y == nil {
		return
	}
	location, err := time.LoadLocation(y.TimeZone)
	if err != nil {
		r.wrong("exemptions.time_zone", "%q: want an IANA name such as Asia/Shanghai", y.TimeZone)
		location = time.UTC
	}
	c.Exemptions = &exempt.Config{
		File: y.File, Reload: r.duration("exemptions.reload", y.Reload, 0, time.Second),
		Rules: exempt.Rules{Location: location, Sections: slices.Sorted(maps.Keys(c.Policies))},
	}
	if y.File == "" {
		r.wrong("exemptions.file", "is missing: which list of exempt vehicles?")
		return
	}
	text, err := os.ReadFile(y.File)
	if err != nil {
		r.wrong("exemptions.file", "%v", err)
		return
	}
	if _, err := exempt.Parse(y.File, text, c.Exemptions.Rules); err != nil {
		r.mistakes = append(r.mistakes, err)
	}
}
