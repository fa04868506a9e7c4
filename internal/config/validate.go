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
	if c.Provisioning.Wanted() {
		return c.validateUnprovisioned()
	}
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
	for path, text := range map[string]string{
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
	return first(
		func() error { return c.Page.validate("page") },
		func() error { return c.Recordings.validate("recordings") },
		func() error { return c.Video.validate("video") },
		func() error { return c.ClientFrames.validate("client_frames") },
		func() error { return c.Updates.validate("updates") },
		func() error { return c.LAN.validate("lan") },
		func() error { return c.validateSensors("sensors") },
		func() error { return c.HomeAssistant.validate("home_assistant", c.LAN) },
		func() error { return c.validateCameras("cameras") },
	)
}

// CheckIoT judges the section iot, which a component that runs on its own
// needs and one under Greengrass does without: there the nucleus has the
// thing's certificate.
func (c *Config) CheckIoT() error {
	if c.Provisioning.Wanted() {
		return nil // the rest is yet to come
	}
	for _, a := range []struct{ path, address string }{
		{"iot.endpoint", c.IoT.Endpoint}, {"iot.credentials_endpoint", c.IoT.CredentialsEndpoint},
	} {
		if _, _, err := net.SplitHostPort(a.address); err != nil {
			return bad(a.path, "%q: want host:port; without Greengrass the component connects itself", brief(a.address))
		}
	}
	for _, t := range []struct{ path, text string }{
		{"iot.role_alias", c.IoT.RoleAlias}, {"iot.certificate", c.IoT.Certificate}, {"iot.private_key", c.IoT.PrivateKey},
	} {
		if t.text == "" {
			return bad(t.path, "missing; without Greengrass the component connects itself")
		}
	}
	return nil
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
