// Command streambench sends streams of many encoders through a camera and
// compares what is kept of them with what FFmpeg decodes of the source: each key
// unit alone, and clips, frame for frame.
//
// Some streams come from a folder, as their encoders wrote them; the others are
// made by x264, x265 and OpenH264 with the options in which cameras differ.
package main

import "tidewatch/cmd/benchrig"

// arguments is the command line.
type arguments struct {
	Bench benchCmd `cmd:"" default:"withargs" help:"Compare, print a table, and one JSON object as the last line."`
}

func main() {
	benchrig.Main("streambench", "Compares what is kept of foreign streams with what was sent.", &arguments{})
}
