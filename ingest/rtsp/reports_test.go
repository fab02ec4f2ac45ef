package rtsp

import (
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v5/pkg/ntp"
	"github.com/pion/rtcp"
)

// TestReportsAreOfTheirSenders tells the times of two senders, heard in any order.
func TestReportsAreOfTheirSenders(t *testing.T) {
	const wraps = 0xFFFFFF00
	var r reports
	if at := r.at(1, 0); !at.IsZero() {
		t.Errorf("before any report it is %s", at)
	}
	r.learn(&rtcp.SenderReport{SSRC: 2, NTPTime: ntp.Encode(begin.Add(time.Hour)), RTPTime: 0})
	r.learn(&rtcp.SenderReport{SSRC: 1, NTPTime: ntp.Encode(begin), RTPTime: wraps})
	r.learn(&rtcp.ReceiverReport{SSRC: 1})
	r.learn(&rtcp.SenderReport{SSRC: 3, NTPTime: 0}) // it has no clock
	for _, test := range []struct {
		ssrc, timestamp uint32
		want            time.Time
	}{
		{1, (wraps + clockRate) % (1 << 32), begin.Add(time.Second)}, // past the end of the timestamps
		{1, wraps - clockRate, begin.Add(-time.Second)},
		{2, clockRate, begin.Add(time.Hour + time.Second)},
		{3, 0, time.Time{}},
	} {
		if got := r.at(test.ssrc, test.timestamp); got.Sub(test.want).Abs() > time.Microsecond {
			t.Errorf("sender %d at %d: got %s, want %s", test.ssrc, test.timestamp, got, test.want)
		}
	}
	for ssrc := range uint32(100) {
		r.learn(&rtcp.SenderReport{SSRC: ssrc, NTPTime: ntp.Encode(begin)})
	}
	if len(r.of) > mostSenders {
		t.Errorf("%d senders are kept", len(r.of))
	}
}
