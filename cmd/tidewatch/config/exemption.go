package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"tidewatch/detect"
	"tidewatch/enforce"
	"tidewatch/enforce/exempt"
	"tidewatch/enforce/written"
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

// Numbers of the scale beyond these are a slip of the pen.
const mostDays, mostViolations = 3660, 1000

func (r *resolver) discretion(path string, y *discretionYAML) *enforce.Discretion {
	if y == nil {
		return nil
	}
	mistakes := len(r.mistakes)
	d := enforce.Discretion{
		Announcement:     string(y.Announcement),
		FirstWithinDays:  r.number(path+".first_within_days", y.FirstWithinDays, 0, mostDays),
		MinorWithin:      r.duration(path+".minor_within", y.MinorWithin, 0, longestPeriod, "what is longer is not minor"),
		RepeatWithinDays: r.number(path+".repeat_within_days", y.RepeatWithinDays, 0, mostDays),
		EscalateAt:       r.number(path+".escalate_at", y.EscalateAt, 0, mostViolations),
		EverySection:     y.EverySection,
	}
	if err := d.Validate(); err != nil && len(r.mistakes) == mistakes {
		r.wrong(path, "%s", strings.TrimPrefix(err.Error(), "discretion: "))
	}
	return &d
}

// longestReload is how long a change of the list may wait.
const longestReload = time.Hour

// exemptions checks where the list of exempt vehicles is. The list itself is
// the business of who uses it: a mistake in it stops nothing else.
func (r *resolver) exemptions(c *Config, y *exemptionsYAML) {
	if y == nil {
		return
	}
	c.Exemptions = &exempt.Config{
		File: string(y.File), Reload: r.duration("exemptions.reload", y.Reload, time.Second, longestReload, "changes wait for it"),
		Rules: exempt.Rules{Location: r.location("exemptions.time_zone", y.TimeZone), Sections: slices.Sorted(maps.Keys(c.Policies))},
	}
	if y.File == "" {
		r.wrong("exemptions.file", "is missing: which list of exempt vehicles?")
	}
	if written.Exposed(string(y.File)) {
		r.doubt("exemptions.file", "%s: everybody on this machine can read it, and it is personal data: chmod o= %s", y.File, y.File)
	}
}
