// Command ingestbench measures how many cameras a core takes in, beside the
// usual ways of doing it: Frigate's detect command and a VideoCapture loop.
//
// The cameras are simulated: 1080p, 25 pictures a second, 4 Mbit/s, real
// footage. Each way runs in a process of its own, whose time on the processor
// is read from the system, so that neither the cameras nor this program count.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
)

// arguments is the command line. What is hidden is how the program runs itself.
type arguments struct {
	Bench   benchCmd   `cmd:"" default:"withargs" help:"Measure, print a table, and one JSON object as the last line."`
	Cameras camerasCmd `cmd:"" hidden:"" help:"Play the cameras."`
	Worker  workerCmd  `cmd:"" hidden:"" help:"Take cameras in, and measure."`
	Capture captureCmd `cmd:"" hidden:"" help:"Read one camera with VideoCapture, and measure."`
}

const (
	user     = "bench"
	password = "bench" // of cameras that live on loopback for some minutes
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level()}))
	command := kong.Parse(&arguments{}, kong.Name("ingestbench"), kong.UsageOnError(),
		kong.Description("Measures how many cameras a core takes in."),
		kong.BindTo(ctx, (*context.Context)(nil)), kong.Bind(log))
	err := command.Run()
	stop()
	if err != nil && !errors.Is(err, context.Canceled) {
		log.Error("ingestbench ended", "error", err)
		os.Exit(1)
	}
}

// level keeps the processes that are measured from telling what goes well.
func level() slog.Level {
	if len(os.Args) > 1 && os.Args[1] != "bench" && os.Args[1][0] != '-' {
		return slog.LevelWarn
	}
	return slog.LevelInfo
}

// usage is what a process has used.
type usage struct {
	Seconds float64 `json:"seconds"` // measured over
	CPU     float64 `json:"cpu"`     // seconds on processors in that time
	Bytes   float64 `json:"bytes"`   // of memory, resident
	Looks   float64 `json:"looks"`   // pictures decoded in that time
	Cameras int     `json:"cameras"`
	Missing int     `json:"missing"` // cameras that were not live all the time
}

func (u usage) cpuPerCamera() float64   { return u.CPU / u.Seconds / float64(u.Cameras) }
func (u usage) camerasPerCore() float64 { return 1 / u.cpuPerCamera() }
func (u usage) megabytes() float64      { return u.Bytes / 1e6 / float64(u.Cameras) }
func (u usage) looksPerSecond() float64 { return u.Looks / u.Seconds / float64(u.Cameras) }

// measure reads the process's own use over a time, which begins now.
func measure(ctx context.Context, during time.Duration) (usage, error) {
	before, began := ownCPU(), time.Now()
	select {
	case <-time.After(during):
	case <-ctx.Done():
		return usage{}, ctx.Err()
	}
	bytes, err := resident()
	return usage{Seconds: time.Since(began).Seconds(), CPU: (ownCPU() - before).Seconds(), Bytes: bytes}, err
}

// ownCPU is the time that this process has been on processors.
func ownCPU() time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		panic(err) // there is no other answer for oneself
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// resident is this process's memory in bytes.
func resident() (float64, error) {
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

// report writes what was measured for the process that asked.
func report(u usage) error { return json.NewEncoder(os.Stdout).Encode(u) }
