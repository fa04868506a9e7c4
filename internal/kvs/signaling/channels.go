package signaling

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesisvideo"
	"github.com/aws/aws-sdk-go-v2/service/kinesisvideo/types"
	"github.com/aws/smithy-go"

	"porchlight/internal/backoff"
)

// Endpoints is where a client of a channel connects to.
type Endpoints struct {
	ARN   string
	WSS   string // wss:// or ws:// URL
	HTTPS string // base URL of GetIceServerConfig
}

// Directory knows where to connect to. Channels is one.
type Directory interface {
	// Endpoints returns those of a channel by its name. renew asks the service
	// again instead of remembering.
	Endpoints(ctx context.Context, channel string, role Role, renew bool) (Endpoints, error)
}

// ChannelsConfig says how channels are created that do not exist yet.
type ChannelsConfig struct {
	Client *kinesisvideo.Client
	Create bool          // on first use by a master; otherwise a missing channel is a fault
	TTL    time.Duration // that a message waits for its recipient, 5 s to 2 min; 0: 1 min
	Tags   map[string]string
}

// Channels is the control plane: it creates channels on first use and
// remembers their endpoints. It may be used from any goroutine, by many clients.
type Channels struct {
	cfg ChannelsConfig

	mu    sync.Mutex
	known map[string]Endpoints // by role and channel
}

var _ Directory = (*Channels)(nil)

// NewChannels returns a control plane that has asked nothing yet.
func NewChannels(cfg ChannelsConfig) *Channels {
	return &Channels{cfg: cfg, known: make(map[string]Endpoints)}
}

// Endpoints implements Directory. It fails with ErrChannel when a person has
// to help.
func (c *Channels) Endpoints(ctx context.Context, channel string, role Role, renew bool) (Endpoints, error) {
	key := string(role) + " " + channel
	c.mu.Lock()
	known, ok := c.known[key]
	c.mu.Unlock()
	if ok && !renew {
		return known, nil
	}
	found, err := c.ask(ctx, channel, role)
	if err != nil {
		return Endpoints{}, explain(channel, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.known[key] = found
	return found, nil
}

func (c *Channels) ask(ctx context.Context, channel string, role Role) (Endpoints, error) {
	arn, err := c.arn(ctx, channel, role)
	if err != nil {
		return Endpoints{}, err
	}
	out, err := c.cfg.Client.GetSignalingChannelEndpoint(ctx, &kinesisvideo.GetSignalingChannelEndpointInput{
		ChannelARN: &arn,
		SingleMasterChannelEndpointConfiguration: &types.SingleMasterChannelEndpointConfiguration{
			Protocols: []types.ChannelProtocol{types.ChannelProtocolWss, types.ChannelProtocolHttps}, Role: types.ChannelRole(role),
		},
	})
	if err != nil {
		return Endpoints{}, err
	}
	found := Endpoints{ARN: arn}
	for _, e := range out.ResourceEndpointList {
		switch e.Protocol {
		case types.ChannelProtocolWss:
			found.WSS = aws.ToString(e.ResourceEndpoint)
		case types.ChannelProtocolHttps:
			found.HTTPS = aws.ToString(e.ResourceEndpoint)
		}
	}
	if found.WSS == "" || found.HTTPS == "" {
		return Endpoints{}, errors.New("the service named no endpoint")
	}
	return found, nil
}

// arn finds a channel by its name and makes it if need be.
func (c *Channels) arn(ctx context.Context, channel string, role Role) (string, error) {
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, 2*time.Second) {
		out, err := c.cfg.Client.DescribeSignalingChannel(ctx, &kinesisvideo.DescribeSignalingChannelInput{ChannelName: &channel})
		var missing *types.ResourceNotFoundException
		switch {
		case errors.As(err, &missing) && c.cfg.Create && role == Master:
			if err := c.create(ctx, channel); err != nil {
				return "", err
			}
		case err != nil:
			return "", err
		case out.ChannelInfo != nil && out.ChannelInfo.ChannelStatus == types.StatusActive:
			return aws.ToString(out.ChannelInfo.ChannelARN), nil
		}
		if backoff.Pause(ctx, wait); ctx.Err() != nil {
			return "", ctx.Err()
		}
	}
}

func (c *Channels) create(ctx context.Context, channel string) error {
	in := &kinesisvideo.CreateSignalingChannelInput{ChannelName: &channel, ChannelType: types.ChannelTypeSingleMaster}
	if c.cfg.TTL > 0 {
		in.SingleMasterConfiguration = &types.SingleMasterConfiguration{MessageTtlSeconds: aws.Int32(int32(c.cfg.TTL / time.Second))}
	}
	for k, v := range c.cfg.Tags {
		in.Tags = append(in.Tags, types.Tag{Key: &k, Value: &v})
	}
	var exists *types.ResourceInUseException
	if _, err := c.cfg.Client.CreateSignalingChannel(ctx, in); err != nil && !errors.As(err, &exists) {
		return err
	}
	return nil
}

// explain tells faults of the network, which pass, from those that do not.
func explain(channel string, err error) error {
	var api smithy.APIError
	if errors.As(err, &api) {
		switch api.ErrorCode() {
		case "AccessDeniedException", "NotAuthorizedException", "InvalidArgumentException", "AccountChannelLimitExceededException",
			"ResourceNotFoundException", "TagsPerResourceExceededLimitException":
			return fmt.Errorf("%w: %s: %w: check that it exists, the role's permissions on it and the account's limits", ErrChannel, channel, err)
		}
	}
	return fmt.Errorf("%w: asking for the endpoints of channel %s: %w", ErrConnection, channel, err)
}
