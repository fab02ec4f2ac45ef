package simcam

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
)

// ports is a pair of UDP sockets on consecutive ports, as RTP wants them.
type ports map[string]net.PacketConn // by address

// openPorts opens a pair on a host: an even port for RTP, the next for RTCP.
func openPorts(host string) (opened ports, rtp, rtcp string, err error) {
	const attempts = 100 // the port above a free one is mostly free
	for range attempts {
		var media, control net.PacketConn
		if media, err = bind(net.JoinHostPort(host, "0")); err != nil {
			return nil, "", "", fmt.Errorf("open port for RTP: %w", err)
		}
		rtp = media.LocalAddr().String()
		port := media.LocalAddr().(*net.UDPAddr).Port
		rtcp = net.JoinHostPort(host, strconv.Itoa(port+1))
		err = errors.New("no even port")
		if port%2 == 0 {
			if control, err = bind(rtcp); err == nil {
				return ports{rtp: media, rtcp: control}, rtp, rtcp, nil
			}
		}
		media.Close()
	}
	return nil, "", "", fmt.Errorf("open ports for RTP and RTCP: %w", err)
}

func bind(address string) (net.PacketConn, error) {
	var config net.ListenConfig
	return config.ListenPacket(context.Background(), "udp", address) // waits for nobody
}

// take hands out an open socket, with the signature of net.ListenPacket.
func (p ports) take(_, address string) (net.PacketConn, error) {
	opened, found := p[address]
	if !found {
		return nil, fmt.Errorf("listen on UDP %s: not opened", address)
	}
	delete(p, address)
	return opened, nil
}

// close closes the sockets that nobody took.
func (p ports) close() {
	for _, opened := range p {
		opened.Close()
	}
}
