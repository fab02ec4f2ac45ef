package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"tidewatch/ingest"
	"tidewatch/ingest/simcam"
)

// recipe is how an encoder makes a stream of a test pattern.
type recipe struct {
	name, encoder string
	params        string // the encoder's own, as its library or element takes them
	size          string // pixels, WxH
	fps           float64
	seconds       float64
	pixels        string // FFmpeg's name of the samples' form
	pattern       string // filters after the pattern
	filter        string // on the finished stream: FFmpeg's bitstream filters
	second        string // parameters of a second part, sent after the first
	sets          simcam.Sets
}

// made are the streams that are made here.
func made() []source {
	var sources []source
	for _, r := range recipes() {
		sources = append(sources, r.source())
	}
	for name, p := range plains {
		p.frames, p.group = 100, 25
		fps := 25.
		if p.fields {
			fps = 50 // access units
		}
		sources = append(sources, source{name: name, encoder: "plain", codec: ingest.H264, fps: fps, make: p.into})
	}
	slices.SortFunc(sources, func(a, b source) int { return strings.Compare(a.name, b.name) })
	return sources
}

// plains are what no encoder at hand makes.
var plains = map[string]plain{
	"avc-hand-order-type-0":     {orderType: 0, step: 2},
	"avc-hand-order-by-one":     {orderType: 0, step: 1},
	"avc-hand-order-type-1":     {orderType: 1},
	"avc-hand-order-type-2":     {orderType: 2},
	"avc-hand-shown-before":     {orderType: 1, hidden: true},
	"avc-hand-fields":           {orderType: 0, step: 2, fields: true},
	"avc-hand-fields-type-1":    {orderType: 1, fields: true},
	"avc-hand-fields-type-2":    {orderType: 2, fields: true},
	"avc-hand-fields-lone":      {orderType: 0, step: 2, fields: true, lone: true},
	"avc-hand-fields-reordered": {orderType: 1, fields: true, hidden: true},
}

