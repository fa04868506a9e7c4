package config

import (
	"fmt"
	"strings"
	"time"
)

// Recordings says where video is kept on this device's disk.
type Recordings struct {
	Dir     string `config:"dir"`      // folder; empty: recordings below the state folder
	MinFree int64  `config:"min_free"` // bytes left free on its disk
}

// Video says how video is kept in Kinesis Video Streams. It counts for streams
// that do not exist yet.
type Video struct {
	Retention time.Duration `config:"retention"` // whole hours; 0 keeps nothing
	KMSKey    string        `config:"kms_key"`   // id or ARN; empty: the service's own key
}

// Modes of Record and Upload.
const (
	VideoOff        = "off"
	VideoEvents     = "events"
	VideoAlerts     = "alerts" // of Upload alone
	VideoContinuous = "continuous"
)

// Record says what video of a camera is kept on this device's disk.
type Record struct {
	Mode           string        `config:"mode"`                 // off, events or continuous
	Source         string        `config:"source" secret:"true"` // rtsp:// URL of a better picture than the one looked at; empty: the camera's source
	Audio          bool          `config:"audio"`                // sound too, where the camera has sound that can be carried
	PreRoll        time.Duration `config:"pre_roll"`             // kept from before an event
	PostRoll       time.Duration `config:"post_roll"`            // kept from after an event
	Keep           time.Duration `config:"keep"`                 // video of detections; 0: while there is room
	KeepAlerts     time.Duration `config:"keep_alerts"`          // likewise, of alerts
	KeepContinuous time.Duration `config:"keep_continuous"`      // likewise, of no event
	MaxBytes       int64         `config:"max_bytes"`            // on the disk, of this camera; 0: while there is room
}

// Upload says what video of a camera leaves the home, to Kinesis Video Streams.
type Upload struct {
	Mode         string                   `config:"mode"`          // off, events, alerts or continuous
	Schedule     []string                 `config:"schedule"`      // times in which everything is uploaded too, whatever the mode
	Seen         map[string]time.Duration `config:"seen"`          // label → for how long after it was seen everything is uploaded too
	Images       bool                     `config:"images"`        // Kinesis Video Streams makes pictures of events
	DailyBytes   int64                    `config:"daily_bytes"`   // a day, of this camera; 0: no limit
	BackfillRate int64                    `config:"backfill_rate"` // bytes a second, for what an outage has delayed; 0: no limit
}

func recordDefaults() Record {
	const day = 24 * time.Hour
	return Record{
		Mode: VideoEvents, Audio: true, PreRoll: 5 * time.Second, PostRoll: 5 * time.Second,
		Keep: 7 * day, KeepAlerts: 30 * day, KeepContinuous: 2 * day, MaxBytes: 10 << 30,
	}
}

func uploadDefaults() Upload {
	return Upload{Mode: VideoEvents, Images: true, DailyBytes: 2 << 30, BackfillRate: 256 << 10}
}

// Uploads tells whether any video can leave the home.
func (u Upload) Uploads() bool {
	return u.Mode != VideoOff && u.Mode != "" || len(u.Schedule) > 0 || len(u.Seen) > 0
}

// Records tells whether any video is kept on the disk.
func (r Record) Records() bool { return r.Mode != VideoOff && r.Mode != "" }

// Windows are the times of the schedule, as far as they can be read: a
// configuration that was judged holds no others.
func (u Upload) Windows() (windows []Window) {
	for _, text := range u.Schedule {
		if w, err := ParseWindow(text); err == nil {
			windows = append(windows, w)
		}
	}
	return windows
}

// mostSchedules bounds the times of a schedule.
const mostSchedules = 16

func (r Recordings) validate(path string) error {
	if r.MinFree < 0 {
		return bad(join(path, "min_free"), "%d: want 0 or more bytes", r.MinFree)
	}
	return nil
}

func (v Video) validate(path string) error {
	const most = 87600 * time.Hour // ten years, the service's limit
	switch {
	case v.Retention < 0 || v.Retention > most:
		return bad(join(path, "retention"), "%v: want 0h to 87600h", v.Retention)
	case v.Retention%time.Hour != 0:
		return bad(join(path, "retention"), "%v: want whole hours", v.Retention)
	}
	return nil
}

func (r Record) validate(path string) error {
	switch r.Mode {
	case VideoOff, VideoEvents, VideoContinuous:
	default:
		return bad(join(path, "mode"), "%q: want off, events or continuous", brief(r.Mode))
	}
	if r.Source != "" && !strings.HasPrefix(r.Source, "rtsp://") && !strings.HasPrefix(r.Source, "rtsps://") {
		return bad(join(path, "source"), "want an rtsp:// or rtsps:// URL; other sources have one stream only: leave it empty")
	}
	for _, roll := range []struct {
		key string
		d   time.Duration
	}{{"pre_roll", r.PreRoll}, {"post_roll", r.PostRoll}} {
		if roll.d < 0 || roll.d > time.Minute {
			return bad(join(path, roll.key), "%v: want 0s to 1m", roll.d)
		}
	}
	for _, keep := range []struct {
		key string
		d   time.Duration
	}{{"keep", r.Keep}, {"keep_alerts", r.KeepAlerts}, {"keep_continuous", r.KeepContinuous}} {
		if keep.d < 0 || keep.d > 0 && keep.d < time.Hour {
			return bad(join(path, keep.key), "%v: want at least 1h, or 0s to keep it while there is room", keep.d)
		}
	}
	if r.MaxBytes < 0 || r.MaxBytes > 0 && r.MaxBytes < 64<<20 {
		return bad(join(path, "max_bytes"), "%d: want at least 64MB, or 0 for as much as there is room", r.MaxBytes)
	}
	return nil
}

func (u Upload) validate(path string) error {
	switch u.Mode {
	case VideoOff, VideoEvents, VideoAlerts, VideoContinuous:
	default:
		return bad(join(path, "mode"), "%q: want off, alerts, events or continuous", brief(u.Mode))
	}
	if len(u.Schedule) > mostSchedules {
		return bad(join(path, "schedule"), "%d times: want at most %d", len(u.Schedule), mostSchedules)
	}
	for i, text := range u.Schedule {
		if _, err := ParseWindow(text); err != nil {
			return bad(fmt.Sprintf("%s[%d]", join(path, "schedule"), i), "%q: %v", brief(text), err)
		}
	}
	if len(u.Seen) > mostLabels {
		return bad(join(path, "seen"), "%d labels: want at most %d", len(u.Seen), mostLabels)
	}
	for _, label := range sortedKeys(u.Seen) {
		at := join(join(path, "seen"), label)
		if err := validateLabel(at, label); err != nil {
			return err
		}
		if d := u.Seen[label]; d < time.Second || d > time.Hour {
			return bad(at, "%v: want 1s to 1h", d)
		}
	}
	switch {
	case u.DailyBytes < 0:
		return bad(join(path, "daily_bytes"), "%d: want 0 or more bytes", u.DailyBytes)
	case u.BackfillRate < 0 || u.BackfillRate > 0 && u.BackfillRate < 16<<10:
		return bad(join(path, "backfill_rate"), "%d: want at least 16KB a second, or 0 for no limit", u.BackfillRate)
	}
	return nil
}
