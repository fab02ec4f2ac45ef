package rtsp

import (
	"crypto/tls"
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
	"tidewatch/rescue"
)

// What can be wrong with a camera, besides ingest.ErrUnauthorized.
var (
	ErrURL        = ingest.NewFault(ingest.URLUnusable)
	ErrAuthority  = ingest.NewFault(ingest.AuthorityEmpty)
	ErrHost       = ingest.NewFault(ingest.HostUnknown)
	ErrNoWay      = ingest.NewFault(ingest.Unreachable)
	ErrRefused    = ingest.NewFault(ingest.ConnectRefused)
	ErrStaleNonce = ingest.NewFault(ingest.StaleNonce)
	ErrBasic      = ingest.NewFault(ingest.BasicOnly)
	ErrNotFound   = ingest.NewFault(ingest.NotFound)
	ErrUntrusted  = ingest.NewFault(ingest.Untrusted)
	ErrNoTLS      = ingest.NewFault(ingest.NoTLS)
	ErrTLS        = ingest.NewFault(ingest.TLSOnly)
	ErrOldTLS     = ingest.NewFault(ingest.OldTLS)
	ErrHTTP       = ingest.NewFault(ingest.AnswersHTTP)
	ErrNoVideo    = ingest.NewFault(ingest.NoVideo)
	ErrTransport  = ingest.NewFault(ingest.TransportRefused)
	ErrSilent     = ingest.NewFault(ingest.Silent)
	ErrProtocol   = ingest.NewFault(ingest.ProtocolUnknown)
	ErrTrack      = ingest.NewFault(ingest.TrackUnusable)
	ErrStalled    = ingest.NewFault(ingest.Stalled)
	ErrNoKey      = ingest.NewFault(ingest.NoKeyFrame)
	ErrRefresh    = ingest.NewFault(ingest.IntraRefresh)
	ErrRedirected = ingest.NewFault(ingest.Redirected)
	ErrReset      = ingest.NewFault(ingest.ResetByCamera)
	ErrEnded      = ingest.NewFault(ingest.EndedByCamera)
	ErrUnheard    = ingest.NewFault(ingest.Unheard)

	errSender   = ingest.NewFault(ingest.StreamRestarted)
	errTimeJump = ingest.NewFault(ingest.TimeJumped)
	errEndless  = ingest.NewFault(ingest.UnitEndless)
)

// explain turns what a library said into a fault that names the host, in an
// error that names the camera. Neither the URL nor what the camera wrote is
// repeated: either may hold a password.
func explain(camera, host string, err error) error {
	err = classify(err)
	if rescue.From(err) == nil {
		cause := ingest.CauseOf(err)
		if slices.Contains(ingest.Causes[cause.Code], "host") {
			cause = cause.With("host", host)
		}
		err = &ingest.Fault{Cause: cause}
	}
	return fmt.Errorf("pull camera %q: %w", camera, err)
}

// classify keeps our own errors and those of the network. Any other comes from
// a library and may repeat what the camera wrote, so only its type is told.
func classify(err error) error {
	var fault *ingest.Fault
	var status liberrors.ErrClientBadStatusCode
	var network net.Error
	var name *net.DNSError
	var operation *net.OpError
	switch {
	case errors.As(err, &fault), rescue.From(err) != nil:
		return err
	case errors.As(err, &status):
		return classifyStatus(status.Code)
	case isUntrusted(err):
		return ErrUntrusted
	case errors.Is(err, syscall.ECONNREFUSED):
		return ErrRefused
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return ErrReset
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return ErrNoWay
	case errors.As(err, &name) && name.IsNotFound:
		return ErrHost
	case errors.Is(err, liberrors.ErrClientRequestTimedOut{}),
		errors.Is(err, liberrors.ErrClientTCPTimeout{}),
		errors.Is(err, liberrors.ErrClientUDPTimeout{}),
		errors.Is(err, os.ErrDeadlineExceeded),
		errors.As(err, &network) && network.Timeout():
		return ErrSilent
	case errors.As(err, &operation):
		return operation
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return ErrEnded
	}
	return fmt.Errorf("%w (%T)", ErrProtocol, err)
}

// isUntrusted reports whether a certificate was refused. What it says itself is
// not told.
func isUntrusted(err error) bool {
	var verification *tls.CertificateVerificationError
	return errors.As(err, &verification)
}

func classifyStatus(code base.StatusCode) error {
	switch code {
	case base.StatusUnauthorized, base.StatusForbidden:
		return ingest.ErrUnauthorized
	case base.StatusNotFound:
		return ErrNotFound
	case base.StatusUnsupportedTransport:
		return ErrTransport
	}
	return ingest.NewFault(ingest.BadStatus, "status", int(code))
}
