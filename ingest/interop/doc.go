// Package interop holds no code but tests: what ingest makes of RTSP servers
// that others wrote, GStreamer's and VLC's. The simulated cameras of simcam are
// built on the same library as our client, so both could share a mistake.
package interop
