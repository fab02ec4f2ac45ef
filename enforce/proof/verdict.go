package proof

import (
	"errors"
	"fmt"

	"tidewatch/enforce"
)

// follows says why a verdict does not follow from the policy's document. A case
// of before stops were recorded in full cannot be judged again.
func follows(v enforce.Violation, document []byte) error {
	if v.Stop.Start.IsZero() {
		return nil
	}
	policy, err := enforce.ParsePolicy(document)
	if err != nil {
		return err
	}
	again := enforce.Rejudge(v, policy)
	switch {
	case !again.Suspected:
		return errors.New("judged again, the stop is not suspected")
	case !again.Since.Equal(v.Since) || !again.Due.Equal(v.Due):
		return fmt.Errorf("judged again, it is suspected from %s and due at %s", again.Since, again.Due)
	case !same(again.Reasons, v.Reasons):
		return errors.New("judged again, it has other reasons")
	}
	return nil
}

// antiForgery says what is wrong with the code of a copy, if it bears one.
func antiForgery(violation string, f enforce.File, named map[string]bool) error {
	if f.AntiForgery == "" {
		return nil
	}
	for _, sum := range f.Of {
		if !named[sum] {
			return fmt.Errorf("is made of a file %s that the manifest does not name", sum)
		}
	}
	if want := enforce.AntiForgery(violation, f.At, f.Of...); f.AntiForgery != want {
		return fmt.Errorf("has the anti-forgery code %s instead of %s", f.AntiForgery, want)
	}
	return nil
}
