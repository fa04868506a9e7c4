package homeassistant

import (
	"encoding/json"
	"slices"

	"porchlight/internal/event"
)

// maxPicture is the most bytes of a picture.
const maxPicture = 60 << 10

// Event tells of a state of an event. thumbnail is a JPEG, or nil: then the
// picture stays.
func (h *Home) Event(e event.Event, thumbnail []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	c := h.of(e.Camera)
	// Ids of events are ULIDs, so that an older event's is less.
	if c == nil || e.EventID < c.event || c.event == e.EventID && e.Sequence <= c.sequence {
		return
	}
	c.event, c.sequence = e.EventID, e.Sequence
	seen := map[string]bool{}
	if e.State != event.Ended {
		for label := range e.Labels {
			seen[classOf(label)] = true
		}
	}
	for _, class := range classes() {
		h.out.keep(h.cfg.Topic(c.id, class), onOff(seen[class]))
	}
	if len(thumbnail) > maxPicture {
		h.cfg.Log.Warn("picture is not shown in Home Assistant: it is too large", "camera", e.Camera, "bytes", len(thumbnail), "limit", maxPicture)
	} else if len(thumbnail) > 0 {
		h.out.keep(h.cfg.Topic(c.id, pictureTopic), thumbnail)
	}
	if e.Severity == event.Alert && c.alerted != e.EventID {
		c.alerted = e.EventID
		h.alert(c, e)
	}
}

// alert tells of an event once, when it has become an alert.
func (h *Home) alert(c *camera, e event.Event) {
	best, labels := "", []string{}
	for label, score := range e.Labels {
		labels = append(labels, label)
		if best == "" || score > e.Labels[best] || score == e.Labels[best] && label < best {
			best = label
		}
	}
	slices.Sort(labels)
	faces := []string{}
	for _, f := range e.Faces {
		if f.Name != "" {
			faces = append(faces, f.Name)
		}
	}
	payload, err := json.Marshal(struct {
		Type      string     `json:"event_type"`
		EventID   string     `json:"event_id"`
		Camera    string     `json:"camera"`
		StartedAt event.Time `json:"started_at"`
		Labels    []string   `json:"labels"`
		Zones     []string   `json:"zones"`
		Faces     []string   `json:"faces"`
		Score     float64    `json:"score"`
	}{classOf(best), e.EventID, e.Camera, e.StartedAt, labels, append([]string{}, e.Zones...), faces, e.Score})
	if err != nil {
		h.cfg.Log.Error("cannot tell Home Assistant of an alert", "camera", e.Camera, "error", err)
		return
	}
	h.out.pass(h.cfg.Topic(c.id, alertTopic), payload)
}

// Status tells how the cameras are.
func (h *Home) Status(s event.Status) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, status := range s.Cameras {
		if c := h.of(status.Camera); c != nil {
			h.setState(c, status.State, status.Message)
		}
	}
}

func (h *Home) setState(c *camera, state event.CameraState, message string) {
	if !slices.Contains(states(), string(state)) {
		return
	}
	c.state = state
	h.out.keep(h.cfg.Topic(c.id, stateTopic), []byte(state))
	if text, err := json.Marshal(map[string]string{"message": message}); err == nil {
		h.out.keep(h.cfg.Topic(c.id, messageTopic), text)
	}
	if h.cfg.SetPrivacy != nil {
		h.out.keep(h.cfg.Topic(c.id, privacyTopic), onOff(state == event.CameraPrivate))
	}
	if state == event.CameraPrivate { // nobody is seen any more
		for _, class := range classes() {
			h.out.keep(h.cfg.Topic(c.id, class), []byte(off))
		}
	}
}

func onOff(is bool) []byte {
	if is {
		return []byte(on)
	}
	return []byte(off)
}
