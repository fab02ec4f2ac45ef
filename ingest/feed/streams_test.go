package feed_test

import (
	"strings"
	"testing"
	"time"

	"tidewatch/ingest"
	"tidewatch/ingest/feed"
	"tidewatch/ingest/nal"
	"tidewatch/ingest/simcam"
)

// plays is a camera whose stream is odd, and which is live all the same: what is
// stored of it is sound.
func plays(film func(t *testing.T) string, faults simcam.Faults, from int) func(*testing.T) {
	return func(t *testing.T) {
		r := newRig(t, func(c *simcam.Config) {
			c.Cameras[0].From = from
			if film != nil {
				c.Cameras[0].Video = film(t)
			}
		})
		r.cfg = patient()
		r.misbehave(faults)
		r.start()
		r.live()
		r.sound(3 * time.Second)
		r.live()
		r.once()
		r.discreet()
	}
}

// patient waits for a machine that has much else to do.
func patient() feed.Config {
	cfg := feed.DefaultConfig()
	cfg.RTSP.AnswerTimeout, cfg.RTSP.UnitTimeout, cfg.RTSP.KeyTimeout = patience, patience, patience
	cfg.Inspector.KeyPatience, cfg.Inspector.ReportPatience = patience, patience
	return cfg
}

// once checks that the camera was never connected anew.
func (r *rig) once() {
	r.t.Helper()
	if n := r.newest().Session; n != 1 {
		r.t.Errorf("the camera was connected %d times:\n%s", n, r.log.String())
	}
}

// of is a film of twelve seconds.
func of(edit func([][]byte) [][]byte, options ...string) func(*testing.T) string {
	return func(t *testing.T) string { return encoded(t, 12, edit, options...) }
}

var (
	avc  = []string{"libx264", "-bf", "0", "-g", "10"}
	open = []string{"libx264", "-bf", "2", "-g", "10", "-x264-params", "b-adapt=0:open-gop=1:keyint=8:min-keyint=8"}
)

// paced is a camera whose media clock runs at a share of true speed.
func paced(gain float64) func(*testing.T) {
	return func(t *testing.T) {
		r := newRig(t)
		r.cfg = patient()
		r.misbehave(simcam.Faults{MediaGain: gain, NoReports: gain < 0})
		r.start()
		r.standing(ingest.Degraded, ingest.TroubleMedia)
		r.troubled(ingest.TroubleMedia)
		const asked = 3 * time.Second
		clip, lasts := r.sound(asked)
		if taken := clip.Until.Sub(clip.From); lasts < taken*2/3 || lasts > taken*3/2 {
			t.Errorf("a clip of %s plays for %s", taken, lasts)
		}
		r.discreet()
	}
}

// described is a camera that says more of its stream, or less, than is usual.
func described(change func(usual string) string) func(*testing.T) {
	return plays(nil, simcam.Faults{Describe: change}, 0)
}

// replaced says something else of the stream.
func replaced(text string) func(string) string {
	return func(usual string) string {
		text, formats := text, ""
		for line := range strings.Lines(usual) {
			if sets, found := strings.CutPrefix(line, "a=fmtp:96 "); found {
				formats = strings.TrimSpace(sets)
			}
		}
		return strings.ReplaceAll(strings.ReplaceAll(text, "FORMAT", formats), "\n", "\r\n")
	}
}

