package sensors

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"porchlight/internal/config"
	"porchlight/internal/event"
)

// Subscriber hands over the messages of a filter, one at a time, until ctx
// ends; it may return before. It calls ready, which may be nil, each time the
// subscription stands.
type Subscriber interface {
	Subscribe(ctx context.Context, filter string, handle func(topic string, payload []byte), ready func())
}

// Bus is where devices speak and hear.
type Bus interface {
	Subscriber
	Publish(ctx context.Context, topic string, payload []byte) error
}

// Config of a Bridge. Cloud and OnSensor may be nil.
type Config struct {
	Thing   string
	Sensors map[string]config.Sensor // by name
	// Buses on which sensors speak in Porchlight's form. Topics of the
	// configuration are those of the first.
	Buses []Bus
	Cloud Subscriber // to IoT Core, for updates back
	// Put takes a message for IoT Core and returns once it is safe.
	Put func(topic string, payload []byte) error
	// OnSensor is told of each state of each sensor, in order. It must not block.
	OnSensor func(event.Sensor)
	Log      *slog.Logger
	Now      func() time.Time // nil is time.Now
}

// Status of a sensor.
type Status struct {
	event.Sensor
	LastSeen  time.Time // zero: not since the start
	Available bool
}

// Bridge takes sensors' messages to the cloud and updates back.
type Bridge struct {
	cfg      Config
	mappings map[string][]mapping // by topic
	online   map[string][]string  // names of sensors by availability topic

	mu       sync.Mutex
	sensors  map[string]*sensor
	updates  sensor    // its tokens bound all updates
	lastFull time.Time // when it was last said that there are too many
}

// New makes a bridge.
func New(cfg Config) *Bridge {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	b := &Bridge{cfg: cfg, mappings: map[string][]mapping{}, online: map[string][]string{}, sensors: map[string]*sensor{}}
	for name, s := range cfg.Sensors {
		topic := s.Topic
		if topic == "" {
			topic = event.SensorTopic(cfg.Thing, name)
		}
		b.mappings[topic] = append(b.mappings[topic], newMapping(name, s))
		if s.Availability != "" {
			b.online[s.Availability] = append(b.online[s.Availability], name)
		}
		b.sensors[name] = b.fresh(name, event.SensorKind(s.Kind), s.Timeout)
	}
	b.updates = sensor{tokens: atOnce, refilled: cfg.Now()}
	return b
}

func (b *Bridge) fresh(name string, kind event.SensorKind, timeout time.Duration) *sensor {
	now := b.cfg.Now()
	return &sensor{last: event.Sensor{Name: name, Kind: kind}, timeout: timeout, seen: now, tokens: atOnce, refilled: now}
}

// Run takes messages until ctx ends.
func (b *Bridge) Run(ctx context.Context) {
	var running sync.WaitGroup
	subscribe := func(s Subscriber, filter string, handle func(topic string, payload []byte)) {
		running.Go(func() { s.Subscribe(ctx, filter, handle, nil) })
	}
	for i, bus := range b.cfg.Buses {
		subscribe(bus, event.SensorTopic(b.cfg.Thing, "+"), b.spoke)
		if i > 0 {
			continue
		}
		for topic := range b.mappings {
			if thing, _, err := event.SplitSensorTopic(topic); err != nil || thing != b.cfg.Thing {
				subscribe(bus, topic, b.mapped)
			}
		}
		for topic := range b.online {
			subscribe(bus, topic, b.available)
		}
	}
	if b.cfg.Cloud != nil && len(b.cfg.Buses) > 0 {
		subscribe(b.cfg.Cloud, event.SensorSetTopic(b.cfg.Thing, "+"), func(topic string, payload []byte) { b.update(ctx, topic, payload) })
	}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-tick.C:
			b.tick()
		}
	}
	running.Wait()
	b.flush()
}

