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
	errURL         = ingest.NewFault(ingest.ONVIFAddress)
	errHost        = ingest.NewFault(ingest.HostUnknown)
	errRefused     = ingest.NewFault(ingest.ONVIFRefused)
	errSilent      = ingest.NewFault(ingest.Silent)
	errCertificate = ingest.NewFault(ingest.ONVIFCertificate)
	errProtocol    = ingest.NewFault(ingest.ONVIFProtocol)
	errTooLong     = ingest.NewFault(ingest.ONVIFEndless)
	errNoService   = ingest.NewFault(ingest.ONVIFNoService)
	errFault       = ingest.NewFault(ingest.ONVIFFault)
	errUnsupported = ingest.NewFault(ingest.ONVIFUnsupported)
	errBothClocks  = ingest.NewFault(ingest.ONVIFBothClocks)
	errNoTime      = ingest.NewFault(ingest.ONVIFNoTime)
	errLocalTime   = ingest.NewFault(ingest.ONVIFLocalTime)
	errTwoTimes    = ingest.NewFault(ingest.ONVIFTwoTimes)
	errNoMedia     = ingest.NewFault(ingest.ONVIFNoMedia)
	errNoVideo     = ingest.NewFault(ingest.ONVIFNoVideo)
	errStreamURL   = ingest.NewFault(ingest.ONVIFStreamURL)
	errCredentials = ingest.NewFault(ingest.ONVIFURLAccount)
	errSpared      = ingest.NewFault(ingest.ONVIFSpared)
	errGivenUp     = ingest.NewFault(ingest.ONVIFGivenUp)
)

// explain says what a device was asked for, and makes a fault of what is wrong
// that names the device.
func explain(address, what string, err error) error {
	cause := ingest.CauseOf(err)
	if cause.Code == ingest.Unauthorized { // many cameras keep accounts for ONVIF apart
		cause.Code = ingest.ONVIFUnauthorized
	}
	return fmt.Errorf("ask for %s: %w", what, &ingest.Fault{Cause: cause.With("host", address)})
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
