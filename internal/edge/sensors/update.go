package sensors

import (
	"context"
	"encoding/json"
	"time"

	"porchlight/internal/event"
)

// maxUpdate is the most bytes of an update.
const maxUpdate = 4 << 10

// publishTimeout is how long a bus may take to take an update.
const publishTimeout = 5 * time.Second

// update takes what IoT Core wants of a sensor to where the sensor hears it.
func (b *Bridge) update(ctx context.Context, topic string, payload []byte) {
	thing, name, err := event.SplitSensorSetTopic(topic)
	if err != nil || thing != b.cfg.Thing {
		return
	}
	var object map[string]json.RawMessage
	switch {
	case len(payload) > maxUpdate:
		b.cfg.Log.Warn("update of a sensor ignored: it is too large", "sensor", name, "bytes", len(payload), "limit", maxUpdate)
		return
	case json.Unmarshal(payload, &object) != nil || object == nil:
		b.cfg.Log.Warn("update of a sensor ignored: want a JSON object", "sensor", name)
		return
	case !b.mayUpdate():
		b.cfg.Log.Warn("update of a sensor ignored: there are too many in a short time", "sensor", name)
		return
	}
	for i, bus := range b.cfg.Buses {
		to := topic
		if other := b.cfg.Sensors[name].SetTopic; i == 0 && other != "" {
			to = other
		}
		ctx, cancel := context.WithTimeout(ctx, publishTimeout)
		if err := bus.Publish(ctx, to, payload); err != nil {
			b.cfg.Log.Warn("cannot hand on the update of a sensor", "sensor", name, "error", err)
		}
		cancel()
	}
}

func (b *Bridge) mayUpdate() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.updates.maySend(b.cfg.Now())
}
