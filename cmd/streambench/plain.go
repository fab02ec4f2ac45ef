package main

import (
	"context"
	"math/bits"
	"os"
	"path/filepath"
)

// plain writes the plainest H.264 there is, for what no encoder at hand makes:
// frames that come as two fields, and the other ways of numbering the order of
// pictures. A macroblock is either its samples (I_PCM) or what was there before
// (P_Skip). Sections named in comments are those of ITU-T H.264.
type plain struct {
	orderType int  // pic_order_cnt_type
	step      int  // of the order from frame to frame, of type 0
	fields    bool // each frame comes in two, the top one first
	lone      bool // the last frame of a group has one field only
	hidden    bool // every second frame is no reference, and shown before the one in front; of type 1
	frames    int
	group     int // frames from one IDR picture to the next
}

const (
	plainSide  = 4 // width and height of frames, in macroblocks
	predicted  = 5 // slice_type: P, and so is the whole picture
	intra      = 7 // I
	pcm        = 25
	pcmInP     = 5 + pcm
	numberBits = 8 // of frame_num and pic_order_cnt_lsb
)

// into writes the stream into a file of a folder.
func (p plain) into(_ context.Context, folder string) (string, error) {
	file := append(unit(0x67, p.sps()), unit(0x68, p.pps())...)
	references := 0 // since the last IDR picture
	for i := range p.frames {
		if i%p.group == 0 {
			references = 0
		}
		f := plainFrame{plain: p, index: i, number: references, reference: !p.hidden || i%p.group == 0 || i%p.group%2 == 1}
		file = append(file, f.bytes()...)
		if f.reference {
			references++
		}
	}
	path := filepath.Join(folder, "source.h264")
	return path, os.WriteFile(path, file, 0o640)
}

// unit is a NAL unit behind a start code.
func unit(header byte, payload []byte) []byte {
	out := []byte{0, 0, 0, 1, header}
	zeros := 0
	for _, b := range payload {
		if zeros == 2 && b <= 3 { // 7.4.1: no start code may appear inside
			out, zeros = append(out, 3), 0
		}
		if b == 0 {
			zeros++
		} else {
			zeros = 0
		}
		out = append(out, b)
	}
	return out
}

// sps is the sequence parameter set (7.3.2.1.1) of the Main profile.
func (p plain) sps() []byte {
	var w bitWriter
	w.u(8, 77)
	w.u(8, 0)
	w.u(8, 30)
	w.ue(0)
	w.ue(numberBits - 4) // log2_max_frame_num_minus4
	w.ue(p.orderType)
	switch p.orderType {
	case 0:
		w.ue(numberBits - 4)
	case 1:
		w.u(1, 1) // delta_pic_order_always_zero_flag
		w.se(-2)  // offset_for_non_ref_pic
		w.se(1)   // offset_for_top_to_bottom_field
		w.ue(1)   // one frame in a cycle
		w.se(4)   // offset_for_ref_frame, of that one
	}
	w.ue(2) // max_num_ref_frames
	w.u(1, 0)
	w.ue(plainSide - 1)
	if p.fields {
		w.ue(plainSide/2 - 1)
		w.u(2, 0) // not frames only; no macroblock-adaptive fields
	} else {
		w.ue(plainSide - 1)
		w.u(1, 1)
	}
	w.u(1, 1) // direct_8x8_inference_flag
	w.u(1, 0) // no cropping
	w.u(1, 1) // VUI (E.1.1), for the last of its parts
	w.u(8, 0)
	w.u(1, 1) // bitstream_restriction_flag
	w.u(1, 1)
	reorder := 0
	if p.hidden {
		reorder = 1
	}
	for _, v := range []int{0, 0, 10, 10, reorder, 2} {
		w.ue(v)
	}
	return w.end()
}

// pps is the picture parameter set (7.3.2.2): CAVLC, one slice group, nothing else.
func (p plain) pps() []byte {
	var w bitWriter
	w.ue(0, 0)
	w.u(2, 0)
	w.ue(0, 0, 0)
	w.u(3, 0)
	w.ue(0, 0, 0)
	w.u(3, 0)
	return w.end()
}

// plainFrame is one frame of a stream.
type plainFrame struct {
	plain
	index     int
	number    int // frame_num
	reference bool
}

// bytes are the frame, or its fields.
func (f plainFrame) bytes() []byte {
	if !f.fields {
		return f.slice(false)
	}
	if f.lone && f.index%f.group == f.group-1 {
		return f.slice(false)
	}
	return append(f.slice(false), f.slice(true)...)
}

// slice is the frame, or one of its fields (7.3.3, 7.3.4).
func (f plainFrame) slice(bottom bool) []byte {
	idr := f.index%f.group == 0 && !bottom // the second field of an IDR picture is none
	kind, header := predicted, byte(0x01)
	if f.reference {
		header = 0x61
	}
	if idr {
		kind, header = intra, 0x65
	}
	var w bitWriter
	w.ue(0, kind, 0)
	w.u(numberBits, f.number)
	if f.fields {
		w.u(1, 1)
		w.u(1, truth(bottom))
	}
	if idr {
		w.ue(f.index / f.group % 2) // idr_pic_id
	}
	if f.orderType == 0 {
		w.u(numberBits, (f.index%f.group*f.step+truth(bottom))%(1<<numberBits))
	}
	if kind == predicted {
		w.u(2, 0) // references as they come
	}
	if f.reference {
		w.u(1+truth(idr), 0) // dec_ref_pic_marking
	}
	w.se(0) // slice_qp_delta
	f.macroblocks(&w, kind, bottom)
	return unit(header, w.end())
}

// macroblocks are all new in a picture that stands alone, one of them in others.
func (f plainFrame) macroblocks(w *bitWriter, kind int, bottom bool) {
	count := plainSide * plainSide
	if f.fields {
		count /= 2
	}
	if kind == intra {
		for i := range count {
			w.ue(pcm)
			w.samples(f.index*31 + i*7)
		}
		return
	}
	at := (f.index + 3*truth(bottom)) % count
	w.ue(at, pcmInP) // mb_skip_run
	w.samples(f.index*31 + 100*truth(bottom) + 55)
	if rest := count - at - 1; rest > 0 {
		w.ue(rest)
	}
}

func truth(b bool) int {
	if b {
		return 1
	}
	return 0
}

// bitWriter writes fields as the standard names them: u(n), ue(v) and se(v).
type bitWriter struct {
	bytes []byte
	free  int // bits of the last byte
}

func (w *bitWriter) u(n, v int) {
	for i := n - 1; i >= 0; i-- {
		if w.free == 0 {
			w.bytes, w.free = append(w.bytes, 0), 8
		}
		w.free--
		w.bytes[len(w.bytes)-1] |= byte(v>>i&1) << w.free
	}
}

func (w *bitWriter) ue(values ...int) {
	for _, v := range values {
		n := bits.Len(uint(v + 1))
		w.u(n-1, 0)
		w.u(n, v+1)
	}
}

func (w *bitWriter) se(v int) {
	if v > 0 {
		w.ue(2*v - 1)
	} else {
		w.ue(-2 * v)
	}
}

// samples are those of a macroblock in 4:2:0, all of one kind, after zeros up to
// a whole byte.
func (w *bitWriter) samples(shade int) {
	w.free = 0
	for i := range 384 {
		w.bytes = append(w.bytes, byte(16+(shade+i/16)%200))
	}
}

// end closes a unit's payload (7.3.2.11).
func (w *bitWriter) end() []byte {
	w.u(1, 1)
	return w.bytes
}
