package rtsp

import (
	"time"

	"github.com/pion/rtp"

	"tidewatch/ingest"
)

const (
	// mostSenders bounds those among which the camera's own stream is looked for.
	mostSenders = 4
	// senderPatience is how long the chosen sender may be silent while another
	// one sends, before the camera is taken to have begun its stream anew.
	senderPatience = 3 * time.Second
)

// senders tells apart who sends on a stream's channel, by SSRC. Some cameras go
// on sending for a session that is over, through the connection of the next. The
// first sender that brings a key unit is the camera's stream; what others send is
// dropped and counted.
type senders struct {
	open    func(emit func(*ingest.Unit)) (*assembler, error)
	emit    func(*ingest.Unit)
	foreign interface{ Inc() }

	known  map[uint32]*assembler
	chosen *assembler // nil until a key unit has come
	ssrc   uint32     // of the chosen one
	heard  time.Time  // arrival of its newest packet
}

// packet takes the next packet, whoever sent it.
func (s *senders) packet(pkt *rtp.Packet, stamp ingest.Stamp) error {
	switch {
	case s.chosen == nil:
		return s.candidate(pkt, stamp)
	case pkt.SSRC == s.ssrc:
		s.heard = stamp.Arrival
		return s.chosen.packet(pkt, stamp)
	case stamp.Arrival.Sub(s.heard) > senderPatience:
		return errSender
	}
	s.foreign.Inc()
	return nil
}

// candidate gives a packet to its sender's assembler while none is chosen. A
// sender that cannot be understood is no reason to give up another.
func (s *senders) candidate(pkt *rtp.Packet, stamp ingest.Stamp) error {
	a, known := s.known[pkt.SSRC]
	if !known {
		if len(s.known) >= mostSenders {
			s.foreign.Inc()
			return nil
		}
		var err error
		if a, err = s.open(func(u *ingest.Unit) { s.choose(pkt.SSRC, u) }); err != nil {
			return err
		}
		if s.known == nil {
			s.known = map[uint32]*assembler{}
		}
		s.known[pkt.SSRC] = a
	}
	s.heard = stamp.Arrival
	err := a.packet(pkt, stamp)
	if err != nil && len(s.known) > 1 && s.chosen == nil {
		delete(s.known, pkt.SSRC)
		s.foreign.Inc()
		return nil
	}
	return err
}

// choose takes a unit of a sender, and that sender with the first one.
func (s *senders) choose(ssrc uint32, u *ingest.Unit) {
	if s.chosen == nil {
		s.chosen, s.ssrc = s.known[ssrc], ssrc
		s.known = nil
	}
	s.emit(u)
}
