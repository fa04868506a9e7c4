package config

import (
	"net"
	"strconv"
	"strings"
	"time"

	"porchlight/internal/event"
)

const mostCameras = 32

func (c *Config) validate() error {
	if err := event.ValidateThing(c.Thing); err != nil {
		return bad("thing", "%v", err)
	}
	if c.StateDir == "" {
		return bad("state_dir", "missing: name a folder that survives restarts")
	}
	if d := c.Detector; d.MinScore <= 0 || d.MinScore >= 1 {
		return bad("detector.min_score", "%v: want more than 0 and less than 1", d.MinScore)
	} else if d.Threads < 1 || d.Threads > 64 {
		return bad("detector.threads", "%d: want 1 to 64", d.Threads)
	}
	for path, address := range map[string]string{
		"iot.endpoint": c.IoT.Endpoint, "iot.credentials_endpoint": c.IoT.CredentialsEndpoint,
	} {
		if _, _, err := net.SplitHostPort(address); err != nil {
			return bad(path, "%q: want host:port", address)
		}
	}
	for path, text := range map[string]string{
		"iot.role_alias": c.IoT.RoleAlias, "iot.certificate": c.IoT.Certificate, "iot.private_key": c.IoT.PrivateKey,
		"cloud.thumbnail_bucket": c.Cloud.ThumbnailBucket, "cloud.region": c.Cloud.Region,
	} {
		if text == "" {
			return bad(path, "missing")
		}
	}
	if c.Spool.MaxBytes < 64<<10 {
		return bad("spool.max_bytes", "%d: want at least 64KB", c.Spool.MaxBytes)
	}
	if c.Spool.MaxAge < time.Minute {
		return bad("spool.max_age", "%v: want at least 1m", c.Spool.MaxAge)
	}
	if err := c.Page.validate("page"); err != nil {
		return err
	}
	if err := c.Updates.validate("updates"); err != nil {
		return err
	}
	return c.validateCameras("cameras")
}

// validate never shows the token.
func (p Page) validate(path string) error {
	if p.Listen == "" {
		return nil
	}
	_, port, err := net.SplitHostPort(p.Listen)
	if n, no := strconv.ParseUint(port, 10, 16); err != nil || no != nil || n == 0 {
		return bad(join(path, "listen"), "%q: want host:port, like 127.0.0.1:8088 or :8088 for every network", p.Listen)
	}
	if n := len(p.Token); n < 16 || n > 256 {
		return bad(join(path, "token"), "it has %d characters: a page on the network needs a secret of 16 to 256, like `openssl rand -hex 16` makes", n)
	}
	if strings.ContainsFunc(p.Token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return bad(join(path, "token"), "it has a space or a character that is not ASCII, which cannot be part of an address")
	}
	return nil
}

func (c *Config) validateCameras(path string) error {
	if len(c.Cameras) > mostCameras {
		return bad(path, "%d cameras: want at most %d", len(c.Cameras), mostCameras)
	}
	for _, name := range sortedKeys(c.Cameras) {
		camera, at := c.Cameras[name], join(path, name)
		if _, _, err := event.SplitCamera(event.CameraID(c.Thing, name)); err != nil {
			return bad(at, "%v", err)
		}
		if camera.Source == "" {
			return bad(join(at, "source"), "missing: an rtsp:// URL, /dev/videoN, a video file or a folder of pictures")
		}
		if err := camera.validate(at); err != nil {
			return err
		}
	}
	return nil
}
