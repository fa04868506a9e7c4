package onvif

import (
	"context"
	"fmt"
	"net/url"
	"strings"
)

// Place is where a source is, whoever signs in there: two that have the same
// place are one stream.
func Place(source string) string {
	u, err := url.Parse(source)
	if err != nil {
		return source
	}
	query := u.Query()
	for _, key := range []string{"user", "username", "password", "pwd", "token"} {
		query.Del(key)
	}
	host := strings.TrimSuffix(strings.ToLower(u.Host), ":554")
	return u.Scheme + "://" + host + u.Path + "?" + query.Encode()
}

// ForSource connects to the camera that an RTSP source of the configuration
// is on, with the sign-in of that source, and returns the profile that the
// source is a stream of, to be moved or asked for keyframes. Of cfg, Address
// may name the camera's ONVIF port; User and Password are not used. It fails
// as Connect does, and with ErrUnsupported when the camera has no such stream.
func ForSource(ctx context.Context, cfg Config, source string) (*Device, Profile, error) {
	u, err := url.Parse(source)
	if err != nil || u.Hostname() == "" || u.Scheme != "rtsp" && u.Scheme != "rtsps" {
		return nil, Profile{}, fmt.Errorf("%w: the source is no rtsp:// address", ErrAddress)
	}
	if cfg.Address == "" {
		cfg.Address = hostPort(u.Hostname(), "")
	}
	cfg.User = u.User.Username()
	cfg.Password, _ = u.User.Password()
	d, err := Connect(ctx, cfg)
	if err != nil {
		return nil, Profile{}, err
	}
	profiles, err := d.Profiles(ctx)
	if err != nil {
		d.Close()
		return nil, Profile{}, err
	}
	for _, p := range profiles {
		if Place(p.Stream.SignedOut()) == Place(source) {
			return d, p, nil
		}
	}
	d.Close()
	return nil, Profile{}, fmt.Errorf("%w: none of the %d streams of %s is the source; let porchlight camera discover write it", ErrUnsupported, len(profiles), d.address.Host)
}