// spoke takes a message on a sensor's own topic.
func (b *Bridge) spoke(topic string, payload []byte) {
	if len(b.mappings[topic]) > 0 {
		b.mapped(topic, payload)
		return
	}
	thing, name, err := event.SplitSensorTopic(topic)
	if err != nil || thing != b.cfg.Thing {
		return
	}
	if _, configured := b.cfg.Sensors[name]; configured {
		return // it speaks elsewhere: two voices for one sensor would quarrel
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.cfg.Now()
	s, err := readOwn(name, payload)
	if err != nil {
		b.complain(name, now, err)
		return
	}
	b.take(now, name, s.Kind, s.State, s.At.Time)
}

// readOwn reads Porchlight's own form. A zero time means that none was given.
func readOwn(name string, payload []byte) (*event.Sensor, error) {
	if len(payload) > maxMessage {
		return nil, ErrMessage
	}
	none := time.Date(1, 1, 1, 0, 0, 0, int(time.Millisecond), time.UTC)
	s, err := event.ParseSensor(name, payload, none)
	if err == nil && s.At.Equal(none) {
		s.At = event.Time{}
	}
	return s, err
}

// mapped takes a message on a topic of the configuration.
func (b *Bridge) mapped(topic string, payload []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.cfg.Now()
	for _, m := range b.mappings[topic] {
		state, at, err := m.read(payload)
		switch {
		case errors.Is(err, errSilent):
			b.sensors[m.name].seen = now
		case err != nil:
			b.complain(m.name, now, err)
		default:
			b.take(now, m.name, m.kind, state, at)
		}
	}
}

// available takes a message on an availability topic.
func (b *Bridge) available(topic string, payload []byte) {
	is, ok := online(payload)
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.cfg.Now()
	for _, name := range b.online[topic] {
		s := b.sensors[name]
		switch {
		case !ok:
			b.complain(name, now, errors.New("its availability is neither online nor offline"))
		case !is:
			b.take(now, name, s.last.Kind, event.SensorUnavailable, time.Time{})
		case s.last.State == event.SensorUnavailable && s.before.State != "":
			b.take(now, name, s.before.Kind, s.before.State, time.Time{})
		}
	}
}

// take takes in what a sensor says. The lock is held.
func (b *Bridge) take(now time.Time, name string, kind event.SensorKind, state string, at time.Time) {
	s := b.sensors[name]
	if s == nil {
		if len(b.sensors) >= maxSensors {
			if now.Sub(b.lastFull) > complain {
				b.lastFull = now
				b.cfg.Log.Warn("sensor ignored: there are too many", "sensor", name, "limit", maxSensors)
			}
			return
		}
		s = b.fresh(name, kind, 0)
		b.sensors[name] = s
	}
	s.seen = now
	if !s.said(now, kind, state, at) {
		return
	}
	if b.cfg.OnSensor != nil {
		b.cfg.OnSensor(s.last)
	}
	b.send(now, s)
}

// send puts a sensor's last state into the spool as soon as its rate allows.
// The lock is held, so that states keep their order.
func (b *Bridge) send(now time.Time, s *sensor) {
	if !s.waiting || !s.maySend(now) {
		return
	}
	b.put(now, s)
}

func (b *Bridge) put(now time.Time, s *sensor) {
	payload, err := s.last.Marshal()
	if err == nil {
		err = b.cfg.Put(event.SensorTopic(b.cfg.Thing, s.last.Name), payload)
	}
	s.waiting, s.sent = false, now
	if err != nil {
		b.cfg.Log.Error("sensor's message is not on disk", "sensor", s.last.Name, "error", err)
		return
	}
	b.cfg.Log.Debug("sensor", "sensor", s.last.Name, "kind", s.last.Kind, "state", s.last.State)
}

// tick sends what had to wait and notices who fell silent.
func (b *Bridge) tick() {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.cfg.Now()
	for _, s := range b.sensors {
		if s.silent(now) {
			seen := s.seen
			b.take(now, s.last.Name, s.last.Kind, event.SensorUnavailable, time.Time{})
			s.seen = seen // it said nothing
		}
		b.send(now, s)
	}
}

// flush sends what still waits for its rate, at the end.
func (b *Bridge) flush() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, s := range b.sensors {
		if s.waiting {
			b.put(b.cfg.Now(), s)
		}
	}
}

// complain says what is wrong with a sensor's messages, now and then.
func (b *Bridge) complain(name string, now time.Time, err error) {
	last := &b.lastFull
	if s := b.sensors[name]; s != nil {
		last = &s.complains
	}
	if now.Sub(*last) > complain {
		*last = now
		b.cfg.Log.Warn("sensor's message ignored", "sensor", name, "error", err)
	}
}

// Status returns all sensors, by name.
func (b *Bridge) Status() []Status {
	b.mu.Lock()
	defer b.mu.Unlock()
	var list []Status
	for _, s := range b.sensors {
		st := Status{Sensor: s.last, Available: s.last.State != "" && s.last.State != event.SensorUnavailable}
		if s.last.State != "" {
			st.LastSeen = s.seen
		}
		list = append(list, st)
	}
	slices.SortFunc(list, func(x, y Status) int { return strings.Compare(x.Name, y.Name) })
	return list
}
