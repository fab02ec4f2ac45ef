package rtsp

import (
	"bytes"
	"slices"
	"time"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/pion/rtp"

	"tidewatch/ingest"
	"tidewatch/ingest/nal"
)

const clockRate = 90_000 // of RTP video, Hz

// longestJump is how many ticks RTP timestamps may move from one unit to the
// next; a camera that jumps further has started its clock anew, and so do we.
const longestJump = 30 * clockRate

// largestUnit bounds the bytes of an access unit: a camera that never says
// where one ends must not fill our memory.
const largestUnit = h264.MaxAccessUnitSize

// assembler puts access units together from RTP packets and judges whether
// they are whole.
//
// Where a unit ends is told by what comes next, another timestamp or the first
// slice of another picture, never by the marker: some cameras set it after every
// slice or every NALU, and some not at all. So a unit is handed on when the next
// one begins, with its own time of arrival. What comes after its last slice and
// before another picture, such as parameter sets, is of that one, whatever its
// timestamp (H.264 7.4.1.2.3, H.265 7.4.2.4.4).
type assembler struct {
	session uint64
	format  *ingest.Format // in force
	nalus   depacketize
	alive   func() // a picture came, of use or not
	// refreshed is told of a recovery point that takes several pictures.
	refreshed func()
	emit      func(*ingest.Unit)
	metrics   StreamMetrics

	started  bool
	sequence uint16   // of the last packet
	rtpTime  uint32   // of the last packet
	ticks    int64    // from the session's first packet to rtpTime
	ahead    [][]byte // NALUs of the unit that comes next
	abreast  bool     // a slice has come, and no packets are missing since the newest
	begun    bool     // a slice has come, or packets are missing
	broken   bool     // pictures cannot be trusted until the next whole key unit
	keyed    bool     // a key unit has come
	chain    chain

	open     *ingest.Unit // under construction
	size     int          // bytes of it so far
	first    []byte       // its first slice that begins a picture; nil before it
	end      int          // its NALUs up to the last slice; 0 before one
	paired   bool         // it holds both fields of a frame
	headless bool         // packets right before it are missing and may be of it
	earliest bool         // as nobody was there: the session begins
	holed    bool         // packets of it are missing, or may be
	field    *field       // waits for the second one of its frame; nil for none
}

// field is a unit that holds the first field of a frame.
type field struct {
	unit  *ingest.Unit
	slice []byte // its first
	whole bool
}

// packet takes the next packet with its time of arrival and, where known, the
// camera's time.
func (a *assembler) packet(pkt *rtp.Packet, stamp ingest.Stamp) error {
	if a.started && pkt.SequenceNumber != a.sequence+1 {
		a.metrics.Gaps.Inc()
		a.lose()
	}
	a.sequence = pkt.SequenceNumber
	if a.open != nil && pkt.Timestamp != a.rtpTime {
		a.close()
	}
	if a.open == nil {
		if err := a.begin(pkt); err != nil {
			return err
		}
	}
	nalus, err := a.nalus(pkt)
	if err != nil {
		a.metrics.Discarded.Inc()
		a.lose()
	}
	for _, nalu := range nalus {
		if err := a.add(nalu, pkt, stamp); err != nil {
			return err
		}
	}
	return nil
}

// lose notes that something is missing: the end of the open unit, or the
// beginning of the next, or both. What came ahead of a picture may be of one that
// is lost.
func (a *assembler) lose() {
	a.abreast, a.begun, a.holed, a.broken = false, true, true, true
	if a.open != nil {
		a.format = a.format.Learn(a.open.NALUs[a.end:])
		a.open.NALUs = a.open.NALUs[:a.end]
	}
}

// add adds a NALU to the unit under construction, or begins another with it.
func (a *assembler) add(nalu []byte, pkt *rtp.Packet, stamp ingest.Stamp) error {
	if len(nalu) == 0 {
		return nil
	}
	head, slice := a.format.Head(nalu)
	if slice && head.First && a.first != nil && !a.format.SecondField(a.first, nalu) {
		a.close()
		if err := a.begin(pkt); err != nil {
			return err
		}
	}
	a.open.NALUs = append(a.open.NALUs, nalu)
	if a.size += len(nalu); a.size > largestUnit {
		return errEndless
	}
	if !slice {
		return nil
	}
	if a.end == 0 {
		a.format = a.format.Learn(a.open.NALUs)
	}
	a.abreast, a.begun, a.end = true, true, len(a.open.NALUs)
	a.open.Stamp = stamp // the last slice's: then it was complete
	switch {
	case !head.First:
	case a.first == nil:
		a.first = nalu
	default: // else it would have begun another unit
		a.paired = true
	}
	return nil
}

