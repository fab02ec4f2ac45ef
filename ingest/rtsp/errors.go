package rtsp

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"

	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/liberrors"

	"tidewatch/ingest"
	"tidewatch/rescue"
)

// What can be wrong with a camera, besides ingest.ErrUnauthorized.
var (
	ErrURL        = &ingest.Fault{Reason: "url", Text: "URL cannot be used", Hint: "write rtsp://HOST[:PORT]/PATH, with user name and password apart from it"}
	ErrRefused    = &ingest.Fault{Reason: "refused", Text: "connection refused", Hint: "check that the camera is on and the port is right"}
	ErrStaleNonce = &ingest.Fault{Reason: "stale_nonce", Text: "the camera took its challenge back", Hint: "it is asked for a new one"}
	ErrBasic      = &ingest.Fault{Reason: "basic", Text: "the camera wants the password in the clear", Hint: "set the camera to digest authentication, use rtsps, or allow it with allow_basic"}
	ErrNotFound   = &ingest.Fault{Reason: "not_found", Text: "no such stream", Hint: "check the path of the URL"}
	ErrUntrusted  = &ingest.Fault{Reason: "untrusted", Text: "the camera's certificate is not trusted", Hint: "give the authority that signed it (ca_file), and check that it names the host of the URL"}
	ErrNoTLS      = &ingest.Fault{Reason: "no_tls", Text: "does not speak TLS", Hint: "give the camera's port for rtsps, or write rtsp if it has none"}
	ErrTLS        = &ingest.Fault{Reason: "tls", Text: "speaks TLS, and rtsp does not", Hint: "write rtsps, or give the camera's port for rtsp"}
	ErrOldTLS     = &ingest.Fault{Reason: "old_tls", Text: "speaks TLS of another kind than 1.2 or 1.3", Hint: "renew the camera's firmware, or its certificate"}
	ErrHTTP       = &ingest.Fault{Reason: "http", Text: "answers HTTP, not RTSP", Hint: "this is a port for browsers: give the camera's RTSP port, usually 554"}
	ErrNoVideo    = &ingest.Fault{Reason: "no_video", Text: "no H.264 or H.265 video in the stream", Hint: "set the camera's stream to H.264"}
	ErrTransport  = &ingest.Fault{Reason: "transport", Text: "the camera does not send video this way", Hint: "set transport to auto, or to the other of tcp and udp"}
	ErrSilent     = &ingest.Fault{Reason: "silent", Text: "no answer", Hint: "check the address and the network"}
	ErrProtocol   = &ingest.Fault{Reason: "protocol", Text: "answered what is not RTSP as we know it", Hint: "check that the port is the camera's RTSP port, and renew its firmware"}
	ErrTrack      = &ingest.Fault{Reason: "track", Text: "the stream's description gives its video no usable address", Hint: "renew the camera's firmware"}
	ErrStalled    = &ingest.Fault{Reason: "stalled", Text: "no video comes", Hint: "check the camera's encoder and the network's capacity"}
	ErrNoKey      = &ingest.Fault{Reason: "no_key", Text: "no key frame", Hint: "set a shorter key frame interval (GOP) in the camera"}
	ErrRefresh    = &ingest.Fault{Reason: "refresh", Text: "the camera refreshes its picture bit by bit, with no key frame", Hint: "turn intra refresh (gradual decoder refresh) off in the camera, and set a key frame interval (GOP)"}
	ErrRedirected = &ingest.Fault{Reason: "redirected", Text: "redirected elsewhere", Hint: "give the URL that the camera points to, if you trust it"}
	ErrReset      = &ingest.Fault{Reason: "reset", Text: "connection reset", Hint: "check the camera, and what lies between"}
	ErrEnded      = &ingest.Fault{Reason: "ended", Text: "the camera ended the connection"}
	ErrUnheard    = &ingest.Fault{Reason: "unheard", Text: "the connection was ended without an answer", Hint: "check that the port is the camera's RTSP port, and that it has a connection left"}

	errSender   = &ingest.Fault{Reason: "sender", Text: "the camera began its stream anew"}
	errTimeJump = &ingest.Fault{Reason: "time_jump", Text: "the camera's media clock jumped"}
	errEndless  = &ingest.Fault{Reason: "endless", Text: "an access unit does not end"}
)

// explain turns what a library said into an error that names the camera, its
// host, the fault and what to do. Neither the URL nor what the camera wrote is
// repeated: either may hold a password.
func explain(camera, host string, err error) error {
	err = classify(err)
	var fault *ingest.Fault
	if errors.As(err, &fault) && fault.Hint != "" {
		return fmt.Errorf("pull camera %q from %s: %w; %s", camera, host, err, fault.Hint)
	}
	return fmt.Errorf("pull camera %q from %s: %w", camera, host, err)
}

// classify keeps our own errors and those of the network. Any other comes from
// a library and may repeat what the camera wrote, so only its type is told.
func classify(err error) error {
	var fault *ingest.Fault
	var status liberrors.ErrClientBadStatusCode
	var network net.Error
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
	return fmt.Errorf("answered with status %d", code)
}
