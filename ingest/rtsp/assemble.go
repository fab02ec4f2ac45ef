package rtsp

import (
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
// Where a unit ends is told by what comes next, another timestamp or, while the
// camera's media clock stands still, the first slice of another picture: never
// by the marker alone, which some cameras set after every slice or every NALU,
// and some not at all. So a unit is handed on when the next one begins, with its
// own time of arrival.
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
	sequence uint16 // of the last packet
	rtpTime  uint32 // of the last packet
	ticks    int64  // from the session's first packet to rtpTime
	marked   bool   // the last packet was
	ending   bool   // so was the one that completed the last NALU
	markers  markers

	open     *ingest.Unit // under construction
	size     int          // bytes of it so far
	first    []byte       // its first slice that begins a picture; nil before it
	sliced   bool         // it holds a slice
	paired   bool         // it holds both fields of a frame
	headless bool         // packets right before it are missing and may be of it
	holed    bool         // packets of it are missing
	broken   bool         // pictures cannot be trusted until the next whole key unit
	keyed    bool         // a key unit has come
	field    *field       // waits for the second one of its frame; nil for none
}

// field is a unit that holds the first field of a frame.
type field struct {
	unit  *ingest.Unit
	slice []byte // its first
	whole bool
}

// markers is what a camera has shown of its use of the marker.
type markers int

const (
	untested markers = iota
	endUnits         // a marked packet was a unit's last, so far always
	endLess          // it was not: the marker ends slices, or means nothing
)

// packet takes the next packet with its time of arrival and, where known, the
// camera's time.
func (a *assembler) packet(pkt *rtp.Packet, stamp ingest.Stamp) error {
	missing := a.started && pkt.SequenceNumber != a.sequence+1
	a.sequence = pkt.SequenceNumber
	if missing {
		a.metrics.Gaps.Inc()
		// The open unit's last packets may be among the missing, unless its end
		// is known to have come.
		a.holed = a.holed || !a.marked || a.markers != endUnits
	}
	if a.open != nil && pkt.Timestamp != a.rtpTime {
		a.ended(missing)
		a.close()
	}
	if a.open == nil {
		if err := a.begin(pkt, missing); err != nil {
			return err
		}
	} else if missing {
		a.holed = true
	}
	a.broken = a.broken || missing
	nalus, err := a.nalus(pkt)
	if err != nil {
		a.metrics.Discarded.Inc()
		a.holed = true
	}
	for _, nalu := range nalus {
		if err := a.add(nalu, pkt); err != nil {
			return err
		}
	}
	a.open.Stamp = stamp // the last packet's: then it was complete
	a.marked = pkt.Marker
	if len(nalus) > 0 {
		a.ending = pkt.Marker
	}
	return nil
}

// ended notes whether the marker told the end of the unit that is over.
func (a *assembler) ended(missing bool) {
	if a.marked && a.sliced && !missing && a.markers == untested {
		a.markers = endUnits
	}
}

// add adds a NALU to the unit under construction, or begins another with it.
func (a *assembler) add(nalu []byte, pkt *rtp.Packet) error {
	if len(nalu) == 0 {
		return nil
	}
	head, slice := a.format.Head(nalu)
	if a.ending && a.sliced {
		if a.another(nalu, head, slice) {
			a.close()
			if err := a.begin(pkt, false); err != nil {
				return err
			}
		} else {
			a.markers = endLess
		}
	}
	a.open.NALUs = append(a.open.NALUs, nalu)
	if a.size += len(nalu); a.size > largestUnit {
		return errEndless
	}
	a.sliced = a.sliced || slice
	if slice && head.First {
		if a.first == nil {
			a.first = nalu
		} else {
			a.paired = true
		}
	}
	return nil
}

// another reports whether a NALU that comes under the timestamp of the open unit
// and after a marker is of another picture. What cannot be told is of the same.
func (a *assembler) another(nalu []byte, head nal.Head, slice bool) bool {
	if !slice {
		kind := nal.KindOf(a.format.Codec, nalu)
		return kind.IsSet() || kind == nal.SEI || kind == nal.Delimiter
	}
	return head.First && a.first != nil && !a.format.SecondField(a.first, nalu)
}

func (a *assembler) begin(pkt *rtp.Packet, missing bool) error {
	if a.started {
		step := int64(int32(pkt.Timestamp - a.rtpTime)) // wraps every 13 hours
		if step > longestJump || step < -longestJump {
			return errTimeJump
		}
		a.ticks += step
	}
	a.headless, a.holed = missing || !a.started, false
	a.started, a.rtpTime, a.marked, a.ending = true, pkt.Timestamp, false, false
	a.open, a.size = &ingest.Unit{Session: a.session, PTS: duration(a.ticks)}, 0
	a.first, a.sliced, a.paired = nil, false, false
	return nil
}

// duration turns ticks into time; the product of both would overflow in a day.
func duration(ticks int64) time.Duration {
	return time.Duration(ticks/clockRate)*time.Second + time.Duration(ticks%clockRate)*time.Second/clockRate
}

// close ends the unit under construction. A unit with the first field of a frame
// waits for the second, which may come under a timestamp of its own: a field
// alone shows every second line.
func (a *assembler) close() {
	u := a.open
	a.open = nil
	whole := !a.holed && (!a.headless || a.beginsPicture(u.NALUs))
	if f := a.field; f != nil && a.sliced {
		a.field = nil
		if a.first != nil && a.format.SecondField(f.slice, a.first) {
			f.unit.Arrival, f.unit.NALUs = u.Arrival, append(f.unit.NALUs, u.NALUs...)
			u, whole, a.paired = f.unit, f.whole && whole, true
		} else {
			f.unit.Lone = true
			a.complete(f.unit, f.whole)
		}
	}
	a.format = a.format.Learn(u.NALUs)
	switch {
	case !a.sliced: // parameter sets with a timestamp of their own, say, are no picture
		a.broken = a.broken || !whole
		a.metrics.Undecodable.Inc()
	case a.first != nil && !a.paired && a.format.IsField(a.first):
		a.field = &field{u, a.first, whole}
	default:
		a.complete(u, whole)
	}
}

// complete hands on a picture, once there is one to begin with.
func (a *assembler) complete(u *ingest.Unit, whole bool) {
	a.alive()
	u.Key = !u.Lone && a.decodable(u.NALUs) && a.randomAccess(u.NALUs)
	a.keyed = a.keyed || u.Key
	a.broken = !whole || a.broken && !u.Key
	if !a.keyed {
		a.metrics.Undecodable.Inc()
		return
	}
	u.Format, u.Damaged = a.format, a.broken
	a.emit(u)
}

// decodable reports whether all parameter sets that a picture needs are known.
func (a *assembler) decodable(nalus [][]byte) bool {
	_, ok := a.format.Needed(nalus)
	return ok
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
