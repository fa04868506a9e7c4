package onvif

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/IOTechSystems/onvif/device"
	"github.com/IOTechSystems/onvif/media"
)

// Description is all that is known of a camera.
type Description struct {
	Address  string `json:"address"` // of its device service
	Name     string `json:"name,omitempty"`
	Location string `json:"location,omitempty"`
	Info
	ClockAhead  float64   `json:"clock_ahead_s"` // of this machine's
	PTZ         bool      `json:"ptz"`
	Backchannel bool      `json:"backchannel"` // it can be talked to
	Events      bool      `json:"events"`      // it tells of events itself
	Profiles    []Profile `json:"profiles"`
}

// Describe asks the camera for all of its description.
func (d *Device) Describe(ctx context.Context) (*Description, error) {
	profiles, err := d.Profiles(ctx)
	if err != nil {
		return nil, err
	}
	s := &Description{
		Address: d.Address(), Info: d.info, ClockAhead: d.clock.Round(time.Second).Seconds(), Events: d.services.events != nil, Profiles: profiles,
		PTZ:         d.services.ptz != nil && slices.ContainsFunc(profiles, func(p Profile) bool { return p.PTZ }),
		Backchannel: slices.ContainsFunc(profiles, func(p Profile) bool { return p.Backchannel }) || d.audioOutputs(ctx),
	}
	labels := d.scopes(ctx)
	s.Name, s.Location = labels.name, labels.location
	return s, nil
}

// audioOutputs tells whether the camera has a loudspeaker. That it does not
// say so is a no.
func (d *Device) audioOutputs(ctx context.Context) bool {
	if d.services.media == nil {
		return false
	}
	var answer struct {
		AudioOutputs []struct {
			Token string `xml:"token,attr"`
		}
	}
	err := d.transport.call(ctx, request{
		service: d.services.media, message: media.GetAudioOutputs{}, want: "GetAudioOutputsResponse", answer: &answer,
	})
	return err == nil && len(answer.AudioOutputs) > 0
}

// scopes asks what the camera is called. Without an answer it has no name.
func (d *Device) scopes(ctx context.Context) labels {
	var answer struct {
		Scopes []struct{ ScopeItem string }
	}
	err := d.transport.call(ctx, request{
		service: d.address, message: device.GetScopes{}, want: "GetScopesResponse", answer: &answer,
	})
	if err != nil {
		d.cfg.Log.Debug("camera does not say its name", "camera", d.address.Host, "error", err)
	}
	var items []string
	for _, s := range answer.Scopes {
		items = append(items, s.ScopeItem)
	}
	return readScopes(items)
}

// labels are what a camera's scopes say of it.
type labels struct{ name, location, hardware string }

// readScopes reads scopes: onvif://www.onvif.org/name/Front%20door. ONVIF Core
// specification, 7.3.2.2.
func readScopes(items []string) (l labels) {
	for _, item := range items {
		rest, ok := strings.CutPrefix(strings.TrimSpace(item), "onvif://www.onvif.org/")
		if !ok || len(item) > maxAddress {
			continue
		}
		kind, value, _ := strings.Cut(rest, "/")
		if value = unescape(value); value == "" {
			continue
		}
		switch strings.ToLower(kind) {
		case "name":
			l.name = value
		case "hardware":
			l.hardware = value
		case "location":
			// location/city/Bern says more than location/country/…, and the last part most.
			if parts := strings.Split(value, "/"); !strings.EqualFold(parts[0], "country") {
				l.location = parts[len(parts)-1]
			}
		}
	}
	return l
}
