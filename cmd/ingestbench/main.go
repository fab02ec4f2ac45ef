// Command ingestbench measures how many cameras a core takes in, beside the
// usual ways of doing it: Frigate's detect command and a VideoCapture loop.
//
// The cameras are simulated: 1080p, 25 pictures a second, 4 Mbit/s, real
// footage. Each way runs in a process of its own, whose time on the processor
// is read from the system, so that neither the cameras nor this program count.
package main

import "tidewatch/cmd/benchrig"

// arguments is the command line. What is hidden is how the program runs itself.
type arguments struct {
	Bench   benchCmd            `cmd:"" default:"withargs" help:"Measure, print a table, and one JSON object as the last line."`
	Cameras benchrig.CamerasCmd `cmd:"" hidden:"" help:"Play the cameras."`
	Worker  workerCmd           `cmd:"" hidden:"" help:"Take cameras in, and measure."`
	Capture captureCmd          `cmd:"" hidden:"" help:"Read one camera with VideoCapture, and measure."`
}

func main() {
	benchrig.Main("ingestbench", "Measures how many cameras a core takes in.", &arguments{})
}
