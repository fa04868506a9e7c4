// Package provision gives a device that has only a claim certificate, which
// many devices share, an identity of its own: fleet provisioning by claim over
// MQTT, https://docs.aws.amazon.com/iot/latest/developerguide/fleet-provision-api.html.
//
// The private key is made on the device and never leaves it. Every step is
// kept on disk before the next, so that a device which is switched off at any
// point goes on with the same key; the cloud knows it again by that key.
package provision

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"porchlight/internal/iot/devicekey"
)

// Errors of provisioning; match them with errors.Is. Only ErrConfig is ever
// returned by Ensure, the others are logged and tried again.
var (
	// ErrConfig: no number of tries will help before the configuration or the
	// files it names change.
	ErrConfig = errors.New("provisioning")
	// ErrNotAllowed: the cloud does not want this device, or not yet.
	ErrNotAllowed = errors.New("the device is not allowed")
)

// Config says how a device is provisioned. All but CA and Parameters are
// required.
type Config struct {
	Dir              string            // folder of the identity, which survives restarts; made if missing
	Endpoint         string            // host:port of MQTT over TLS
	CA               string            // PEM file; empty: the system's roots
	Template         string            // name of the provisioning template
	ClaimCertificate string            // PEM file
	ClaimKey         string            // PEM file
	Serial           string            // of the device, or the path of a file that holds it
	Parameters       map[string]string // for the template, beside SerialNumber
	Log              *slog.Logger

	pause func(context.Context, time.Duration) error // nil: really wait
}

// Identity is what a device is known by once it is provisioned.
type Identity struct {
	Thing               string
	Certificate         string            // path of a PEM file
	PrivateKey          string            // path of a PEM file
	DeviceConfiguration map[string]string // what the template tells its devices
}

// Ensure returns the device's identity: at once when there is one, else once
// the cloud has given it one and a connection with it has succeeded. It tries
// until ctx ends, however often it is refused.
func Ensure(ctx context.Context, cfg Config) (Identity, error) {
	p, err := open(cfg)
	if err != nil {
		return Identity{}, err
	}
	if p.saved != nil && p.saved.Connected {
		return p.identity(), nil
	}
	cfg.Log.Info("this device gets its identity", "serial", p.serial, "template", cfg.Template, "endpoint", cfg.Endpoint)
	for tries := newTries(); ; {
		err := p.advance(ctx)
		if err == nil {
			cfg.Log.Info("this device has its identity", "serial", p.serial, "thing", p.saved.Thing, "certificate", p.saved.CertificateID)
			return p.identity(), nil
		}
		if ctx.Err() != nil {
			return Identity{}, fmt.Errorf("provision %s: %w", p.serial, ctx.Err())
		}
		if errors.Is(err, ErrConfig) {
			return Identity{}, err
		}
		wait := tries.after(err)
		cfg.Log.Error("this device has no identity yet, will try again", "serial", p.serial, "error", err, "in", wait.Round(time.Second).String())
		if err := p.pause(ctx, wait); err != nil {
			return Identity{}, fmt.Errorf("provision %s: %w", p.serial, err)
		}
	}
}

// provisioner is the device on its way. What it holds is what is on disk.
type provisioner struct {
	cfg    Config
	serial string
	files  files
	key    *devicekey.Key
	saved  *savedIdentity // nil: not provisioned
	asked  *pending       // nil: no certificate is waiting to be provisioned
	pause  func(context.Context, time.Duration) error

	refusals int // of connections with the new certificate, in a row
}

func open(cfg Config) (*provisioner, error) {
	serial, err := cfg.check()
	if err != nil {
		return nil, err
	}
	p := &provisioner{cfg: cfg, serial: serial, files: files{cfg.Dir}, pause: cfg.pause}
	if p.pause == nil {
		p.pause = sleep
	}
	if p.key, err = p.files.loadKey(cfg.Log); err != nil {
		return nil, fmt.Errorf("%w: the device's key: %w", ErrConfig, err)
	}
	if p.saved, err = p.files.loadIdentity(p.key); err != nil {
		cfg.Log.Error("the identity kept on disk cannot be used, getting a new one with the same key", "folder", cfg.Dir, "error", err)
	}
	p.asked = p.files.loadPending(p.key)
	return p, nil
}

func (p *provisioner) identity() Identity {
	return Identity{
		Thing: p.saved.Thing, Certificate: p.files.certificate(), PrivateKey: p.files.key(),
		DeviceConfiguration: p.saved.DeviceConfiguration,
	}
}

// mostRefusals of a connection with the new certificate before another one is
// asked for. The first few are normal: policies take seconds to spread.
const mostRefusals = 8

// advance does what is missing, from wherever the device stopped.
func (p *provisioner) advance(ctx context.Context) error {
	if p.saved == nil {
		if err := p.claim(ctx); err != nil {
			return err
		}
	}
	err := p.connectOnce(ctx)
	switch {
	case err == nil:
		done := *p.saved
		done.Connected = true
		if err := p.files.saveIdentity(done); err != nil {
			return err
		}
		p.saved, p.refusals = &done, 0
		p.files.forgetPending()
		return nil
	case errors.Is(err, errConnectRefused):
		if p.refusals++; p.refusals < mostRefusals {
			break
		}
		p.cfg.Log.Error("the new certificate does not connect, asking for another", "thing", p.saved.Thing, "certificate", p.saved.CertificateID)
		p.saved, p.asked, p.refusals = nil, nil, 0
		p.files.forgetPending()
		if err := p.files.forgetIdentity(); err != nil {
			return err
		}
	}
	return err
}