func (a *assembler) begin(pkt *rtp.Packet) error {
	if a.started {
		step := int64(int32(pkt.Timestamp - a.rtpTime)) // wraps every 13 hours
		if step > longestJump || step < -longestJump {
			return errTimeJump
		}
		a.ticks += step
	}
	a.headless, a.earliest, a.holed = !a.abreast, !a.begun, false
	a.started, a.rtpTime = true, pkt.Timestamp
	a.open = &ingest.Unit{Session: a.session, PTS: duration(a.ticks), NALUs: a.ahead}
	a.size = a.open.Size()
	a.ahead, a.first, a.end, a.paired = nil, nil, 0, false
	return nil
}

// duration turns ticks into time; the product of both would overflow in a day.
func duration(ticks int64) time.Duration {
	return time.Duration(ticks/clockRate)*time.Second + time.Duration(ticks%clockRate)*time.Second/clockRate
}

// close ends the unit under construction. One without a slice, such as
// parameter sets with a timestamp of their own, is the beginning of the next. One
// with the first field of a frame waits for the second, which may come under a
// timestamp of its own: a field alone shows every second line.
func (a *assembler) close() {
	u := a.open
	a.open = nil
	if a.end == 0 {
		a.ahead = u.NALUs
		return
	}
	u.NALUs, a.ahead = a.split(u.NALUs)
	a.format = a.format.Learn(u.NALUs)
	needed, _ := a.format.Needed(u.NALUs)
	whole := !a.holed && (!a.headless || a.beginsPicture(u.NALUs) && a.equipped(u.NALUs, needed))
	if f := a.field; f != nil {
		a.field = nil
		if a.first != nil && a.format.SecondField(f.slice, a.first) {
			f.unit.Arrival, f.unit.NALUs = u.Arrival, append(f.unit.NALUs, u.NALUs...)
			u, whole, a.paired = f.unit, f.whole && whole, true
		} else {
			f.unit.Lone = true
			a.complete(f.unit, f.whole)
		}
	}
	if a.first != nil && !a.paired && a.format.IsField(a.first) {
		a.field = &field{u, a.first, whole}
		return
	}
	a.complete(u, whole)
}

// complete hands on a picture, once there is one to begin with.
func (a *assembler) complete(u *ingest.Unit, whole bool) {
	a.alive()
	_, decodable := a.format.Needed(u.NALUs)
	u.Key = !u.Lone && decodable && a.randomAccess(u.NALUs)
	a.keyed = a.keyed || u.Key
	a.broken = !whole || a.broken && !u.Key
	if !a.keyed {
		a.metrics.Undecodable.Inc()
		return
	}
	u.Format, u.Damaged = a.format, a.broken
	u.Linked = a.chain.link(u)
	a.emit(u)
}

// split parts what is of a picture from what, after its last slice, is of the
// next.
func (a *assembler) split(nalus [][]byte) (of, ahead [][]byte) {
	n := slices.IndexFunc(nalus[a.end:], func(nalu []byte) bool {
		kind := nal.KindOf(a.format.Codec, nalu)
		return kind.IsSet() || kind == nal.SEI || kind == nal.Delimiter
	})
	if n < 0 {
		return nalus, nil
	}
	return nalus[: a.end+n : a.end+n], slices.Clone(nalus[a.end+n:])
}

// equipped reports whether the parameter sets in force are those that a unit was
// made with, though packets before it are missing: others may have been in them.
// A session may begin with a picture whose sets are described alone.
func (a *assembler) equipped(nalus [][]byte, needed []ingest.Set) bool {
	brought := 0
	for _, set := range needed {
		if slices.ContainsFunc(nalus, func(nalu []byte) bool { return bytes.Equal(nalu, set.NALU) }) {
			brought++
		}
	}
	return brought == len(needed) || brought == 0 && a.earliest
}

// randomAccess reports whether a picture can be decoded without any other: one
// that says so, and one in which nothing is predicted from another, which is what
// cameras send between those, or instead.
func (a *assembler) randomAccess(nalus [][]byte) bool {
	intra := true
	for _, nalu := range nalus {
		if pictures, ok := nal.RecoveryPoint(a.format.Codec, nalu); ok && pictures > 0 {
			a.refreshed()
		}
		if head, ok := a.format.Head(nalu); ok {
			if head.Alone {
				return true
			}
			intra = intra && head.Intra
		}
	}
	return intra
}

// beginsPicture reports whether the first slice among the NALUs is the first of
// its picture.
func (a *assembler) beginsPicture(nalus [][]byte) bool {
	for _, nalu := range nalus {
		if head, ok := a.format.Head(nalu); ok {
			return head.First
		}
	}
	return false
}
