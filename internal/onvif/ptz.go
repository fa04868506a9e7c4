package onvif

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/IOTechSystems/onvif/ptz"
	schema "github.com/IOTechSystems/onvif/xsd/onvif"
)

// Velocity says where to and how fast a camera turns, each from -1 to 1 of the
// most it can: pan to the right, tilt up, zoom in.
type Velocity struct {
	Pan, Tilt, Zoom float64
}

// Bounds of how long one move goes on.
const (
	minMove = 100 * time.Millisecond
	maxMove = 10 * time.Second
)

// stopLate is how much later than the camera should have stopped by itself it
// is told to.
const stopLate = 500 * time.Millisecond

// continuousMove is written out: the library's message leaves out a speed of
// 0, which the schema wants.
type continuousMove struct {
	XMLName      struct{}  `xml:"tptz:ContinuousMove"`
	ProfileToken string    `xml:"tptz:ProfileToken"`
	PanTilt      *velocity `xml:"tptz:Velocity>onvif:PanTilt"`
	Zoom         *velocity `xml:"tptz:Velocity>onvif:Zoom"`
	Timeout      string    `xml:"tptz:Timeout"`
}

type velocity struct {
	X string `xml:"x,attr"`
	Y string `xml:"y,attr,omitempty"`
}

// Move sets the camera going, for d at most (100 ms to 10 s): whoever wants
// more moves it again before. So a stop that is lost costs little; the camera
// is told d, and cameras that do not heed it are stopped from here. A velocity
// of 0 is Stop.
func (d *Device) Move(ctx context.Context, profile string, v Velocity, most time.Duration) error {
	if v == (Velocity{}) {
		return d.Stop(ctx, profile)
	}
	if d.services.ptz == nil {
		return fmt.Errorf("move: %w: %s names no PTZ service", ErrUnsupported, d.address.Host)
	}
	most = min(max(most, minMove), maxMove)
	message := continuousMove{ProfileToken: profile, Timeout: "PT" + strconv.FormatFloat(most.Seconds(), 'f', -1, 64) + "S"}
	if v.Pan != 0 || v.Tilt != 0 {
		message.PanTilt = &velocity{speed(v.Pan), speed(v.Tilt)}
	}
	if v.Zoom != 0 {
		message.Zoom = &velocity{X: speed(v.Zoom)}
	}
	if !d.watch(ctx, profile, most+stopLate) {
		return fmt.Errorf("move: %w: the connection to %s is closed", ErrUnreachable, d.address.Host)
	}
	err := d.transport.call(ctx, request{service: d.services.ptz, message: message, want: "ContinuousMoveResponse", once: true})
	d.watch(ctx, profile, most+stopLate) // a stop may have come between, and the move after it
	if err != nil {
		return fmt.Errorf("move: %w", err)
	}
	return nil
}

// speed writes a speed as decimals, within bounds; what is no number is 0.
func speed(v float64) string {
	if math.IsNaN(v) {
		v = 0
	}
	return strconv.FormatFloat(min(max(v, -1), 1), 'f', 3, 64)
}

// Stop ends all movement.
func (d *Device) Stop(ctx context.Context, profile string) error {
	if d.services.ptz == nil {
		return fmt.Errorf("stop: %w: %s names no PTZ service", ErrUnsupported, d.address.Host)
	}
	err := d.transport.call(ctx, request{
		service: d.services.ptz, want: "StopResponse",
		message: ptz.Stop{ProfileToken: schema.ReferenceToken(profile), PanTilt: true, Zoom: true},
	})
	if err != nil {
		return fmt.Errorf("stop: %w", err) // and the watch goes on
	}
	d.unwatch(profile)
	return nil
}

// move is one that is to be stopped from here.
type move struct {
	timer *time.Timer
	halt  func()
}

// watch stops the camera after a while unless it is stopped or moved again
// before. It returns false when the device is closed.
func (d *Device) watch(ctx context.Context, profile string, after time.Duration) bool {
	ctx = context.WithoutCancel(ctx) // whoever moved it may be gone by then
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return false
	}
	d.forget(profile)
	d.stops.Add(1)
	m := &move{}
	m.halt = func() {
		defer d.stops.Done()
		d.halt(ctx, profile)
	}
	m.timer = time.AfterFunc(after, func() {
		d.mu.Lock()
		if d.moving[profile] == m {
			delete(d.moving, profile)
		}
		d.mu.Unlock()
		m.halt()
	})
	d.moving[profile] = m
	return true
}

func (d *Device) unwatch(profile string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.forget(profile)
}

// forget ends a watch. mu is held.
func (d *Device) forget(profile string) {
	if m := d.moving[profile]; m != nil && m.timer.Stop() {
		d.stops.Done()
	}
	delete(d.moving, profile)
}

// halt stops a camera that nobody else has stopped.
func (d *Device) halt(ctx context.Context, profile string) {
	ctx, cancel := context.WithTimeout(ctx, attempts*d.cfg.Timeout)
	defer cancel()
	if err := d.Stop(ctx, profile); err != nil {
		d.cfg.Log.Warn("camera may still move: it could not be stopped", "camera", d.address.Host, "error", err)
	}
}
