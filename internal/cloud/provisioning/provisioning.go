// Package provisioning decides, as the pre-provisioning hook of the fleet
// template, which devices may become things:
// https://docs.aws.amazon.com/iot/latest/developerguide/pre-provisioning-hook.html.
//
// A device is allowed when the operator has allowed its serial. The first key
// that comes with a serial is the device's for good, so that knowing a serial
// and having a claim certificate, which a whole batch shares, is not enough to
// take a device's place.
package provisioning

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"porchlight/internal/cloud/store"
)

// Store keeps which serials are allowed and what became of them. Its errors
// are those of the package store.
type Store interface {
	BindDevice(ctx context.Context, serial, publicKey, certificateID string) (store.Device, error)
	ReserveThing(ctx context.Context, thing, serial, owner string) error
	Claim(ctx context.Context, thing, owner string) error
	RecordCertificate(ctx context.Context, certificateID, thing string) error
}

// Config of a Hook. All but Now are required.
type Config struct {
	Store Store
	// CredentialsEndpoint returns the host:port that devices get role
	// credentials from. A device can do without the answer, so an error of it
	// refuses nobody.
	CredentialsEndpoint func(context.Context) (string, error)
	Log                 *slog.Logger
	Now                 func() time.Time // nil is time.Now
}

// Hook is safe for concurrent use.
type Hook struct{ cfg Config }

// New returns a Hook.
func New(cfg Config) *Hook {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Hook{cfg}
}

// The parameters of the fleet template.
const (
	ParameterSerial              = "SerialNumber"        // from the device
	ParameterThing               = "ThingName"           // from the hook
	ParameterCredentialsEndpoint = "CredentialsEndpoint" // from the hook
)

// Answer to AWS IoT.
type Answer struct {
	Allow     bool              `json:"allowProvisioning"`
	Overrides map[string]string `json:"parameterOverrides,omitempty"`
}

// Handle decides on one request. It returns an error when it could not decide;
// AWS IoT then refuses the device, which tries again.
func (h *Hook) Handle(ctx context.Context, input json.RawMessage) (Answer, error) {
	r, err := parse(input)
	if err != nil {
		h.refused(ctx, r, "malformed", err)
		return Answer{}, nil
	}
	thing, err := h.admit(ctx, r)
	if reason := refusal(err); reason != "" {
		h.refused(ctx, r, reason, err)
		return Answer{}, nil
	}
	if err != nil {
		h.cfg.Log.ErrorContext(ctx, "cannot decide on a device", "serial", r.serial, "err", err)
		return Answer{}, fmt.Errorf("serial %s: %w", r.serial, err)
	}
	endpoint, err := h.cfg.CredentialsEndpoint(ctx)
	if err != nil {
		h.cfg.Log.WarnContext(ctx, "the device is not told where to get credentials, its own configuration must say so",
			"serial", r.serial, "err", err)
	}
	h.allowed(ctx, r, thing)
	return Answer{Allow: true, Overrides: map[string]string{ParameterThing: thing, ParameterCredentialsEndpoint: endpoint}}, nil
}

// admit writes down what a device becomes, and returns the thing. Each write
// is conditional and may be repeated, so a device that comes again after a
// failure half way completes what is missing.
func (h *Hook) admit(ctx context.Context, r request) (thing string, err error) {
	d, err := h.cfg.Store.BindDevice(ctx, r.serial, r.publicKey, r.certificateID)
	if err != nil {
		return "", err
	}
	if err := h.cfg.Store.ReserveThing(ctx, d.Thing, d.Serial, d.Owner); err != nil {
		return "", err
	}
	if d.Owner != "" {
		if err := h.cfg.Store.Claim(ctx, d.Thing, d.Owner); err != nil {
			return "", err
		}
	}
	return d.Thing, h.cfg.Store.RecordCertificate(ctx, r.certificateID, d.Thing)
}

// refusal names the reason for which a device is refused, "" for errors that
// are not about the device.
func refusal(err error) string {
	switch {
	case errors.Is(err, store.ErrNotFound):
		return "unknown serial"
	case errors.Is(err, store.ErrOtherKey):
		return "another key"
	case errors.Is(err, store.ErrNameTaken):
		return "name taken"
	case errors.Is(err, store.ErrClaimed):
		return "another owner"
	case errors.Is(err, store.ErrInvalid):
		return "malformed"
	}
	return ""
}
