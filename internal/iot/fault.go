package iot

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"time"

	"github.com/eclipse/paho.golang/autopaho"
)

// What is the matter when a device cannot connect, or stays connected no
// longer. Stats.Trouble wraps one of these.
var (
	ErrUnreachable   = errors.New("the endpoint cannot be reached")
	ErrNotValidNow   = errors.New("a certificate is not valid at this time")
	ErrUntrusted     = errors.New("the endpoint's certificate is not trusted")
	ErrCertificate   = errors.New("the endpoint does not accept this device's certificate")
	ErrNotAuthorized = errors.New("not authorized")
	ErrTakenOver     = errors.New("another client took over the connection")
	ErrTooLarge      = errors.New("message is too large")
	ErrLimit         = errors.New("a limit of the service is reached")
	ErrHungUp        = errors.New("the endpoint hung up")
	ErrSilent        = errors.New("the endpoint does not acknowledge")
)

// faultError is an error with its kind, its cause and its cure.
type faultError struct {
	kind        error
	cause, cure string
	err         error // what was seen; may be nil
}

func (f *faultError) Error() string {
	text := f.kind.Error() + ": " + f.cause + ": " + f.cure
	if f.err != nil {
		text += " (" + f.err.Error() + ")"
	}
	return text
}

func (f *faultError) Unwrap() []error {
	if f.err == nil {
		return []error{f.kind}
	}
	return []error{f.kind, f.err}
}

// sameFault reports whether telling both would be telling the same twice.
func sameFault(a, b error) bool {
	if a == nil || b == nil {
		return false
	}
	var f, g *faultError
	if errors.As(a, &f) && errors.As(b, &g) {
		return errors.Is(f.kind, g.kind) && f.cure == g.cure
	}
	return a.Error() == b.Error()
}

// circumstances are what an explanation may speak of.
type circumstances struct {
	endpoint, clientID string
	leaf               *x509.Certificate // of this device; may be nil
	now                time.Time
}

// explain says what an error of connecting means for the person who has to
// mend it.
func (at circumstances) explain(err error) *faultError {
	var known *faultError
	if errors.As(err, &known) {
		return known
	}
	var refused *autopaho.ConnackError
	if errors.As(err, &refused) {
		return at.reason(refused.ReasonCode, err)
	}
	if f := at.explainServer(err); f != nil {
		return f
	}
	if f := at.explainAlert(err); f != nil {
		return f
	}
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return &faultError{
			ErrHungUp, "it ended the connection without saying why",
			"check that the certificate is active, that it is attached to the thing, and that its policy allows iot:Connect as " + at.clientID, err,
		}
	case notFound(err):
		return &faultError{ErrUnreachable, "its name is not known", "check the name " + at.endpoint + " and the network's DNS", err}
	}
	return &faultError{
		ErrUnreachable, "the network does not get there",
		"check the network, and that a firewall lets " + at.endpoint + " through", err,
	}
}

// explainServer is about a server's certificate that this device refuses.
func (at circumstances) explainServer(err error) *faultError {
	var invalid x509.CertificateInvalidError
	if errors.As(err, &invalid) && invalid.Reason == x509.Expired && invalid.Cert != nil {
		return &faultError{ErrNotValidNow, at.dates("the endpoint's", invalid.Cert), at.clockCure("have the endpoint's renewed", invalid.Cert), err}
	}
	var unknown x509.UnknownAuthorityError
	if errors.As(err, &unknown) {
		return &faultError{
			ErrUntrusted, "it comes from a CA that this device does not trust",
			"give the CA's certificate as iot.ca (Amazon Root CA 1 for AWS, with an endpoint that has -ats in its name)", err,
		}
	}
	var host x509.HostnameError
	if errors.As(err, &host) {
		return &faultError{ErrUntrusted, "it is for another name than " + at.endpoint, "check the endpoint's name", err}
	}
	var bad *tls.CertificateVerificationError
	if errors.As(err, &bad) {
		return &faultError{ErrUntrusted, "it cannot be verified", "check iot.ca and the endpoint", err}
	}
	return nil
}

// explainAlert is about a server that refuses this device's certificate. Alerts
// have no exported type, only texts: RFC 8446, 6.2.
func (at circumstances) explainAlert(err error) *faultError {
	var remote *net.OpError
	if !errors.As(err, &remote) || remote.Op != "remote error" || remote.Err == nil {
		return nil
	}
	register := "register it and make it active, or provision this device again"
	alert := strings.TrimPrefix(remote.Err.Error(), "tls: ")
	switch alert {
	case "expired certificate":
		if at.leaf != nil {
			return &faultError{ErrNotValidNow, at.dates("this device's", at.leaf), at.clockCure("provision this device again", at.leaf), err}
		}
		return &faultError{ErrNotValidNow, "this device's has expired", "provision this device again", err}
	case "revoked certificate":
		return &faultError{ErrCertificate, "it was revoked", "provision this device again", err}
	case "unknown certificate authority", "unknown certificate", "bad certificate", "access denied":
		return &faultError{ErrCertificate, "it is not registered, or not active, in this account and region", register, err}
	case "certificate required":
		return &faultError{ErrCertificate, "none was shown", "set iot.certificate and iot.private_key", err}
	case "no application protocol":
		return &faultError{
			ErrUnreachable, "it does not speak MQTT on this port",
			"use the account's data endpoint (iot:Data-ATS), or port 8883", err,
		}
	}
	return &faultError{ErrCertificate, "the TLS handshake failed", register, err}
}

func (at circumstances) dates(whose string, c *x509.Certificate) string {
	const day = "2006-01-02 15:04 MST"
	return fmt.Sprintf("this device's clock says %s, %s certificate is valid from %s to %s",
		at.now.UTC().Format(day), whose, c.NotBefore.UTC().Format(day), c.NotAfter.UTC().Format(day))
}

func (at circumstances) clockCure(renew string, c *x509.Certificate) string {
	if at.now.Before(c.NotBefore) {
		return "set the clock (is NTP running?)"
	}
	return "set the clock if it is wrong, else " + renew
}

func notFound(err error) bool {
	var dns *net.DNSError
	return errors.As(err, &dns) && dns.IsNotFound
}
