package rescue_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"tidewatch/rescue"
)

var errOrdinary = errors.New("ordinary")

func burst(map[string]int) error {
	var none map[string]int
	none["a"] = 1
	return nil
}

func TestDo(t *testing.T) {
	for name, test := range map[string]struct {
		do   func() error
		want string // of the panic; empty: there is none
	}{
		"nothing":           {func() error { return nil }, ""},
		"an error":          {func() error { return errOrdinary }, ""},
		"a panic":           {func() error { panic("half way") }, "panic: half way"},
		"a panic with nil":  {func() error { panic(nil) }, "panic: panic called with nil argument (use GODEBUG=panicnil=1 to disable)"}, //nolint:govet // that is what is tested
		"a runtime's panic": {func() error { return burst(nil) }, "panic: assignment to entry in nil map"},
	} {
		t.Run(name, func(t *testing.T) {
			err := fmt.Errorf("work: %w", rescue.Do(test.do))
			caught := rescue.From(err)
			if (caught != nil) != (test.want != "") || caught != nil && caught.Error() != test.want {
				t.Fatalf("caught %v, want %q", caught, test.want)
			}
			if caught != nil && !strings.Contains(string(caught.Stack), "rescue_test") {
				t.Errorf("the stack does not say where:\n%s", caught.Stack)
			}
		})
	}
	if err := rescue.Do(func() error { return errOrdinary }); !errors.Is(err, errOrdinary) {
		t.Errorf("an error became %v", err)
	}
}
