package rtsp

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"syscall"

	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/liberrors"

	"tidewatch/ingest"
)

// What can be wrong with a camera, besides ingest.ErrUnauthorized.
var (
	ErrURL        = errors.New("URL cannot be used")
	ErrRefused    = errors.New("connection refused")
	ErrNotFound   = errors.New("no such stream")
	ErrNoVideo    = errors.New("no H.264 or H.265 video in the stream")
	ErrSilent     = errors.New("no answer")
	ErrProtocol   = errors.New("answered what is not RTSP as we know it")
	ErrTrack      = errors.New("the stream's description gives its video no usable address")
	ErrStalled    = errors.New("no video comes")
	ErrNoKey      = errors.New("no key frame")
	ErrRedirected = errors.New("redirected elsewhere")
	ErrEnded      = errors.New("stream ended")
)

type remedy struct {
	err  error
	hint string
}

// advice says what to do about an error.
var advice = []remedy{
	{ingest.ErrUnauthorized, "check the camera's user name and password"},
	{ErrURL, "write rtsp://HOST[:PORT]/PATH, with user name and password apart from it"},
	{ErrRefused, "check that the camera is on and the port is right"},
	{ErrNotFound, "check the path of the URL"},
	{ErrNoVideo, "set the camera's stream to H.264"},
	{ErrSilent, "check the address and the network"},
	{ErrProtocol, "check that the port is the camera's RTSP port, and renew its firmware"},
	{ErrTrack, "renew the camera's firmware"},
	{ErrNoKey, "set a shorter key frame interval (GOP) in the camera"},
	{ErrStalled, "check the camera's encoder and the network's capacity"},
	{ErrRedirected, "give the URL that the camera points to, if you trust it"},
}

// explain turns what a library said into an error that names the camera, its
// host, the fault and what to do. Neither the URL nor what the camera wrote is
// repeated: either may hold a password.
func explain(camera, host string, err error) error {
	err = classify(err)
	for _, a := range advice {
		if errors.Is(err, a.err) {
			return fmt.Errorf("pull camera %q from %s: %w; %s", camera, host, err, a.hint)
		}
	}
	return fmt.Errorf("pull camera %q from %s: %w", camera, host, err)
}

// classify keeps our own errors and those of the network. Any other comes from
// a library and may repeat what the camera wrote, so only its type is told.
func classify(err error) error {
	var status liberrors.ErrClientBadStatusCode
	var network net.Error
	var operation *net.OpError
	switch {
	case isOurs(err):
		return err
	case errors.As(err, &status):
		return classifyStatus(status.Code)
	case errors.Is(err, syscall.ECONNREFUSED):
		return ErrRefused
	case errors.Is(err, liberrors.ErrClientRequestTimedOut{}),
		errors.Is(err, liberrors.ErrClientTCPTimeout{}),
		errors.Is(err, os.ErrDeadlineExceeded),
		errors.As(err, &network) && network.Timeout():
		return ErrSilent
	case errors.As(err, &operation):
		return operation
	case errors.Is(err, io.EOF):
		return io.EOF
	case errors.Is(err, io.ErrUnexpectedEOF):
		return io.ErrUnexpectedEOF
	}
	return fmt.Errorf("%w (%T)", ErrProtocol, err)
}

// isOurs reports whether an error was made in this package, so that its whole
// text is known.
func isOurs(err error) bool {
	for _, own := range []error{ErrEnded, errTimeJump, errEndless} {
		if errors.Is(err, own) {
			return true
		}
	}
	return slices.ContainsFunc(advice, func(a remedy) bool { return errors.Is(err, a.err) })
}

func classifyStatus(code base.StatusCode) error {
	switch code {
	case base.StatusUnauthorized, base.StatusForbidden:
		return ingest.ErrUnauthorized
	case base.StatusNotFound:
		return ErrNotFound
	}
	return fmt.Errorf("answered with status %d", code)
}