// recipes of all encoders: the options in which cameras differ.
func recipes() []recipe {
	x264 := func(name, params string) recipe { return recipe{name: name, encoder: "x264", params: params} }
	x265 := func(name, params string) recipe { return recipe{name: name, encoder: "x265", params: params} }
	open := func(name, params string) recipe { return recipe{name: name, encoder: "openh264", params: params} }
	sized := func(r recipe, size string) recipe { r.size = size; return r }
	paced := func(r recipe, fps, seconds float64) recipe { r.fps, r.seconds = fps, seconds; return r }
	pixels := func(r recipe, form string) recipe { r.pixels = form; return r }
	cuts := func(r recipe) recipe { r.pattern = "negate=enable='lt(mod(n,7),3)'"; return r }
	sets := func(r recipe, s simcam.Sets) recipe { r.sets = s; return r }
	filtered := func(r recipe, filter string) recipe { r.filter = filter; return r }
	second := func(r recipe, params string) recipe { r.second = params; return r }

	return []recipe{
		x264("avc-baseline", "keyint=25:bframes=0:cabac=0:8x8dct=0:weightp=0"),
		x264("avc-main-cavlc", "keyint=25:bframes=2:cabac=0:8x8dct=0"),
		x264("avc-high", "keyint=25:bframes=3"),
		x264("avc-zero-latency", "keyint=25:bframes=0:rc-lookahead=0:sync-lookahead=0:sliced-threads=1:threads=4"),
		x264("avc-eight-b-pyramid", "keyint=50:bframes=8:b-pyramid=normal:b-adapt=0:ref=5"),
		x264("avc-b-pyramid-strict", "keyint=30:bframes=5:b-pyramid=strict:b-adapt=0"),
		x264("avc-sixteen-b", "keyint=60:bframes=16:b-adapt=0:b-pyramid=none"),
		x264("avc-sixteen-references", "keyint=50:ref=16:bframes=3:b-adapt=0"),
		x264("avc-direct-temporal", "keyint=25:bframes=3:direct=temporal:weightb=1"),
		x264("avc-long-gop", "keyint=infinite:bframes=2:b-adapt=0"),
		x264("avc-open-gop", "keyint=20:min-keyint=20:open-gop=1:bframes=3:b-adapt=0:scenecut=0"),
		x264("avc-open-gop-pyramid", "keyint=17:min-keyint=17:open-gop=1:bframes=7:b-pyramid=normal:b-adapt=0:scenecut=0"),
		x264("avc-intra-refresh", "keyint=25:intra-refresh=1:bframes=0"),
		x264("avc-all-intra", "keyint=1"),
		cuts(x264("avc-plain-intra-pictures", "keyint=60:min-keyint=60:bframes=0:scenecut=60")),
		cuts(x264("avc-plain-intra-with-b", "keyint=60:min-keyint=60:bframes=3:ref=4:scenecut=60")),
		cuts(x264("avc-plain-intra-references", "keyint=60:min-keyint=60:bframes=0:ref=6:scenecut=60:mixed-refs=1")),
		x264("avc-four-slices", "keyint=25:slices=4:bframes=2"),
		x264("avc-small-slices", "keyint=25:slice-max-size=200:bframes=1"),
		x264("avc-slice-a-row", "keyint=25:slice-max-mbs=20:bframes=0:cabac=0"),
		x264("avc-macroblock-interlaced", "keyint=25:tff=1:bframes=2:b-adapt=0"),
		x264("avc-bottom-field-first", "keyint=25:bff=1:bframes=0"),
		x264("avc-fake-interlaced", "keyint=25:fake-interlaced=1:bframes=1"),
		pixels(x264("avc-grey", "keyint=25:bframes=2"), "gray"),
		pixels(x264("avc-ten-bits", "keyint=25:bframes=2"), "yuv420p10le"),
		pixels(x264("avc-422", "keyint=25:bframes=2"), "yuv422p"),
		pixels(x264("avc-444", "keyint=25:bframes=2"), "yuv444p"),
		x264("avc-lossless", "keyint=25:qp=0"),
		x264("avc-scaling-lists", "keyint=25:cqm=jvt:bframes=2"),
		x264("avc-no-deblocking", "keyint=25:no-deblock=1:constrained-intra=1"),
		x264("avc-delimiters-and-filler", "keyint=25:aud=1:nal-hrd=cbr:vbv-maxrate=800:vbv-bufsize=400:bitrate=800:filler=1"),
		x264("avc-blu-ray", "keyint=25:bluray-compat=1:slices=4:aud=1:vbv-maxrate=4000:vbv-bufsize=4000:nal-hrd=vbr:bframes=3"),
		filtered(x264("avc-sets-before-each-picture", "keyint=25:bframes=2"), "dump_extra=freq=all"),
		filtered(x264("avc-noise-in-sei", "keyint=25:bframes=2"), "h264_metadata=sei_user_data=086f3693-b7b3-4f2c-9653-21492feee5b8+"+strings.Repeat("noise", 900)),
		filtered(x264("avc-no-sei", "keyint=25:bframes=2"), "filter_units=remove_types=6"),
		x264("avc-set-number-7", "keyint=25:sps-id=7:bframes=2"),
		second(x264("avc-two-sets-in-turn", "keyint=25:sps-id=0:cabac=1:bframes=2"), "keyint=25:sps-id=1:cabac=0:bframes=0"),
		sets(second(x264("avc-set-changes", "keyint=25:cabac=1:bframes=2"), "keyint=25:cabac=0:ref=2:bframes=0"), simcam.SetsInBand),
		sets(x264("avc-sets-described", "keyint=25:bframes=2"), simcam.SetsDescribed),
		sets(x264("avc-sets-in-band", "keyint=25:bframes=2"), simcam.SetsInBand),
		sized(x264("avc-tiny", "keyint=25:bframes=2"), "32x32"),
		sized(x264("avc-cropped", "keyint=25:bframes=2"), "322x246"),
		pixels(sized(x264("avc-odd-size", "keyint=25:bframes=2"), "321x243"), "yuv444p"),
		sized(paced(x264("avc-huge", "keyint=5:bframes=2:b-adapt=0"), 10, 1.5), "3840x2160"),
		paced(x264("avc-one-a-second", "keyint=2:bframes=0"), 1, 6),
		paced(x264("avc-five-a-second", "keyint=10:bframes=2"), 5, 5),
		paced(x264("avc-sixty-a-second", "keyint=60:bframes=3"), 60, 3),
		paced(x264("avc-ntsc", "keyint=30:bframes=3"), 30000./1001, 3),

		open("avc-openh264", "gop-size=25"),
		open("avc-openh264-slices", "gop-size=25 slice-mode=n-slices num-slices=4"),
		open("avc-openh264-screen", "gop-size=25 usage-type=screen complexity=high"),
		open("avc-openh264-bitrate", "gop-size=10 rate-control=bitrate bitrate=200000 enable-frame-skip=false"),
		sized(open("avc-openh264-cropped", "gop-size=25 deblocking=off"), "322x246"),
		sets(open("avc-openh264-sets-described", "gop-size=25"), simcam.SetsDescribed),

		x265("hevc-default", "keyint=25"),
		x265("hevc-no-b", "keyint=25:bframes=0:open-gop=0"),
		x265("hevc-open-gop", "keyint=20:min-keyint=20:open-gop=1:bframes=4:b-adapt=0:scenecut=0"),
		x265("hevc-closed-gop-leading", "keyint=20:min-keyint=20:open-gop=0:radl=2:bframes=4:b-adapt=0:scenecut=0"),
		x265("hevc-eight-b", "keyint=50:bframes=8:b-adapt=0:ref=6:rc-lookahead=20"),
		x265("hevc-sixteen-b", "keyint=60:bframes=16:b-adapt=0:b-pyramid=0:rc-lookahead=20"),
		x265("hevc-long-gop", "keyint=-1:bframes=3"),
		x265("hevc-intra-refresh", "keyint=25:intra-refresh=1:bframes=0"),
		x265("hevc-all-intra", "keyint=1"),
		cuts(x265("hevc-plain-intra-pictures", "keyint=60:min-keyint=60:bframes=0:scenecut=60")),
		cuts(x265("hevc-plain-intra-with-b", "keyint=60:min-keyint=60:bframes=3:scenecut=60")),
		x265("hevc-slices", "keyint=25:slices=3:ctu=16:max-tu-size=16"),
		x265("hevc-temporal-layers", "keyint=25:temporal-layers=1:bframes=4:b-adapt=0"),
		paced(x265("hevc-fields", "keyint=50:interlace=tff:bframes=2"), 50, 3),
		pixels(x265("hevc-grey", "keyint=25"), "gray"),
		pixels(x265("hevc-ten-bits", "keyint=25"), "yuv420p10le"),
		pixels(x265("hevc-twelve-bits-422", "keyint=25"), "yuv422p12le"),
		pixels(x265("hevc-444", "keyint=25"), "yuv444p"),
		x265("hevc-lossless", "keyint=25:lossless=1"),
		x265("hevc-delimiters-and-hrd", "keyint=25:aud=1:hrd=1:vbv-maxrate=800:vbv-bufsize=800:bitrate=800"),
		x265("hevc-changing-sets", "keyint=25:opt-qp-pps=1:opt-ref-list-length-pps=1:repeat-headers=1"),
		x265("hevc-recovery-points", "keyint=25:idr-recovery-sei=1:hash=1"),
		x265("hevc-no-timing", "keyint=25:vui-timing-info=0"),
		x265("hevc-weighted", "keyint=25:weightb=1:weightp=1:rect=1:amp=1:tskip=1"),
		filtered(x265("hevc-sets-before-each-picture", "keyint=25"), "dump_extra=freq=all"),
		filtered(x265("hevc-no-sei", "keyint=25"), "filter_units=remove_types=39|40"),
		sets(second(x265("hevc-set-changes", "keyint=25:bframes=3"), "keyint=25:bframes=0:ctu=32:ref=1"), simcam.SetsInBand),
		sets(x265("hevc-sets-described", "keyint=25"), simcam.SetsDescribed),
		sets(x265("hevc-sets-in-band", "keyint=25"), simcam.SetsInBand),
		sized(x265("hevc-tiny", "keyint=25:ctu=16:max-tu-size=16"), "64x64"),
		sized(x265("hevc-cropped", "keyint=25"), "322x246"),
		sized(paced(x265("hevc-huge", "keyint=5:bframes=2"), 10, 1), "3840x2160"),
		paced(x265("hevc-one-a-second", "keyint=2:bframes=0"), 1, 6),
		paced(x265("hevc-sixty-a-second", "keyint=60:bframes=3"), 60, 3),
		paced(x265("hevc-five-a-second", "keyint=10"), 5, 5),
	}
}

