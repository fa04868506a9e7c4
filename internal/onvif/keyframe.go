package onvif

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/IOTechSystems/onvif/media"
	schema "github.com/IOTechSystems/onvif/xsd/onvif"
)

// keyframeEvery is how often a camera is asked for a keyframe at most: each is
// large, and all viewers get it.
const keyframeEvery = time.Second

type setSynchronizationPoint2 struct {
	XMLName      struct{} `xml:"tr2:SetSynchronizationPoint"`
	ProfileToken string   `xml:"tr2:ProfileToken"`
}

// RequestKeyframe has the camera make a keyframe in the stream of a profile at
// once. When it was asked to less than a second ago, it is not asked again:
// that keyframe serves this caller too. It fails with ErrUnsupported when the
// camera cannot.
func (d *Device) RequestKeyframe(ctx context.Context, profile string) error {
	if !d.mayAsk(profile) {
		return nil
	}
	err := fmt.Errorf("%w: %s names no media service", ErrUnsupported, d.address.Host)
	if d.services.media != nil {
		err = d.transport.call(ctx, request{
			service: d.services.media, message: media.SetSynchronizationPoint{ProfileToken: schema.ReferenceToken(profile)},
			want: "SetSynchronizationPointResponse", once: true,
		})
	}
	if err != nil && d.services.media2 != nil && (errors.Is(err, ErrUnsupported) || errors.Is(err, ErrRefused)) {
		err = d.transport.call(ctx, request{
			service: d.services.media2, message: setSynchronizationPoint2{ProfileToken: profile},
			want: "SetSynchronizationPointResponse", once: true,
		})
	}
	if err != nil {
		return fmt.Errorf("request a keyframe: %w", err)
	}
	return nil
}

// mayAsk tells whether it is time to ask for another keyframe, and if so that
// this is done now.
func (d *Device) mayAsk(profile string) bool {
	now := d.cfg.now()
	d.mu.Lock()
	defer d.mu.Unlock()
	if last, ok := d.asked[profile]; ok && now.Sub(last) < keyframeEvery {
		return false
	}
	if len(d.asked) >= maxProfiles {
		clear(d.asked)
	}
	d.asked[profile] = now
	return true
}
