package event

import (
	"encoding/json"
	"fmt"
)

// Telemetry is how a device has fared in the last minute, on its telemetry
// topic. Counts are since the start of the process, unless they say otherwise.
type Telemetry struct {
	At          Time              `json:"at"`
	Version     string            `json:"version"`
	Uptime      float64           `json:"uptime_s"`
	CPU         float64           `json:"cpu"`        // cores, since the last one; the decoders included once they have ended
	Memory      int64             `json:"rss_bytes"`  // resident; without the decoders
	DiskFree    int64             `json:"disk_free"`  // bytes, where the state folder is
	Goroutines  int               `json:"goroutines"` // of the process
	Reconnects  int64             `json:"reconnects"`
	Unheard     int64             `json:"unheard"` // messages of the cloud dropped because a handler was slow
	Spools      []SpoolTelemetry  `json:"spools"`
	Cameras     []CameraTelemetry `json:"cameras,omitempty"`
	Sensors     []SensorTelemetry `json:"sensors,omitempty"`
	Truncated   bool              `json:"truncated,omitempty"` // not all of cameras and sensors fits
	Certificate *Time             `json:"certificate_expires,omitempty"`
}

// SpoolTelemetry is how one spool is.
type SpoolTelemetry struct {
	Name     string `json:"name"`
	Depth    int    `json:"depth"`     // records waiting
	Bytes    int64  `json:"bytes"`     // their size
	InMemory int    `json:"in_memory"` // of these, records the disk did not take
	Dropped  int64  `json:"dropped"`   // records that will never be sent: full, too old, refused or damaged
	SetAside int    `json:"set_aside"` // refused ones kept for diagnosis
}

// CameraTelemetry is how one camera has fared.
type CameraTelemetry struct {
	Camera     string  `json:"camera"`
	FPS        float64 `json:"fps"`        // frames looked at a second, since the last telemetry
	Frames     int64   `json:"frames"`     // looked at
	Inferences int64   `json:"inferences"` // regions the detector looked at
	Events     int64   `json:"events"`
	Decoded    int64   `json:"decoded"` // packets
	Spared     int64   `json:"spared"`  // packets that did not have to be decoded

	Video *VideoTelemetry `json:"video,omitempty"` // nil: none is kept
	Live  *LiveTelemetry  `json:"live,omitempty"`  // nil: nobody may watch
}

// LiveTelemetry is how the live view of one camera fares.
type LiveTelemetry struct {
	Signaling string         `json:"signaling"`         // connected, connecting, standing by (another has this camera's channel) or stopped
	Viewers   int            `json:"viewers,omitempty"` // now
	Bits      int64          `json:"bits,omitempty"`    // a second, to all of them
	Loss      float64        `json:"loss,omitempty"`    // 0..1, of the one that fares worst
	RTT       int64          `json:"rtt_ms,omitempty"`  // of the farthest
	Joined    int64          `json:"joined,omitempty"`  // viewers
	Refused   int64          `json:"refused,omitempty"` // offers
	Dropped   int64          `json:"dropped,omitempty"` // viewers that did not leave by themselves
	Join      *JoinTelemetry `json:"join_ms,omitempty"` // nil: nobody has come
}

// JoinTelemetry is how long the newest viewers took to join, the median of
// each phase in milliseconds since the offer came.
type JoinTelemetry struct {
	Answered  int64 `json:"answered"`
	Connected int64 `json:"connected"`
	Picture   int64 `json:"picture"` // has arrived
}

// well tells whether nothing is wrong or going on that has to be told.
func (l LiveTelemetry) well() bool { return l.Signaling == "connected" && l.Viewers == 0 }

// VideoTelemetry is how the video of one camera is kept.
type VideoTelemetry struct {
	Record      string `json:"record,omitempty"`       // on the disk: idle, recording, full or faulty; empty: it is not
	DiskBytes   int64  `json:"disk_bytes,omitempty"`   // recorded
	RecordLost  int64  `json:"record_lost,omitempty"`  // groups of pictures that were not recorded
	Upload      string `json:"upload,omitempty"`       // idle, sending, waiting, faulty, or over: the day's bytes are used up; empty: it is not
	UploadBytes int64  `json:"upload_bytes,omitempty"` // today
	Sent        int64  `json:"sent,omitempty"`         // fragments
	Resent      int64  `json:"resent,omitempty"`       // fragments
	Persisted   int64  `json:"persisted,omitempty"`    // fragments
	Unpersisted int    `json:"unpersisted,omitempty"`  // fragments
	UploadLost  int64  `json:"upload_lost,omitempty"`  // fragments that were refused for good or no longer there
}

// well tells whether nothing is wrong that has to be told.
func (v VideoTelemetry) well() bool {
	switch {
	case v.Record != "" && v.Record != "idle" && v.Record != "recording", v.RecordLost > 0:
		return false
	case v.Upload != "" && v.Upload != "idle" && v.Upload != "sending", v.UploadLost > 0:
		return false
	}
	return true
}

// brief says of the video of cameras only what is wrong, and of live views
// also who watches.
func brief(cameras []CameraTelemetry) (out []CameraTelemetry, shorter bool) {
	for _, c := range cameras {
		if v := c.Video; v != nil && v.well() {
			c.Video, shorter = nil, true
		}
		if l := c.Live; l != nil && l.well() {
			c.Live, shorter = nil, true
		}
		out = append(out, c)
	}
	return out, shorter
}

// SensorTelemetry is how one sensor of the home is.
type SensorTelemetry struct {
	Sensor    string `json:"sensor"`
	Available bool   `json:"available"`
	Seen      *Time  `json:"seen,omitempty"` // when it last said something
}

// Marshal returns the wire form. When it is over MaxPayload bytes the video
// that is kept well and live views that nobody watches, the sensors and then the last cameras are left out.
func (t Telemetry) Marshal() ([]byte, error) {
	for {
		payload, err := json.Marshal(t)
		if err != nil {
			return nil, fmt.Errorf("%w: telemetry: %w", ErrInvalid, err)
		}
		if len(payload) <= MaxPayload {
			return payload, nil
		}
		if cameras, shorter := brief(t.Cameras); shorter {
			t.Cameras, t.Truncated = cameras, true
			continue
		}
		if len(t.Sensors) > 0 {
			t.Sensors, t.Truncated = nil, true
			continue
		}
		if len(t.Cameras) == 0 {
			return nil, fmt.Errorf("%w: telemetry is %d bytes, the limit is %d", ErrTooLarge, len(payload), MaxPayload)
		}
		t.Cameras, t.Truncated = t.Cameras[:len(t.Cameras)-1], true
	}
}
