// Package benchrig is what the benchmarks with simulated cameras have in
// common: films, cameras that play them in a process of their own, and
// processes that measure themselves, so that neither the cameras nor the
// benchmark itself count.
package benchrig

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"syscall"
	"time"
)

// Usage is what a process has used.
type Usage struct {
	Seconds float64 `json:"seconds"` // measured over
	CPU     float64 `json:"cpu"`     // seconds on processors in that time
	Bytes   float64 `json:"bytes"`   // of memory, resident
	Looks   float64 `json:"looks"`   // pictures decoded in that time
	Cameras int     `json:"cameras"`
	Missing int     `json:"missing"` // cameras that were not live all the time
}

// CPUPerCamera is the share of a core that a camera takes.
func (u Usage) CPUPerCamera() float64 { return u.CPU / u.Seconds / float64(u.Cameras) }

// CamerasPerCore is how many cameras one core takes.
func (u Usage) CamerasPerCore() float64 { return 1 / u.CPUPerCamera() }

// Megabytes is the memory of a camera.
func (u Usage) Megabytes() float64 { return u.Bytes / 1e6 / float64(u.Cameras) }

// LooksPerSecond is how often each camera was looked at.
func (u Usage) LooksPerSecond() float64 { return u.Looks / u.Seconds / float64(u.Cameras) }

// Measure reads the process's own use over a time, which begins now.
func Measure(ctx context.Context, during time.Duration) (Usage, error) {
	before, began := OwnCPU(), time.Now()
	if err := Sleep(ctx, during); err != nil {
		return Usage{}, err
	}
	bytes, err := Resident()
	return Usage{Seconds: time.Since(began).Seconds(), CPU: (OwnCPU() - before).Seconds(), Bytes: bytes}, err
}

// OwnCPU is the time that this process has been on processors.
func OwnCPU() time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		panic(err) // there is no other answer for oneself
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// Resident is this process's memory in bytes.
func Resident() (float64, error) {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0, err
	}
	var size, pages float64
	if _, err := fmt.Sscan(string(text), &size, &pages); err != nil {
		return 0, fmt.Errorf("read /proc/self/statm: %w", err)
	}
	return pages * float64(os.Getpagesize()), nil
}

// Report writes what was measured for the process that asked.
func Report(result any) error { return json.NewEncoder(os.Stdout).Encode(result) }

// Round leaves one decimal.
func Round(v float64) float64 { return math.Round(v*10) / 10 }

// Sleep waits, or returns ctx's error.
func Sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
