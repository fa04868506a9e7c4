package thumbnails

import (
	"encoding/json"

	"porchlight/internal/cloud/store"
	"porchlight/internal/event"
)

// NoticeKind is the kind of a notice, among the attributes of its message.
const NoticeKind = "porchlight:event"

// Notice says that there is something to see. Owner and Severity travel as
// attributes of the message, by which subscribers choose; the rest is its text.
type Notice struct {
	Owner    string         `json:"-"`
	Severity event.Severity `json:"severity,omitempty"`

	EventID   string     `json:"event_id"`
	Camera    string     `json:"camera"`
	State     string     `json:"state"`
	StartedAt event.Time `json:"started_at"`

	Labels      map[string]float64 `json:"labels"`                 // as the device said
	CloudLabels map[string]float64 `json:"cloud_labels,omitempty"` // as the cloud saw
	Zones       []string           `json:"zones,omitempty"`
	Picture     string             `json:"picture"` // key in the bucket; reading it takes a right to
}

func newNotice(owner, key string, e *store.Labeled) Notice {
	return Notice{
		Owner: owner, Severity: e.Severity, EventID: e.EventID, Camera: e.Camera, State: string(e.State), StartedAt: e.StartedAt,
		Labels: e.Labels, CloudLabels: e.CloudLabels, Zones: e.Zones, Picture: key,
	}
}

// text of the message.
func (n Notice) text() (string, error) {
	raw, err := json.Marshal(n)
	return string(raw), err
}
