package onvif

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"sync"
	"time"

	"github.com/IOTechSystems/onvif/device"
)

// Config says how to reach one camera. Address and Log are required.
type Config struct {
	Address string // host, host:port or the URL of its device service, see ParseAddress
	User    string // empty: without sign-in
	// Password of the user. It is proven, not sent.
	Password string
	Timeout  time.Duration // of one request; 5 s when 0
	Log      *slog.Logger

	now func() time.Time // time.Now when nil
}

// Device is a camera that has answered. It is safe for concurrent use.
type Device struct {
	cfg       Config
	address   *url.URL // of the device service
	transport *transport
	clock     time.Duration
	info      Info
	services  services

	mu     sync.Mutex
	asked  map[string]time.Time // profile → when its last keyframe was asked for
	moving map[string]*move     //  profile → what stops a move that nobody stops
	stops  sync.WaitGroup
	closed bool
}

// Info is what a camera says it is.
type Info struct {
	Manufacturer string `json:"manufacturer,omitempty"`
	Model        string `json:"model,omitempty"`
	Firmware     string `json:"firmware,omitempty"`
	Serial       string `json:"serial,omitempty"`
}

// Connect finds out what a camera is and can do. It fails with ErrAddress,
// ErrUnreachable, ErrUnauthorized, ErrBroken or ErrRefused.
func Connect(ctx context.Context, cfg Config) (*Device, error) {
	if cfg.Timeout <= 0 {
		cfg.Timeout = 5 * time.Second
	}
	if cfg.now == nil {
		cfg.now = time.Now
	}
	candidates, err := ParseAddress(cfg.Address)
	if err != nil {
		return nil, err
	}
	if len(candidates) == 1 {
		return connect(ctx, cfg, candidates[0])
	}
	return connectAny(ctx, cfg, candidates)
}

// connectAny connects to the first of the usual ports that ONVIF is at.
func connectAny(ctx context.Context, cfg Config, candidates []*url.URL) (*Device, error) {
	open := listening(ctx, candidates, cfg.Timeout)
	if len(open) == 0 {
		open = candidates[:1] // which says what is wrong
	}
	var worst error
	for _, address := range open {
		d, err := connect(ctx, cfg, address)
		if err == nil {
			return d, nil
		}
		cfg.Log.Debug("no ONVIF service at this port", "address", address.Host, "error", err)
		// A web page may want a sign-in too, so this is not the end.
		if worst == nil || errors.Is(err, ErrUnauthorized) && !errors.Is(worst, ErrUnauthorized) {
			worst = err
		}
		if ctx.Err() != nil {
			return nil, err
		}
	}
	if errors.Is(worst, ErrUnreachable) || errors.Is(worst, ErrBroken) {
		return nil, fmt.Errorf("%w; give its ONVIF port, as host:port: none of the usual ones is it", worst)
	}
	return nil, worst
}

// listening returns the addresses that take connections, in order.
func listening(ctx context.Context, candidates []*url.URL, timeout time.Duration) (open []*url.URL) {
	takes := make([]bool, len(candidates))
	var trying sync.WaitGroup
	for i, c := range candidates {
		trying.Go(func() {
			conn, err := (&net.Dialer{Timeout: timeout}).DialContext(ctx, "tcp", c.Host)
			if takes[i] = err == nil; takes[i] {
				_ = conn.Close()
			}
		})
	}
	trying.Wait()
	for i, c := range candidates {
		if takes[i] {
			open = append(open, c)
		}
	}
	return open
}

func connect(ctx context.Context, cfg Config, address *url.URL) (*Device, error) {
	d := &Device{
		cfg: cfg, address: address, transport: newTransport(cfg.User, cfg.Password, cfg.Timeout),
		asked: map[string]time.Time{}, moving: map[string]*move{},
	}
	if err := d.greet(ctx); err != nil {
		d.transport.close()
		return nil, err
	}
	return d, nil
}

// greet learns the time, signs in and learns what services there are.
func (d *Device) greet(ctx context.Context) error {
	var err error
	if d.clock, err = d.readClock(ctx); err != nil {
		// A few want a sign-in even for this; any other fault is the address's.
		if !errors.Is(err, ErrUnauthorized) && !errors.Is(err, ErrRefused) && !errors.Is(err, ErrUnsupported) {
			return err
		}
	}
	d.transport.setClock(d.clock)
	err = d.readInfo(ctx)
	if errors.Is(err, ErrUnauthorized) && d.cfg.User != "" && d.clock.Abs() > 5*time.Second {
		// Some tell their local time as UTC, and go by UTC themselves.
		d.transport.setClock(0)
		if d.readInfo(ctx) == nil {
			err = nil
		} else {
			d.transport.setClock(d.clock)
			err = fmt.Errorf("%w; its clock is %s off, which some cameras do not sign anybody in with: set it, best to the network's time",
				err, d.clock.Abs().Round(time.Second))
		}
	}
	if err != nil {
		return err
	}
	return d.readServices(ctx)
}

func (d *Device) readInfo(ctx context.Context) error {
	var answer device.GetDeviceInformationResponse
	err := d.transport.call(ctx, request{
		service: d.address, message: device.GetDeviceInformation{}, want: "GetDeviceInformationResponse", answer: &answer,
	})
	if err != nil {
		return err
	}
	d.info = Info{clean(answer.Manufacturer), clean(answer.Model), clean(answer.FirmwareVersion), clean(answer.SerialNumber)}
	return nil
}

// Address is the URL of the camera's device service.
func (d *Device) Address() string { return d.address.String() }

// Info is what the camera says it is.
func (d *Device) Info() Info { return d.info }

// Clock is by how much the camera's clock is ahead of this machine's, to a
// second or so.
func (d *Device) Clock() time.Duration { return d.clock }

// Close stops what still moves, if Move has set it going, and ends the
// connection.
func (d *Device) Close() {
	d.mu.Lock()
	d.closed = true
	var left []*move
	for _, m := range d.moving {
		if m.timer.Stop() {
			left = append(left, m)
		}
	}
	clear(d.moving)
	d.mu.Unlock()
	for _, m := range left {
		m.halt()
	}
	d.stops.Wait()
	d.transport.close()
}
