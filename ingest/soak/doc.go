// Package soak holds a test alone: many cameras with random faults, for as long
// as one likes. What is pulled and decoded is as in a worker. Each camera must
// be live again soon after its fault has ended, and goroutines, descriptors and
// memory must not grow.
//
//	go test ./ingest/soak -for 10m -v
package soak
