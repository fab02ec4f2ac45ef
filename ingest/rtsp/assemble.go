package rtsp

import (
	"time"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h265"
	"github.com/pion/rtp"

	"tidewatch/ingest"
)

const clockRate = 90_000 // of RTP video, Hz

// longestJump is how many ticks RTP timestamps may move from one unit to the
// next; a camera that jumps further has started its clock anew, and so do we.
const longestJump = 30 * clockRate

// largestUnit bounds the bytes of an access unit: a camera that never says
// where one ends must not fill our memory.
const largestUnit = h264.MaxAccessUnitSize

// assembler puts access units together from RTP packets and judges whether
// they are whole. Units are told apart by the marker after a slice or, where a
// camera sets none or the packet with it was lost, by the next timestamp. Some
// cameras mark the packets of parameter sets as well, which ends nothing.
type assembler struct {
	session uint64
	format  *ingest.Format // in force; sets are nil until known
	nalus   depacketize
	alive   func() // a picture came, of use or not
	emit    func(*ingest.Unit)
	metrics StreamMetrics

	started  bool
	sequence uint16 // of the last packet
	rtpTime  uint32 // of the last packet
	ticks    int64  // from the session's first packet to rtpTime

	open     *ingest.Unit // under construction
	size     int          // bytes of it so far
	headless bool         // packets right before it are missing and may be of it
	holed    bool         // packets of it are missing
	broken   bool         // pictures cannot be trusted until the next whole key unit
	keyed    bool         // a key unit has come
}

// packet takes the next packet with its time of arrival and, where known, the
// camera's time.
func (a *assembler) packet(pkt *rtp.Packet, stamp ingest.Stamp) error {
	missing := a.started && pkt.SequenceNumber != a.sequence+1
	a.sequence = pkt.SequenceNumber
	if missing {
		a.metrics.Gaps.Inc()
		a.broken = true
		a.holed = true // the last packets of an open unit may be among the missing
	}
	if a.open != nil && pkt.Timestamp != a.rtpTime {
		a.close()
	}
	if a.open == nil {
		a.headless, a.holed = missing || !a.started, false
		if err := a.begin(pkt); err != nil {
			return err
		}
	}
	a.open.Stamp = stamp // the last packet's: then it was complete
	nalus, err := a.nalus(pkt)
	if err != nil {
		a.metrics.Discarded.Inc()
		a.holed = true
	}
	for _, nalu := range nalus {
		if len(nalu) > 0 {
			a.open.NALUs = append(a.open.NALUs, nalu)
			a.size += len(nalu)
		}
	}
	if a.size > largestUnit {
		return errEndless
	}
	if pkt.Marker && a.firstSlice(a.open.NALUs) != nil {
		a.close()
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
	a.started, a.rtpTime = true, pkt.Timestamp
	a.open, a.size = &ingest.Unit{Session: a.session, PTS: duration(a.ticks)}, 0
	return nil
}

// duration turns ticks into time; the product of both would overflow in a day.
func duration(ticks int64) time.Duration {
	return time.Duration(ticks/clockRate)*time.Second + time.Duration(ticks%clockRate)*time.Second/clockRate
}

// close ends the unit under construction. One without a slice, such as
// parameter sets with a timestamp of their own, is no picture to pass on.
func (a *assembler) close() {
	u := a.open
	a.open = nil
	whole := !a.holed && (!a.headless || a.beginsPicture(u.NALUs))
	a.learn(u.NALUs)
	u.Key = a.decodable() && a.randomAccess(u.NALUs)
	a.keyed = a.keyed || u.Key
	a.broken = !whole || a.broken && !u.Key
	pictured := a.firstSlice(u.NALUs) != nil
	if pictured {
		a.alive()
	}
	if !a.keyed || !pictured {
		a.metrics.Undecodable.Inc()
		return
	}
	u.Format, u.Damaged = a.format, a.broken
	a.emit(u)
}

// learn takes parameter sets that came in band. A format in use never changes:
// units that hold it are shared, so a new one takes its place.
func (a *assembler) learn(nalus [][]byte) {
	next := *a.format
	for _, nalu := range nalus {
		if set := a.set(&next, nalu); set != nil {
			*set = nalu
		}
	}
	if !sameFormat(next, *a.format) {
		a.format = &next
	}
}

// set is the place in a format for a NALU that is a parameter set, else nil.
func (a *assembler) set(f *ingest.Format, nalu []byte) *[]byte {
	if a.format.Codec == ingest.H265 {
		switch h265.NALUType(nalu[0] >> 1 & 0x3F) {
		case h265.NALUType_VPS_NUT:
			return &f.VPS
		case h265.NALUType_SPS_NUT:
			return &f.SPS
		case h265.NALUType_PPS_NUT:
			return &f.PPS
		}
		return nil
	}
	switch h264.NALUType(nalu[0] & 0x1F) {
	case h264.NALUTypeSPS:
		return &f.SPS
	case h264.NALUTypePPS:
		return &f.PPS
	}
	return nil
}

// decodable reports whether all parameter sets are known.
func (a *assembler) decodable() bool {
	return len(a.format.SPS) > 0 && len(a.format.PPS) > 0 && (a.format.Codec != ingest.H265 || len(a.format.VPS) > 0)
}

func (a *assembler) randomAccess(nalus [][]byte) bool {
	if a.format.Codec == ingest.H265 {
		return h265.IsRandomAccess(nalus)
	}
	return h264.IsRandomAccess(nalus)
}

// firstSlice is the first NALU that holds a slice, else nil.
func (a *assembler) firstSlice(nalus [][]byte) []byte {
	for _, nalu := range nalus {
		if a.format.Codec == ingest.H265 {
			if nalu[0]>>1&0x3F < uint8(h265.NALUType_VPS_NUT) {
				return nalu
			}
			continue
		}
		switch h264.NALUType(nalu[0] & 0x1F) {
		case h264.NALUTypeIDR, h264.NALUTypeNonIDR:
			return nalu
		}
	}
	return nil
}

// beginsPicture reports whether the first slice among the NALUs is the first
// of its picture: both codings say so in the first bit of the slice's header.
func (a *assembler) beginsPicture(nalus [][]byte) bool {
	header := 1
	if a.format.Codec == ingest.H265 {
		header = 2
	}
	slice := a.firstSlice(nalus)
	return len(slice) > header && slice[header]&0x80 != 0
}

func sameFormat(a, b ingest.Format) bool {
	return string(a.VPS) == string(b.VPS) && string(a.SPS) == string(b.SPS) && string(a.PPS) == string(b.PPS)
}
