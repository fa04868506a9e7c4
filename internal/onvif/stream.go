package onvif

import (
	"errors"
	"net"
	"net/url"
	"strings"

	"porchlight/internal/capture"
)

// StreamAddress is where a stream is. Printed, logged or encoded it shows no
// secrets; SignedIn gives what a player needs.
type StreamAddress struct{ url *url.URL }

// streamAddress reads the address of a stream, and brings it home: see home.
func (d *Device) streamAddress(text string) (StreamAddress, error) {
	text = strings.TrimSpace(text)
	u, err := url.Parse(text)
	switch {
	case len(text) > maxAddress || err != nil || u.Hostname() == "":
		return StreamAddress{}, errors.New("its address cannot be understood")
	case u.Scheme != "rtsp" && u.Scheme != "rtsps":
		return StreamAddress{}, errors.New("its address is neither rtsp:// nor rtsps://")
	}
	if own := d.address.Hostname(); !sameHost(u.Hostname(), own) {
		d.cfg.Log.Debug("camera gives another host's address for a stream; its own is used", "given", clean(u.Hostname()))
		u.Host = hostPort(own, u.Port())
	}
	return StreamAddress{u}, nil
}

func hostPort(host, port string) string {
	switch {
	case port != "":
		return net.JoinHostPort(host, port)
	case strings.Contains(host, ":"):
		return "[" + host + "]"
	}
	return host
}

// String is the address without secrets.
func (a StreamAddress) String() string {
	if a.url == nil {
		return ""
	}
	return capture.Redact(a.url.String())
}

// MarshalText implements encoding.TextMarshaler, without secrets.
func (a StreamAddress) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// SignedIn is the address with a user and a password, if there is a user, in
// place of what the camera put there. It is a secret.
func (a StreamAddress) SignedIn(user, password string) string {
	if a.url == nil {
		return ""
	}
	u := *a.url
	if user != "" {
		u.User = url.UserPassword(user, password)
	}
	return u.String()
}

// SignedOut is the address without user and password. What some cameras put
// into its query stays.
func (a StreamAddress) SignedOut() string {
	if a.url == nil {
		return ""
	}
	u := *a.url
	u.User = nil
	return u.String()
}
