package ingest

import (
	"slices"
	"strings"
)

// Vendor is whose menus a camera has.
type Vendor string

// The vendors whose menus are known.
const (
	Hikvision Vendor = "hikvision"
	Dahua     Vendor = "dahua"
	Uniview   Vendor = "uniview"
)

// Vendors lists all of them.
var Vendors = []Vendor{Hikvision, Dahua, Uniview}

// makers are words by which a device tells its maker, in lower case.
var makers = map[Vendor][]string{
	Hikvision: {"hikvision", "海康"},
	Dahua:     {"dahua", "大华"},
	Uniview:   {"uniview", "unv", "宇视"},
}

// VendorOf is the vendor that a device names as its maker; empty for others.
func VendorOf(manufacturer string) Vendor {
	told := strings.ToLower(manufacturer)
	for _, vendor := range Vendors {
		if slices.ContainsFunc(makers[vendor], func(maker string) bool { return strings.Contains(told, maker) }) {
			return vendor
		}
	}
	return ""
}
