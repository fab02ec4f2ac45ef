package authors_test

import (
	"testing"

	"tidewatch/enforce"
	"tidewatch/enforce/authors/sim"
)

func BenchmarkCheck(b *testing.B) {
	s, err := sim.Open(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	if err := s.Settle(b.Context(), (&sim.CaseLog{}).AsItStands()); err != nil {
		b.Fatal(err)
	}
	e := suspected("a")
	for i := range 15 {
		e.Violation.Evidence.Files = append(e.Violation.Evidence.Files, enforce.File{
			Kind: enforce.SceneDue, SHA256: "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a", Size: int64(i), At: noon, MediaType: "image/jpeg",
		})
	}
	raw, err := s.Sign(e)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(raw)))
	for b.Loop() {
		if c, err := enforce.Check(raw, enforce.Position{Partition: sim.Home("a", 2)}, s); err != nil || c.Flaw() != nil {
			b.Fatal(err, c.Flaw())
		}
	}
}
