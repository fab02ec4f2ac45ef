package onvif

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"syscall"

	"tidewatch/ingest"
)

// What can be wrong with a device, besides ingest.ErrUnauthorized.
var (
	errURL         = errors.New("its address cannot be used")
	errHost        = errors.New("no such host")
	errRefused     = errors.New("connection refused")
	errSilent      = errors.New("no answer")
	errCertificate = errors.New("its certificate is not trusted here")
	errProtocol    = errors.New("answered what is not ONVIF as we know it")
	errTooLong     = errors.New("its answer has no end")
	errNoService   = errors.New("has no ONVIF service there")
	errFault       = errors.New("refused the question")
	errUnsupported = errors.New("does not know the question")
	errNoTime      = errors.New("tells neither its time in UTC nor a local time with a time zone that can be read")
	errLocalTime   = errors.New("tells its local time as UTC; the time zone is taken off here")
	errTwoTimes    = errors.New("tells another time than the one by which it checks accounts")
	errNoMedia     = errors.New("has no media service")
	errNoVideo     = errors.New("has no profile with video")
	errStreamURL   = errors.New("tells an address that is no RTSP URL")
	errCredentials = errors.New("puts credentials into the stream's URL; they are left out")
	errSpared      = errors.New("not asked, since the account was refused before")
	errGivenUp     = errors.New("not asked, since the device had stopped answering")
)

// advice says what to do about an error.
var advice = []struct {
	err  error
	hint string
}{
	{ingest.ErrUnauthorized, "give the user name and password of an account for ONVIF, which many cameras keep apart from those of their pages"},
	{errURL, "give the camera's address"},
	{errHost, "check the network's name service"},
	{errRefused, "check the port, and switch ONVIF on in the camera"},
	{errSilent, "check the address and the network"},
	{errCertificate, "let the camera answer HTTP too, or give it a certificate that this machine trusts"},
	{errProtocol, "check that the port is the camera's, and renew its firmware"},
	{errTooLong, "check that it is a camera"},
	{errNoService, "check the port, and switch ONVIF on in the camera"},
	{errFault, "renew its firmware, or read what is missing on its own pages"},
	{errUnsupported, "renew its firmware, or read what is missing on its own pages"},
	{errNoTime, "set its time zone and let it follow NTP"},
	{errLocalTime, "renew its firmware"},
	{errTwoTimes, "set its time zone and let it follow NTP"},
	{errNoMedia, "is it a camera? find the URL of its stream in its manual"},
	{errNoVideo, "make a video profile on its pages"},
	{errStreamURL, "find the URL of its stream in its manual"},
	{errCredentials, "try the stream with user name and password apart from its URL"},
	{errSpared, "see there"},
	{errGivenUp, "try again"},
}

// explain says what a device was asked for, what is wrong and what to do.
func explain(address, what string, err error) error {
	for _, a := range advice {
		if errors.Is(err, a.err) {
			return fmt.Errorf("ask %s for %s: %w; %s", address, what, err, a.hint)
		}
	}
	return fmt.Errorf("ask %s for %s: %w", address, what, err)
}

// classify keeps our own errors and those of the network. Any other may repeat
// what the device wrote.
func classify(ctx context.Context, err error) error {
	var network net.Error
	var name *net.DNSError
	var operation *net.OpError
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, errTooLong), errors.Is(err, errURL):
		return err
	case errors.As(err, new(*tls.CertificateVerificationError)):
		return errCertificate
	case errors.As(err, &name) && name.IsNotFound:
		return errHost
	case errors.Is(err, syscall.ECONNREFUSED):
		return errRefused
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &network) && network.Timeout():
		return errSilent
	case errors.As(err, &operation):
		return operation
	}
	return errProtocol
}
