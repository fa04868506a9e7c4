package lan

import (
	"porchlight/internal/config"
	"porchlight/internal/event"
)

// rights are what a client may do.
type rights struct {
	publish   []string // patterns of topics
	subscribe []string
	foreign   []string // of both, those of other systems
	maxSubs   int
	maxPacket int64 // bytes
}

// ofEveryone are the rights where no users are named, which is on loopback alone.
func ofEveryone() *rights {
	all := []string{"#"}
	return &rights{publish: all, subscribe: all, maxSubs: maxSubs, maxPacket: maxFrame + packetRoom}
}

// ofUser returns the rights of a user of the broker of thing. prefix begins
// the discovery topics of Home Assistant.
func ofUser(thing, prefix, name string, u config.LANUser) *rights {
	r := &rights{foreign: u.Topics, maxSubs: maxSubs, maxPacket: maxForeign + packetRoom}
	if u.Role == config.RoleHomeAssistant {
		r.publish = []string{
			prefix + "/status", event.SensorSetTopic(thing, "+"), HomeAssistantTopic(thing, "+", "+") + "/set",
		}
		r.subscribe = []string{prefix + "/#", "porchlight/#"}
	} else {
		r.maxSubs, r.maxPacket = maxDeviceSubs, maxFrame+packetRoom
		r.publish = []string{framesLevel + name}
		sensors := u.Sensors
		if len(sensors) == 0 {
			sensors = []string{name}
		}
		for _, sensor := range sensors {
			r.publish = append(r.publish, event.SensorTopic(thing, sensor))
			r.subscribe = append(r.subscribe, event.SensorSetTopic(thing, sensor))
		}
	}
	r.publish = append(r.publish, u.Topics...)
	r.subscribe = append(r.subscribe, u.Topics...)
	return r
}

// HomeAssistantTopic is where the states are of what Home Assistant shows of a
// device: porchlight/v1/<thing>/homeassistant/<device>/<what>. With /set after
// it, Home Assistant says what it is to become.
func HomeAssistantTopic(thing, device, what string) string {
	return event.TopicPrefix + "/" + thing + "/homeassistant/" + device + "/" + what
}

func (r *rights) mayPublish(topic string) bool {
	return len(topic) <= maxTopic && coveredBy(r.publish, topic)
}

// mayHear is asked of filters and of topics.
func (r *rights) mayHear(filter string) bool {
	return len(filter) <= maxTopic && coveredBy(r.subscribe, filter)
}
