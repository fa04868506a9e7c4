// Package gateway joins the rest of the home to the component: the broker of
// the local network, the sensors that speak over it or over Greengrass' local
// pub/sub, and Home Assistant.
//
// A fault of any of them is said, and touches neither the cameras nor the
// cloud.
package gateway

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"porchlight/internal/config"
	"porchlight/internal/edge/homeassistant"
	"porchlight/internal/edge/lan"
	"porchlight/internal/edge/sensors"
	"porchlight/internal/event"
)

// Bus is MQTT on the local network.
type Bus interface {
	// Publish returns once the broker has the message; retain has it kept for
	// later subscribers.
	Publish(ctx context.Context, topic string, payload []byte, retain bool) error
	// Subscribe hands over the messages of a filter, one at a time, until ctx
	// ends. It calls ready, which may be nil, each time the subscription stands.
	Subscribe(ctx context.Context, filter string, handle func(topic string, payload []byte), ready func())
}

// network is a Bus that must be run.
type network interface {
	Bus
	Run(ctx context.Context) error
}

var (
	_ network = (*lan.Broker)(nil)
	_ network = (*lan.Client)(nil)
)

// Options of a gateway. Config, Put and Log are required.
type Options struct {
	Config  *config.Config // its parts lan, sensors, home_assistant, and the names of the cameras
	Version string
	// Put takes a message for IoT Core and returns once it is safe: the spool's.
	Put func(topic string, payload []byte) error
	// Cloud is the connection to IoT Core, for updates of sensors; nil: none.
	Cloud sensors.Subscriber
	// PubSub is Greengrass' local pub/sub; nil: none.
	PubSub sensors.Bus
	// SetPrivacy turns a camera's privacy mode on or off, by its id; nil: Home
	// Assistant may not.
	SetPrivacy func(camera string, on bool) error
	Log        *slog.Logger
	// OnListen is told the address of the own broker; nil: nobody is.
	OnListen func(address string)
}

// Gateway is all of it. Event, Status and SetCameras never wait.
type Gateway struct {
	log     *slog.Logger
	network network // nil: none
	sensors *sensors.Bridge
	home    *homeassistant.Home // nil: off
}

// New makes a gateway of what the configuration turns on, be it nothing.
func New(o Options) (*Gateway, error) {
	g := &Gateway{log: o.Log}
	if c := o.Config.HomeAssistant; c.Enabled {
		g.home = homeassistant.New(homeassistant.Config{
			Thing: o.Config.Thing, Version: o.Version, Prefix: c.Prefix, Cameras: names(o.Config.Cameras),
			Topic:      func(device, what string) string { return lan.HomeAssistantTopic(o.Config.Thing, device, what) },
			SetPrivacy: o.SetPrivacy, Log: o.Log,
		})
	}
	if err := g.openNetwork(o); err != nil {
		return nil, err
	}
	var buses []sensors.Bus
	if g.network != nil {
		buses = append(buses, passing{g.network})
	}
	if o.PubSub != nil {
		buses = append(buses, o.PubSub)
	}
	settings := sensors.Config{
		Thing: o.Config.Thing, Sensors: o.Config.Sensors, Buses: buses, Cloud: o.Cloud, Put: o.Put, Log: o.Log,
	}
	if g.home != nil {
		settings.OnSensor = g.home.Sensor
	}
	if g.sensors = sensors.New(settings); len(buses) == 0 && len(o.Config.Sensors) > 0 {
		o.Log.Warn("sensors are configured and cannot be heard: set lan.listen or lan.broker", "sensors", len(o.Config.Sensors))
	}
	return g, nil
}

func (g *Gateway) openNetwork(o Options) (err error) {
	switch settings := o.Config.LAN; {
	case settings.Listen != "":
		g.network, err = lan.NewBroker(lan.BrokerConfig{
			Thing: o.Config.Thing, LAN: settings, Prefix: o.Config.HomeAssistant.Prefix, Log: o.Log, OnListen: o.OnListen,
		})
	case settings.Broker != "":
		client := lan.ClientConfig{Thing: o.Config.Thing, LAN: settings, Log: o.Log}
		if g.home != nil {
			topic, payload := g.home.Will()
			client.Will = &lan.Will{Topic: topic, Payload: payload}
		}
		g.network, err = lan.NewClient(client)
	}
	return err
}

func names(cameras map[string]config.Camera) (list []string) {
	for name := range cameras {
		list = append(list, name)
	}
	slices.Sort(list)
	return list
}

// Run runs until ctx ends.
func (g *Gateway) Run(ctx context.Context) {
	// The network outlives the others, which have last words.
	online, hangUp := context.WithCancel(context.WithoutCancel(ctx))
	var carrying, running sync.WaitGroup
	running.Go(func() { g.sensors.Run(ctx) })
	if g.network != nil && g.home != nil {
		running.Go(func() { g.home.Run(ctx, g.network) })
	}
	if g.network != nil {
		carrying.Go(func() { g.carry(online) })
	}
	running.Wait()
	hangUp()
	carrying.Wait()
}

// carry runs the network, again after a fault such as a missing file.
func (g *Gateway) carry(ctx context.Context) {
	for wait := time.Second; ctx.Err() == nil; wait = min(2*wait, time.Minute) {
		err := g.network.Run(ctx)
		if ctx.Err() != nil {
			return
		}
		g.log.Error("the local network is off, will try again", "error", err, "in", wait.String())
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
	}
}

// LAN is MQTT on the local network, nil where there is none. Devices send
// pictures there on clients/<name>.
func (g *Gateway) LAN() Bus {
	if g.network == nil {
		return nil
	}
	return g.network
}

// Sensors returns how the sensors are, by name.
func (g *Gateway) Sensors() []sensors.Status { return g.sensors.Status() }

// Event tells Home Assistant of a state of an event. thumbnail is a JPEG, or
// nil.
func (g *Gateway) Event(e event.Event, thumbnail []byte) {
	if g.home != nil {
		g.home.Event(e, thumbnail)
	}
}

// Status tells Home Assistant how the cameras are.
func (g *Gateway) Status(s event.Status) {
	if g.home != nil {
		g.home.Status(s)
	}
}

// SetCameras tells Home Assistant which cameras there are, by name, after a
// change of the configuration.
func (g *Gateway) SetCameras(names []string) {
	if g.home != nil {
		g.home.SetCameras(names)
	}
}

// passing is a Bus on which nothing is retained.
type passing struct{ Bus }

// Publish implements sensors.Bus.
func (p passing) Publish(ctx context.Context, topic string, payload []byte) error {
	return p.Bus.Publish(ctx, topic, payload, false)
}
