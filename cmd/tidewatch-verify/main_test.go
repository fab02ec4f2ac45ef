package main

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// TestTimeZonesAreBuiltIn looks at what is linked: a machine without them would
// call right evidence wrong, and where tests run there are some.
func TestTimeZonesAreBuiltIn(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(strings.Fields(string(out)), "time/tzdata") {
		t.Error("time zones are not built in")
	}
}
