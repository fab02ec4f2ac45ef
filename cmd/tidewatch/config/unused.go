package config

import (
	"fmt"
	"slices"

	"tidewatch/detect"
	"tidewatch/enforce"
)

// unused says what is configured and means nothing.
func (r *resolver) unused(c *Config, f *file) {
	for i, camera := range c.Cameras {
		path := fmt.Sprintf("cameras[%d]", i)
		zones := c.ZonesOf(camera.ID)
		switch {
		case r.isPartial("zones"):
		case len(zones) == 0:
			r.doubt(path, "has no zone: nothing in it is judged")
		case camera.Section != "" && !slices.ContainsFunc(zones, func(z enforce.Zone) bool { return z.Section == camera.Section }):
			r.doubt(path+".section", "%s: its zones are of %s", camera.Section, sectionsOf(zones))
		}
	}
	said := map[string]bool{}
	for i, y := range f.Sections {
		if _, known := c.Policies[y.ID]; !known || said[y.ID] || r.isPartial("zones") {
			continue
		}
		said[y.ID] = true
		if !slices.ContainsFunc(c.Zones, func(z enforce.Zone) bool { return z.Section == y.ID }) {
			r.doubt(fmt.Sprintf("sections[%d]", i), "no zone is of this section: nobody is judged by its rule")
		}
	}
	for i, z := range c.Zones {
		newest, known := c.Policies.Newest(z.Section)
		if known && !slices.ContainsFunc(classNames, func(class detect.Class) bool {
			return z.Concerns(class) && !slices.Contains(newest.Section.ExemptClasses, class)
		}) {
			r.doubt(fmt.Sprintf("zones[%d].vehicles", i), "the section's exempt_classes leave none of them")
		}
	}
}

// sectionsOf lists the sections of zones, each once.
func sectionsOf(zones []enforce.Zone) string {
	var ids []string
	for _, z := range zones {
		if !slices.Contains(ids, z.Section) {
			ids = append(ids, z.Section)
		}
	}
	return fmt.Sprint(ids)
}