// streamFaults are what cameras do wrong in their streams, in the order of the
// documentation.
var streamFaults = []fault{
	{
		"marker on each slice", "a picture in four slices, each marked as if it were the last", "live", "`tidewatch_ingest_up`",
		"markers are not believed: slices of one picture belong together by their headers and time",
		plays(of(nil, "libx264", "-bf", "0", "-g", "10", "-x264-params", "slices=4"), simcam.Faults{Packing: simcam.Packing{Marker: simcam.MarkSlices}}, 0),
	},
	{
		"marker on each slice, H.265", "the same of H.265", "live", "`tidewatch_ingest_up`", "as above",
		plays(of(nil, "libx265", "-x265-params", "log-level=error:slices=4:keyint=10:min-keyint=10:scenecut=0:bframes=0:open-gop=0:pools=1"),
			simcam.Faults{Packing: simcam.Packing{Marker: simcam.MarkSlices}}, 0),
	},
	{
		"no marker", "no packet is marked", "live", "`tidewatch_ingest_up`", "as above",
		plays(nil, simcam.Faults{Packing: simcam.Packing{Marker: simcam.MarkNothing}}, 0),
	},
	{
		"small packets", "60 bytes in each, nothing put together", "live", "`tidewatch_ingest_up`", "none",
		plays(nil, simcam.Faults{Packing: simcam.Packing{Payload: 60, Separate: true}}, 0),
	},
	{
		"sets with another picture's time", "parameter sets bear the time of the picture before", "live", "`tidewatch_ingest_up`",
		"what comes after a picture's last slice is of the next picture",
		plays(nil, simcam.Faults{Packing: simcam.Packing{Sets: simcam.ParametersApart}}, 0),
	},
	{
		"sets described alone", "parameter sets stand in the description, never among the pictures", "live", "`tidewatch_ingest_up`",
		"those are used",
		plays(nil, simcam.Faults{Packing: simcam.Packing{Sets: simcam.ParametersDescribed}}, 0),
	},
	{
		"two picture parameter sets", "each under its number, the second of no use", "live", "`tidewatch_ingest_up`",
		"all are kept, and each unit and clip has those that it needs",
		plays(func(t *testing.T) string {
			return encodedBy(t, 12, func(f *ingest.Format) func([][]byte) [][]byte { return twice(f.Of(nal.PPS)[0]) }, avc...)
		}, simcam.Faults{}, 0),
	},
	{
		"sequence parameter set with more behind", "bytes after its end", "live", "`tidewatch_ingest_up`", "none",
		plays(of(func(nalus [][]byte) [][]byte {
			for i, nalu := range nalus {
				if nal.KindOf(ingest.H264, nalu) == nal.SPS {
					nalus[i] = append(nalu, 4)
				}
			}
			return nalus
		}, "libx264", "-bf", "0", "-g", "10", "-bsf:v", "dump_extra"), simcam.Faults{}, 0),
	},
	{
		"open groups", "one IDR at the start, then intra pictures with a recovery point; nobody watched the start", "live", "`tidewatch_ingest_up`",
		"those are key units; what is decoded after one and shown before it is left out of a clip that begins there",
		plays(of(nil, open...), simcam.Faults{}, 8),
	},
	{
		"open groups, unannounced", "the same without recovery points", "live", "`tidewatch_ingest_up`", "a picture without prediction is a key unit, and is announced as one in a clip",
		plays(of(without(nal.SEI), open...), simcam.Faults{}, 8),
	},
	{
		"intra refresh", "pictures are refreshed bit by bit, and none is whole by itself", "offline", ended("intra_refresh"),
		"the reason names it, and what to turn off",
		func(t *testing.T) {
			r := newRig(t, func(c *simcam.Config) {
				c.Cameras[0].From = 20
				c.Cameras[0].Video = encoded(t, 30, nil, "libx264", "-bf", "0", "-x264-params", "intra-refresh=1:keyint=20")
			})
			r.start()
			r.standing(ingest.Offline, ingest.TroubleStream)
			r.until("its reason", func() bool { return r.metric("tidewatch_ingest_failures_total", "intra_refresh") > 0 })
			r.discreet()
		},
	},
	{
		"picture order in steps", "no reordering, yet the order count goes up by 18 a picture", "live", "`tidewatch_ingest_up`",
		"decoding times follow from the times of showing",
		plays(func(t *testing.T) string {
			return encoded(t, 108, referenced, "libx264", "-bf", "8", "-preset", "ultrafast", "-x264-params",
				"keyint=90:min-keyint=90:scenecut=0:bframes=8:b-adapt=0:b-pyramid=0:weightp=0")
		}, simcam.Faults{}, 0),
	},
	{
		"long-term references", "P pictures that name the last key frame alone, as smart codecs send them", "live", "`tidewatch_ingest_up`", "as above",
		plays(longTerm, simcam.Faults{}, 0),
	},
	{
		"another session's packets", "a session that is over is still sent, under another SSRC", "live", "`tidewatch_rtsp_foreign_packets_total`",
		"what is not of the stream that brought the first key unit is dropped and counted",
		func(t *testing.T) {
			r := newRig(t)
			r.cfg = patient()
			r.start()
			r.live()
			r.misbehave(simcam.Faults{Foreign: true})
			r.until("packets of another", func() bool { return r.metric("tidewatch_rtsp_foreign_packets_total", "main") > 20 })
			r.sound(3 * time.Second)
			r.live()
			// On a busy machine the camera's own packets may stay away for so long
			// that they are taken to have ended; they are never taken for others.
			if n := r.metric("tidewatch_ingest_failures_total", "time_jump"); n > 0 {
				t.Errorf("%v times the packets were mixed", n)
			}
			r.discreet()
		},
	},
	{
		"media clock of 1 kHz", "timestamps count milliseconds, where 90 kHz is announced", "degraded", trouble(ingest.TroubleMedia),
		"arrivals time the pictures; a clip lasts as long as what it shows", paced(1.0/90 - 1),
	},
	{
		"media clock too fast", "timestamps run 10.5 times too fast", "degraded", trouble(ingest.TroubleMedia), "as above", paced(9.5),
	},
	{
		"media clock too slow", "timestamps run 16 % slow", "degraded", trouble(ingest.TroubleMedia), "as above", paced(-0.16),
	},
	{
		"media clock still", "all timestamps are the same", "degraded", trouble(ingest.TroubleMedia), "as above", paced(-1),
	},
	{
		"talk-back", "the description lists sound and talk-back beside the video, in words that a library refuses", "live", "`tidewatch_ingest_up`",
		"only the video has to be understood",
		described(func(usual string) string {
			return usual + strings.ReplaceAll(`m=audio 0 RTP/AVP 8
a=control:trackID=1
a=rtpmap:8 PCMA/8000
a=recvonly
m=application 0 RTP/AVP 107
a=control:trackID=4
a=rtpmap:107 vnd.onvif.metadata/90000
m=audio 0 RTP/AVP 116 115 0 8
a=control:trackID=5
a=rtpmap:116 MPEG4-GENERIC/64000
a=rtpmap:115 MPEG4-GENERIC/48000
a=sendonly
`, "\n", "\r\n")
		}),
	},
	{
		"description without its head", "nothing but the video", "live", "`tidewatch_ingest_up`", "as above",
		described(replaced("m=video 0 RTP/AVP 96\na=rtpmap:96 H264/90000\na=control:trackID=0\n")),
	},
	{
		"description with a wrong address", "lines that are cut off or name another host", "live", "`tidewatch_ingest_up`", "as above",
		described(replaced("v=0\no=- 1001 1 IN \ns=VCP IPC Realtime stream\nm=video 0 RTP/AVP 96\nc=IN \na=control:trackID=0\na=rtpmap:96 H264/90000\n" +
			"a=fmtp:96 profile-level-id=640032; FORMAT\na=recvonly\nm=application 0 RTP/AVP 107\nc=IN \na=control:trackID=9\na=rtpmap:107 vnd.onvif.metadata/90000\n")),
	},
	{
		"description with wrong sets", "parameter sets in it that are none", "live", "`tidewatch_ingest_up`", "those among the pictures are used",
		described(replaced("v=0\no=VSTC 3836310016 3836310016 IN IP4 192.0.2.22\ns=streamed\ne=NONE\nc=IN IP4 0.0.0.0\nt=0 0\nm=video 0 RTP/AVP 96\nb=AS:1536\n" +
			"a=control:trackID=0\na=rtpmap:96 H264/90000\na=fmtp:96 packetization-mode=1;profile-level-id=5f5f5f;sprop-parameter-sets=6QA/Kg==,aM48gA==\n")),
	},
	{
		"SHA-256", "the challenge asks for it", "live", "`tidewatch_ingest_up`", "none",
		plays(nil, simcam.Faults{SHA256: true}, 0),
	},
	{
		"short stall", "nothing comes for less than two seconds", "live", "`tidewatch_ingest_up`", "none",
		func(t *testing.T) {
			r := newRig(t)
			r.cfg = patient()
			r.start()
			r.live()
			r.misbehave(simcam.Faults{Stall: true})
			time.Sleep(1700 * time.Millisecond)
			r.misbehave(simcam.Faults{})
			r.live()
			r.once()
			r.discreet()
		},
	},
}

// standing waits until a trouble makes the camera fare so.
func (r *rig) standing(state ingest.State, kind ingest.Kind) {
	r.t.Helper()
	r.until(string(state)+" for "+string(kind), func() bool {
		h := r.feed.Health()
		return h.State == state && len(h.Troubles) > 0 && h.Troubles[0].Kind == kind
	})
}
