package onvif

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// devicePath is where the device service is, unless a camera says otherwise.
// ONVIF Core specification, 5.1.2.1.
const devicePath = "/onvif/device_service"

// usualPorts are where cameras have their ONVIF services, the commonest first.
func usualPorts() []string { return []string{"80", "8000", "8080", "2020", "8899", "8081"} }

// ParseAddress reads host, host:port or the http:// or https:// URL of a
// device service. Without a port it returns all the usual ones. It fails with
// ErrAddress.
func ParseAddress(text string) ([]*url.URL, error) {
	bad := func(why string) ([]*url.URL, error) {
		return nil, fmt.Errorf("%w: %q: %s; want host, host:port or http://host:port/onvif/device_service", ErrAddress, clean(redactUser(text)), why)
	}
	if strings.Contains(text, "://") {
		u, err := serviceURL(text)
		if err != nil {
			return bad(err.Error())
		}
		if u.Path == "" || u.Path == "/" {
			u.Path = devicePath
		}
		return []*url.URL{u}, nil
	}
	host, port, err := net.SplitHostPort(text)
	if err != nil { // there is no port
		host, port = strings.Trim(text, "[]"), ""
	}
	if host == "" || strings.ContainsAny(host, "/@?# %") {
		return bad("that is no host")
	}
	ports := usualPorts()
	if port != "" {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return bad("that is no port")
		}
		ports = []string{port}
	}
	var list []*url.URL
	for _, p := range ports {
		list = append(list, &url.URL{Scheme: "http", Host: net.JoinHostPort(host, p), Path: devicePath})
	}
	return list, nil
}

// serviceURL reads the address of a service. Errors do not show it: it may
// hold a password.
func serviceURL(text string) (*url.URL, error) {
	if len(text) > maxAddress {
		return nil, fmt.Errorf("longer than %d characters", maxAddress)
	}
	u, err := url.Parse(strings.TrimSpace(text))
	switch {
	case err != nil || u.Hostname() == "":
		return nil, fmt.Errorf("not a URL")
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, fmt.Errorf("neither http:// nor https://")
	case u.User != nil:
		return nil, fmt.Errorf("it holds a user name")
	}
	return u, nil
}

func redactUser(text string) string {
	if i := strings.LastIndexByte(text, '@'); i >= 0 {
		return "***" + text[i:]
	}
	return text
}

// sameHost tells whether two hosts are written differently at most.
func sameHost(a, b string) bool {
	x, errX := netip.ParseAddr(a)
	y, errY := netip.ParseAddr(b)
	if errX == nil && errY == nil {
		return x.Unmap().WithZone("") == y.Unmap().WithZone("")
	}
	return strings.EqualFold(a, b)
}

// home brings an address that a camera gave back to the camera itself: behind
// port forwarding and after a move many give one that is not theirs, and a
// hostile one could send our requests, and the password's proof, anywhere.
func home(given, camera *url.URL) (*url.URL, bool) {
	if sameHost(given.Hostname(), camera.Hostname()) {
		return given, false
	}
	u := *given
	u.Scheme, u.Host = camera.Scheme, camera.Host
	return &u, true
}
