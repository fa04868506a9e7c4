package homeassistant

import (
	"context"
	"encoding/json"
	"log/slog"
	"sync"

	"porchlight/internal/event"
)

// Bus is the broker that Home Assistant is at. Subscribe returns when ctx ends
// and calls ready each time the subscription stands.
type Bus interface {
	Publisher
	Subscribe(ctx context.Context, filter string, handle func(topic string, payload []byte), ready func())
}

// Config of a Home. SetPrivacy may be nil: then there is no switch.
type Config struct {
	Thing   string
	Version string // of the software
	Prefix  string // of discovery topics
	Cameras []string
	// Topic returns where a state of a device is: what it is of that device. It
	// must be the same after every start.
	Topic func(device, what string) string
	// SetPrivacy turns the privacy mode of the camera <thing>.<name> on or off.
	SetPrivacy func(camera string, on bool) error
	Log        *slog.Logger
}

// Home tells Home Assistant. Its methods never wait and may be called at any
// time, from anywhere.
type Home struct {
	cfg     Config
	out     *outbox
	gateway string // id of the device that the others hang on

	mu      sync.Mutex
	cameras map[string]*camera          // by name
	sensors map[string]event.SensorKind // those announced
}

// New makes a Home and announces the cameras; Run sends it.
func New(cfg Config) *Home {
	h := &Home{
		cfg: cfg, out: newOutbox(cfg.Log), gateway: deviceID(cfg.Thing),
		cameras: map[string]*camera{}, sensors: map[string]event.SensorKind{},
	}
	h.out.keep(h.availabilityTopic(), []byte(online))
	h.announceGateway()
	h.SetCameras(cfg.Cameras)
	return h
}

// Will returns what must be retained once this device is gone.
func (h *Home) Will() (topic string, payload []byte) { return h.availabilityTopic(), []byte(offline) }

func (h *Home) availabilityTopic() string { return h.cfg.Topic(h.gateway, "availability") }

func (h *Home) configTopic(id string) string {
	return h.cfg.Prefix + "/" + deviceLevel + "/" + id + "/" + configLevel
}

// Run tells until ctx ends, then says that this device is offline.
func (h *Home) Run(ctx context.Context, bus Bus) {
	var running sync.WaitGroup
	running.Go(func() { h.out.run(ctx, bus) })
	running.Go(func() {
		// Announced anew when the broker comes back, which may have forgotten
		// all, and when Home Assistant does.
		bus.Subscribe(ctx, h.cfg.Prefix+"/status", func(_ string, payload []byte) {
			if string(payload) == online {
				h.out.again()
			}
		}, h.out.again)
	})
	running.Go(func() {
		bus.Subscribe(ctx, h.cfg.Prefix+"/"+deviceLevel+"/+/"+configLevel, h.found, nil)
	})
	if h.cfg.SetPrivacy != nil {
		running.Go(func() { bus.Subscribe(ctx, h.cfg.Topic("+", privacyTopic)+"/set", h.commanded, nil) })
	}
	<-ctx.Done()
	running.Wait()
	topic, payload := h.Will()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWord)
	defer cancel()
	if err := bus.Publish(ctx, topic, payload, true); err != nil {
		h.cfg.Log.Warn("cannot tell Home Assistant that this device goes offline", "error", err)
	}
}

// announce has a device with its entities retained.
func (h *Home) announce(id string, a announcement) {
	a.Origin = origin{Name: maker, Software: h.cfg.Version}
	if a.QoS = 1; len(a.Availability) > 0 {
		a.AvailabilityMode = "all"
	}
	a.Device.Identifiers, a.Device.Manufacturer, a.Device.Software = []string{id}, maker, h.cfg.Version
	payload, err := json.Marshal(a)
	if err != nil { // of texts only, so it cannot be
		h.cfg.Log.Error("cannot announce", "device", id, "error", err)
		return
	}
	h.out.keep(h.configTopic(id), payload)
}

// announceGateway announces the device that the others hang on, with an entity
// that says whether it is there.
func (h *Home) announceGateway() {
	h.announce(h.gateway, announcement{
		Device: device{Name: title(h.cfg.Thing), Model: modelGateway, Serial: h.cfg.Thing},
		Components: map[string]component{"online": {
			Platform: "binary_sensor", UniqueID: h.gateway + "_online", Name: name("Online"),
			DeviceClass: "connectivity", EntityCategory: "diagnostic",
			StateTopic: h.availabilityTopic(), PayloadOn: online, PayloadOff: offline,
		}},
	})
}

// found looks at a device that the broker holds. One of ours that is a camera
// which is not there any more, from before the last start perhaps, is removed.
func (h *Home) found(topic string, payload []byte) {
	var held struct {
		Device device `json:"device"`
		Origin origin `json:"origin"`
	}
	const most = 64 << 10
	if len(payload) == 0 || len(payload) > most || json.Unmarshal(payload, &held) != nil {
		return
	}
	thing, camera, err := event.SplitCamera(held.Device.Serial)
	if held.Origin.Name != maker || held.Device.Model != modelCamera || err != nil || thing != h.cfg.Thing {
		return
	}
	id := h.cameraID(camera)
	if topic != h.configTopic(id) {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.cameras[camera] == nil {
		h.cfg.Log.Info("camera is gone and taken out of Home Assistant", "camera", held.Device.Serial)
		h.out.keep(topic, nil)
	}
}

// availabilities are of what must be there for a device to be.
func (h *Home) availabilities(topics ...string) []availability {
	list := []availability{{h.availabilityTopic()}}
	for _, topic := range topics {
		list = append(list, availability{topic})
	}
	return list
}

func name(text string) *string { return &text }
