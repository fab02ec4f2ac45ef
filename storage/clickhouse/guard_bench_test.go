package clickhouse

import (
	"testing"
)

// BenchmarkQuery compares the ways to the engine: the owner's, whose
// connections lead there directly, and the analysts', through the guard.
func BenchmarkQuery(b *testing.B) {
	for _, query := range []struct{ name, text string }{
		{"small", "SELECT 1"},
		{"large", "SELECT number FROM numbers(1000000)"},
	} {
		for _, way := range []struct {
			name string
			cfg  func(*Engine) Config
		}{
			{"direct", (*Engine).Config},
			{"guard", (*Engine).analyst},
		} {
			b.Run(query.name+"/"+way.name, func(b *testing.B) {
				e := startEngine(b, testEngineConfig(b))
				conn, err := Open(way.cfg(e))
				if err != nil {
					b.Fatal(err)
				}
				defer conn.Close()
				for b.Loop() {
					rows, err := conn.Query(b.Context(), query.text)
					if err != nil {
						b.Fatal(err)
					}
					for rows.Next() {
					}
					if err := rows.Close(); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
