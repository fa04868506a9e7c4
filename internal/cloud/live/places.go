package live

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesisvideo"
	"github.com/aws/aws-sdk-go-v2/service/kinesisvideo/types"
)

const (
	// placeLife is short for an address that hardly ever changes: viewers for
	// whom it is wrong tell nobody.
	placeLife  = 10 * time.Minute
	mostPlaces = 1000
)

// place is a channel and where it is served.
type place struct {
	arn   string
	wss   string // wss: or ws: URL for viewers
	https string // base URL of GetIceServerConfig
	until time.Time
}

// places remembers where channels are.
type places struct {
	channels Channels
	now      func() time.Time

	mu    sync.Mutex
	known map[string]place // by the channel's name
}

func newPlaces(channels Channels, now func() time.Time) *places {
	return &places{channels: channels, now: now, known: map[string]place{}}
}

// get returns a channel's place and whether it was remembered.
func (p *places) get(ctx context.Context, channel string) (at place, remembered bool, err error) {
	p.mu.Lock()
	at = p.known[channel]
	p.mu.Unlock()
	if p.now().Before(at.until) {
		return at, true, nil
	}
	if at, err = p.find(ctx, channel); err != nil {
		return place{}, false, err
	}
	at.until = p.now().Add(placeLife)
	p.mu.Lock()
	defer p.mu.Unlock()
	for other := range p.known { // any will do: it is asked for again when it is needed
		if len(p.known) < mostPlaces {
			break
		}
		delete(p.known, other)
	}
	p.known[channel] = at
	return at, false, nil
}

func (p *places) forget(channel string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.known, channel)
}

// find asks the service.
func (p *places) find(ctx context.Context, channel string) (at place, err error) {
	described, err := p.channels.DescribeSignalingChannel(ctx, &kinesisvideo.DescribeSignalingChannelInput{ChannelName: &channel})
	if err != nil {
		return at, fmt.Errorf("describe channel %s: %w", channel, err)
	}
	info := described.ChannelInfo
	if info == nil || info.ChannelStatus != types.StatusActive && info.ChannelStatus != types.StatusUpdating {
		return at, fmt.Errorf("%w: channel %s is not active", ErrNoChannel, channel)
	}
	at.arn = aws.ToString(info.ChannelARN)
	out, err := p.channels.GetSignalingChannelEndpoint(ctx, &kinesisvideo.GetSignalingChannelEndpointInput{
		ChannelARN: &at.arn,
		SingleMasterChannelEndpointConfiguration: &types.SingleMasterChannelEndpointConfiguration{
			Protocols: []types.ChannelProtocol{types.ChannelProtocolWss, types.ChannelProtocolHttps}, Role: types.ChannelRoleViewer,
		},
	})
	if err != nil {
		return at, fmt.Errorf("endpoints of channel %s: %w", channel, err)
	}
	for _, e := range out.ResourceEndpointList {
		switch e.Protocol {
		case types.ChannelProtocolWss:
			at.wss = aws.ToString(e.ResourceEndpoint)
		case types.ChannelProtocolHttps:
			at.https = aws.ToString(e.ResourceEndpoint)
		}
	}
	if at.arn == "" || at.wss == "" || at.https == "" {
		return at, errors.Join(errAnswer, fmt.Errorf("channel %s has no endpoint", channel))
	}
	return at, nil
}
