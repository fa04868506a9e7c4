package config

import (
	"fmt"
	"net"
	"time"

	"porchlight/internal/event"
)

func (c *Config) validate() error {
	bad := func(path, format string, a ...any) error {
		return fmt.Errorf("%w: %s: %s", ErrInvalid, path, fmt.Sprintf(format, a...))
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
	for _, name := range sortedKeys(c.Cameras) {
		camera, path := c.Cameras[name], join("cameras", name)
		if _, _, err := event.SplitCamera(event.CameraID(c.Thing, name)); err != nil {
			return bad(path, "%v", err)
		}
		if camera.Source == "" {
			return bad(path+".source", "missing: an rtsp:// URL, /dev/videoN, a video file or a folder of pictures")
		}
		if camera.FPS <= 0 || camera.FPS > 60 {
			return bad(path+".fps", "%v: want more than 0 and at most 60", camera.FPS)
		}
		if camera.MaxWidth < 64 || camera.MaxWidth > 7680 {
			return bad(path+".max_width", "%d: want 64 to 7680 pixels", camera.MaxWidth)
		}
		if camera.Quiet < time.Second || camera.Quiet > time.Hour {
			return bad(path+".quiet", "%v: want 1s to 1h", camera.Quiet)
		}
	}
	return nil
}
