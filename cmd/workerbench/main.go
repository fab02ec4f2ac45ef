// Command workerbench measures how many cameras a core watches: taken in,
// looked at and judged, as `tidewatch run` does it, beside the usual way of
// doing it, which decodes every picture and runs the network on five of them a
// second.
//
// The cameras are simulated: 1080p, 25 pictures a second, 4 Mbit/s, real
// footage of a street in which two vehicles come to stand every two minutes and
// leave after one. Each way runs in a process of its own, whose time on the
// processor is read from the system.
package main

import "tidewatch/cmd/benchrig"

// arguments is the command line. What is hidden is how the program runs itself.
type arguments struct {
	Bench   benchCmd            `cmd:"" default:"withargs" help:"Measure, print a table, and one JSON object as the last line."`
	Cameras benchrig.CamerasCmd `cmd:"" hidden:"" help:"Play the cameras."`
	Worker  workerCmd           `cmd:"" hidden:"" help:"Watch cameras as Tidewatch does, and measure."`
	Usual   usualCmd            `cmd:"" hidden:"" help:"Watch one camera the usual way, and measure."`
}

func main() {
	benchrig.Main("workerbench", "Measures how many cameras a core watches.", &arguments{})
}
