package words

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"tidewatch/ingest"
)

// Advice is what is wrong with a camera, and what to do about it.
type Advice struct {
	What  string // with what was measured
	Do    string
	Menus []Menu // where to set it
}

// Advise puts a cause into words. The menus are those of the camera's vendor,
// or of every vendor that is known where that one is not.
func (c Catalog) Advise(cause ingest.Cause, vendor ingest.Vendor) Advice {
	var pairs []any
	for _, f := range cause.Facts {
		pairs = append(pairs, f.Name, c.fact(cause.Code, f.Value))
	}
	code := string(cause.Code)
	return Advice{
		What:  c.Say("cause", code, pairs...),
		Do:    c["cause."+code+".do"],
		Menus: c.menus(settings[cause.Code], vendor),
	}
}

// Cause is a cause in a line: what is wrong and what to do. Where menus would
// follow, they are left to pages.
func (c Catalog) Cause(cause ingest.Cause) string {
	if cause.Code == "" {
		return ""
	}
	return c.Whole(c.Advise(cause, ""))
}

// Whole is an advice in a line, without the menus.
func (c Catalog) Whole(a Advice) string { return c.Say("cause", "whole", "what", a.What, "do", a.Do) }

// fact is the value of a fact. Lengths of time below ten seconds are told to the
// tenth: a clock may be off by that.
func (c Catalog) fact(code ingest.Code, value any) string {
	switch v := value.(type) {
	case time.Duration:
		if v < 10*time.Second {
			return c.Say("unit", "second", "n", strconv.FormatFloat(v.Round(100*time.Millisecond).Seconds(), 'f', -1, 64))
		}
		return c.Duration(v)
	case map[string]int:
		var zones []string
		for _, id := range slices.Sorted(maps.Keys(v)) {
			zones = append(zones, c.Say("cause", string(code)+".zone", "zone", id, "height", v[id]))
		}
		return strings.Join(zones, c["window.join"])
	}
	return fmt.Sprint(value)
}
