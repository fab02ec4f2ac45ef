package rtsp

import (
	"sync"
	"time"

	"github.com/bluenviron/gortsplib/v5/pkg/ntp"
	"github.com/pion/rtcp"
)

// reports tells the camera's time of packets by the newest sender report of
// whoever sent them. The client has one for all, of the sender that it heard
// first. It is safe for concurrent use: over UDP reports and packets come on
// goroutines of their own.
type reports struct {
	mu sync.Mutex
	of map[uint32]*rtcp.SenderReport // by SSRC
}

// learn takes what came beside the packets.
func (r *reports) learn(packet rtcp.Packet) {
	report, ok := packet.(*rtcp.SenderReport)
	// One without a clock says 1900.
	if !ok || ntp.Decode(report.NTPTime).Unix() <= 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, known := r.of[report.SSRC]; !known && len(r.of) >= mostSenders {
		return
	}
	if r.of == nil {
		r.of = map[uint32]*rtcp.SenderReport{}
	}
	r.of[report.SSRC] = report
}

// at is a sender's time at a timestamp, zero while it is unknown.
func (r *reports) at(ssrc, timestamp uint32) time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	report, known := r.of[ssrc]
	if !known {
		return time.Time{}
	}
	since := int64(int32(timestamp - report.RTPTime))
	return ntp.Decode(report.NTPTime).Add(duration(since))
}
