package feed_test

import (
	"bytes"
	"fmt"
	"math/bits"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
)

// fields reads the fields of a NAL unit of H.265, as digits of 0 and 1.
type fields struct {
	text string
	at   int
}

func fieldsOf(nalu []byte) *fields {
	var text strings.Builder
	for _, b := range h264.EmulationPreventionRemove(nalu) {
		fmt.Fprintf(&text, "%08b", b)
	}
	return &fields{text: text.String()}
}

func (f *fields) u(n int) int {
	f.at += n
	v, err := strconv.ParseUint("0"+f.text[f.at-n:f.at], 2, 64)
	if err != nil {
		panic(err)
	}
	return int(v)
}

func (f *fields) skip(n int) { f.at += n }

func (f *fields) flag() bool { return f.u(1) == 1 }

// ue reads Exp-Golomb; se is as long.
func (f *fields) ue() int {
	zeros := 0
	for !f.flag() {
		zeros++
	}
	return 1<<zeros - 1 + f.u(zeros)
}

func ue(v int) string { return strings.Repeat("0", bits.Len(uint(v+1))-1) + fmt.Sprintf("%b", v+1) }

// naluOf packs digits, the last of which ends a byte, without start codes.
func naluOf(text string) []byte {
	var nalu []byte
	zeros := 0
	for i := 0; i+8 <= len(text); i += 8 {
		v, err := strconv.ParseUint(text[i:i+8], 2, 8)
		if err != nil {
			panic(err)
		}
		if zeros >= 2 && v <= 3 {
			nalu, zeros = append(nalu, 3), 0
		}
		if nalu, zeros = append(nalu, byte(v)), zeros+1; v != 0 {
			zeros = 0
		}
	}
	return nalu
}

// trailing is what comes after the last field: a 1, and zeros to a byte's end.
func trailing(text string) string { return text + "1" + strings.Repeat("0", (8-(len(text)+1)%8)%8) }

// longTermSPS allows long-term references, of which it names none, and tells how
// wide picture order counts are.
func longTermSPS(nalu []byte) (changed []byte, pocBits int) {
	f := fieldsOf(nalu)
	f.skip(16 + 8 + 88 + 8) // header, one layer, profile and level
	f.ue()                  // number
	f.ue()                  // 4:2:0
	f.ue()                  // width
	f.ue()                  // height
	if f.flag() {           // cropped
		f.ue()
		f.ue()
		f.ue()
		f.ue()
	}
	f.ue() // depths
	f.ue()
	pocBits = f.ue() + 4
	f.u(1)
	for range 3 + 6 { // buffering, sizes of blocks
		f.ue()
	}
	f.skip(4) // no scaling lists, asymmetric partitions, no offsets, no PCM
	f.ue()    // no sets of references
	rest := strings.TrimRight(f.text[f.at+1:], "0")
	return naluOf(trailing(f.text[:f.at] + "1" + ue(0) + rest[:len(rest)-1])), pocBits
}

// longTermSlice has a P picture that was predicted from the one before name it as
// a long-term reference, and be as many pictures after it as wanted.
func longTermSlice(nalu []byte, pocBits, poc int) []byte {
	f := fieldsOf(nalu)
	f.skip(16 + 1) // header, first
	f.ue()         // parameter set
	if f.ue() != 1 {
		panic("no P slice")
	}
	before := f.at
	f.skip(pocBits + 1)
	f.ue() // one picture before
	f.ue() // none after
	f.ue()
	f.u(1)
	rest := f.at // to the end of the header, which ends a byte
	if f.flag() {
		f.ue()
	}
	f.ue() // merge candidates
	f.ue() // quantizer
	end := headEnd(f)
	text := f.text[:before] +
		fmt.Sprintf("%0*b", pocBits, poc) + "0" + ue(0) + ue(0) + // no short-term reference
		ue(1) + strings.Repeat("0", pocBits) + "10" + // one long-term, of order count 0
		f.text[rest:end]
	body := (end + 8) / 8 * 8
	return naluOf(trailing(text) + f.text[body:])
}

// headEnd is where a slice's header ends: nothing is left of it but the flag of
// filtering across slices, which x265 sends where the filter is on.
func headEnd(f *fields) int {
	f.u(1)
	return f.at
}

// longTerm is a film in which each picture is predicted from the last key frame
// alone, as a long-term reference, as cameras with a smart codec send it. No
// encoder here makes such: pairs of a key frame and one after it are made one
// group.
func longTerm(t *testing.T) string {
	t.Helper()
	const width, height, group = 192, 144, 20
	dir := t.TempDir()
	run := func(in []byte, args ...string) []byte {
		cmd := exec.CommandContext(t.Context(), "ffmpeg", append([]string{"-nostdin", "-v", "error", "-y"}, args...)...)
		cmd.Dir, cmd.Stdin = dir, bytes.NewReader(in)
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("ffmpeg %v: %v", args, err)
		}
		return out
	}
	size := fmt.Sprintf("%dx%d", width, height)
	all := run(nil, "-f", "lavfi", "-i", "testsrc2=size="+size+":rate=10", "-t", "10", "-f", "rawvideo", "-pix_fmt", "yuv420p", "-")
	const bytesOf = width * height * 3 / 2
	var pairs []byte
	for at := bytesOf; at < len(all); at += bytesOf {
		pairs = append(append(pairs, all[:bytesOf]...), all[at:at+bytesOf]...)
	}
	encoded := run(pairs, "-f", "rawvideo", "-s", size, "-pix_fmt", "yuv420p", "-i", "-", "-c:v", "libx265", "-preset", "ultrafast",
		"-x265-params", "log-level=error:keyint=2:min-keyint=2:bframes=0:ref=1:scenecut=0:rc-lookahead=0:no-cutree=1:aq-mode=0:qp=30:"+
			"no-wpp=1:no-temporal-mvp=1:weightp=0:no-sao=1:no-open-gop=1:pools=1:frame-threads=1:info=0", "-f", "hevc", "-")
	var sets [][]byte
	var key []byte
	var stream []byte
	pocBits, n := 0, 0
	write := func(nalus ...[]byte) {
		for _, nalu := range nalus {
			stream = append(append(stream, 0, 0, 0, 1), nalu...)
		}
	}
	for nalu := range bytes.SplitSeq(encoded, []byte{0, 0, 1}) {
		nalu = bytes.TrimRight(nalu, "\x00")
		if len(nalu) < 3 {
			continue
		}
		switch kind := nalu[0] >> 1 & 63; {
		case kind == 33 && len(sets) < 3:
			var sps []byte
			sps, pocBits = longTermSPS(nalu)
			sets = append(sets, sps)
		case (kind == 32 || kind == 34) && len(sets) < 3:
			sets = append(sets, nalu)
		case kind == 19 || kind == 20:
			key = nalu
		case kind < 2:
			if n%group == 0 {
				write(append(sets[:3:3], key)...)
				n++
			}
			write(longTermSlice(nalu, pocBits, n%group))
			n++
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "long.h265"), stream, 0o644); err != nil {
		t.Fatal(err)
	}
	run(nil, "-r", "10", "-i", "long.h265", "-c", "copy", "-tag:v", "hvc1", "long.mp4")
	path := filepath.Join(dir, "long.mp4")
	if n := shows(t, path); n < 100 {
		t.Fatalf("the film shows %d pictures", n)
	}
	return path
}
