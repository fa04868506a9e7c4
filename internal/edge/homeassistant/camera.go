package homeassistant

import (
	"slices"
	"strings"

	"porchlight/internal/event"
)

// The states of a camera, last levels of their topics.
const (
	pictureTopic   = "picture"
	alertTopic     = "alert"
	stateTopic     = "state"
	messageTopic   = "message"
	privacyTopic   = "privacy"
	availableTopic = "available"
)

// other is the class of what is neither of a known one.
const other = "other"

// classes are what Home Assistant can be asked of a camera: is one there?
func classes() []string { return []string{"person", "vehicle", "animal"} }

// classOf returns the class of a detector's label, COCO's and VOC's.
func classOf(label string) string {
	switch label {
	case "person":
		return label
	case "bicycle", "car", "motorbike", "motorcycle", "bus", "truck":
		return "vehicle"
	case "bird", "cat", "dog", "horse", "sheep", "cow":
		return "animal"
	}
	return other
}

// camera is what was told of one.
type camera struct {
	id       string
	event    string // that is open; empty: none
	sequence int    // its last
	alerted  string // the last event that was told as an alert
	state    event.CameraState
}

func (h *Home) cameraID(name string) string { return deviceID(h.cfg.Thing, "camera", name) }

// SetCameras says which cameras there are, by name. Others are taken out of
// Home Assistant.
func (h *Home) SetCameras(names []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for name, c := range h.cameras {
		if !slices.Contains(names, name) {
			h.removeCamera(c)
			delete(h.cameras, name)
		}
	}
	for _, name := range names {
		if h.cameras[name] == nil {
			c := &camera{id: h.cameraID(name)}
			h.cameras[name] = c
			h.announceCamera(name, c)
			for _, class := range classes() {
				h.out.keep(h.cfg.Topic(c.id, class), []byte(off))
			}
			h.setState(c, event.CameraConnecting, "")
		}
	}
}

func (h *Home) announceCamera(camera string, c *camera) {
	topic := func(what string) string { return h.cfg.Topic(c.id, what) }
	components := map[string]component{
		pictureTopic: {
			Platform: "image", UniqueID: c.id + "_picture", Name: name("Last event"),
			ImageTopic: topic(pictureTopic), ContentType: "image/jpeg",
		},
		alertTopic: {
			Platform: "event", UniqueID: c.id + "_alert", Name: name("Alert"), Icon: "mdi:cctv",
			StateTopic: topic(alertTopic), EventTypes: append(classes(), other),
		},
		stateTopic: {
			Platform: "sensor", UniqueID: c.id + "_state", Name: name("State"), DeviceClass: "enum", EntityCategory: "diagnostic",
			StateTopic: topic(stateTopic), Attributes: topic(messageTopic), Options: states(),
		},
	}
	for _, class := range classes() {
		components[class] = component{
			Platform: "binary_sensor", UniqueID: c.id + "_" + class, Name: name(title(class)), DeviceClass: "occupancy",
			StateTopic: topic(class), PayloadOn: on, PayloadOff: off,
		}
	}
	if h.cfg.SetPrivacy != nil {
		components[privacyTopic] = component{
			Platform: "switch", UniqueID: c.id + "_privacy", Name: name("Privacy mode"), EntityCategory: "config", Icon: "mdi:eye-off",
			StateTopic: topic(privacyTopic), CommandTopic: topic(privacyTopic) + "/set", PayloadOn: on, PayloadOff: off,
		}
	}
	h.announce(c.id, announcement{
		Device:       device{Name: title(camera), Model: modelCamera, Serial: event.CameraID(h.cfg.Thing, camera), Via: h.gateway},
		Availability: h.availabilities(), Components: components,
	})
}

// removeCamera ends the retaining of all that a camera has.
func (h *Home) removeCamera(c *camera) {
	h.out.keep(h.configTopic(c.id), nil)
	for _, what := range append(classes(), pictureTopic, stateTopic, messageTopic, privacyTopic) {
		h.out.keep(h.cfg.Topic(c.id, what), nil)
	}
}

// of returns a camera of this thing that is there.
func (h *Home) of(id string) *camera {
	thing, name, err := event.SplitCamera(id)
	if err != nil || thing != h.cfg.Thing {
		return nil
	}
	return h.cameras[name]
}

func states() []string {
	return []string{
		string(event.CameraConnecting), string(event.CameraRunning), string(event.CameraFailed),
		string(event.CameraEnded), string(event.CameraPrivate),
	}
}

// commanded takes what Home Assistant wants of a camera.
func (h *Home) commanded(topic string, payload []byte) {
	want := strings.ToUpper(string(payload))
	if want != on && want != off {
		return
	}
	camera, c := h.commandedCamera(topic)
	if c == nil {
		return
	}
	if err := h.cfg.SetPrivacy(camera, want == on); err != nil {
		h.cfg.Log.Error("cannot set the privacy mode that Home Assistant asks for", "camera", camera, "on", want == on, "error", err)
		return
	}
	h.cfg.Log.Info("privacy mode set by Home Assistant", "camera", camera, "on", want == on)
}

func (h *Home) commandedCamera(topic string) (id string, c *camera) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for name, c := range h.cameras {
		if topic == h.cfg.Topic(c.id, privacyTopic)+"/set" {
			return event.CameraID(h.cfg.Thing, name), c
		}
	}
	return "", nil
}
