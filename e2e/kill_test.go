package e2e

import (
	"strings"
	"syscall"
	"testing"
)

// TestVerifyRightAfterAKill kills Tidewatch as its cases open, again and again,
// and checks all evidence at once, before anything is started anew: nothing is
// wrong, also of a case whose evidence is recorded and whose event is not.
func TestVerifyRightAfterAKill(t *testing.T) {
	s := newStreet(t)
	for round := range 4 {
		s.Data = t.TempDir()
		w := s.run()
		eventually(t, "evidence", func() bool { return w.metric("tidewatch_evidence_log_leaves_total", "") > 0 })
		w.stop(syscall.SIGKILL)
		out, err := s.command("verify", "--all")
		if err != nil || !strings.Contains(out, "wrong: 0,") {
			t.Errorf("round %d: verify right after the kill: %v\n%s", round, err, out)
		}
	}
}