// encoders make a byte stream of the recipe, with some parameters, in a file.
var encoders = map[string]struct {
	codec ingest.Codec
	make  func(ctx context.Context, r recipe, params, path string) error
}{
	"x264":     {ingest.H264, x264},
	"x265":     {ingest.H265, x265},
	"openh264": {ingest.H264, openH264},
}

func (r recipe) source() source {
	r.size, r.pixels = cmp.Or(r.size, "320x240"), cmp.Or(r.pixels, "yuv420p")
	r.fps, r.seconds = cmp.Or(r.fps, 25), cmp.Or(r.seconds, 4)
	return source{
		name: r.name, encoder: r.encoder, codec: encoders[r.encoder].codec, fps: r.fps, sets: r.sets, make: r.make,
	}
}

// make makes the stream.
func (r recipe) make(ctx context.Context, folder string) (string, error) {
	path := filepath.Join(folder, "source."+string(encoders[r.encoder].codec))
	if err := encoders[r.encoder].make(ctx, r, r.params, path); err != nil || r.second == "" {
		return path, err
	}
	more := filepath.Join(folder, "second."+string(encoders[r.encoder].codec))
	if err := encoders[r.encoder].make(ctx, r, r.second, more); err != nil {
		return "", err
	}
	return path, join(path, more)
}

