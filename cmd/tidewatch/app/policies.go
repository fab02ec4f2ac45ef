package app

import (
	"bytes"
	"context"
	"fmt"
	"time"
)

// keepPolicies stores the document of every version of every rule, so that a
// case can be judged again under the policy that it names, whatever the
// configuration says by then.
func (a *App) keepPolicies(ctx context.Context) error {
	for _, versions := range a.cfg.Policies {
		for _, policy := range versions {
			sum, _, err := a.files.Put(ctx, bytes.NewReader(policy.Document()))
			if err != nil {
				return fmt.Errorf("keep the policy of section %s: %w", policy.Section.ID, err)
			}
			if sum != policy.ID {
				return fmt.Errorf("keep the policy of section %s: stored as %s, want %s", policy.Section.ID, sum, policy.ID)
			}
		}
	}
	for _, warning := range a.cfg.Warnings(time.Now()) {
		a.log.Warn("configuration warning", "warning", warning)
	}
	return nil
}