// join appends one file to another.
func join(path, more string) error {
	first, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	rest, err := os.ReadFile(more)
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(first, rest...), 0o640)
}

func x264(ctx context.Context, r recipe, params, path string) error {
	return r.ffmpeg(ctx, path, "h264", "-c:v", "libx264", "-preset", "veryfast", "-x264-params", params)
}

func x265(ctx context.Context, r recipe, params, path string) error {
	return r.ffmpeg(ctx, path, "hevc", "-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none:"+params)
}

// ffmpeg encodes with one of the libraries that FFmpeg joins.
func (r recipe) ffmpeg(ctx context.Context, path, format string, encoder ...string) error {
	args := []string{
		"-nostdin", "-v", "error", "-y",
		"-f", "lavfi", "-i", fmt.Sprintf("testsrc2=size=%s:rate=%g:duration=%g", r.size, r.fps, r.seconds),
		"-pix_fmt", r.pixels,
	}
	if r.pattern != "" {
		args = append(args, "-vf", r.pattern)
	}
	args = append(args, encoder...)
	if r.filter != "" {
		args = append(args, "-bsf:v", r.filter)
	}
	_, err := run(ctx, "ffmpeg", append(args, "-f", format, "file:"+path)...)
	return err
}

// openH264 encodes with Cisco's encoder, which GStreamer joins.
func openH264(ctx context.Context, r recipe, params, path string) error {
	width, height, _ := strings.Cut(r.size, "x")
	args := []string{
		"--quiet", "videotestsrc", "pattern=ball", fmt.Sprintf("num-buffers=%g", r.seconds*r.fps), "!",
		fmt.Sprintf("video/x-raw,format=I420,width=%s,height=%s,framerate=%g/1", width, height, r.fps), "!",
		"openh264enc",
	}
	args = append(args, strings.Fields(params)...)
	args = append(args, "!", "video/x-h264,stream-format=byte-stream", "!", "filesink", "location="+path)
	_, err := run(ctx, "gst-launch-1.0", args...)
	return err
}
