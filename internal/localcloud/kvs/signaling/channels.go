package signaling

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"porchlight/internal/localcloud/kvs/wire"
)

const (
	singleMaster = "SINGLE_MASTER"
	minTTL       = 5 // seconds
	maxTTL       = 120
	defaultTTL   = 60
)

// none is an empty answer.
type none struct{}

type ttl struct{ MessageTtlSeconds int } //nolint:revive // the name in the API

func (t *ttl) seconds() (int, error) {
	if t == nil || t.MessageTtlSeconds == 0 {
		return defaultTTL, nil
	}
	if t.MessageTtlSeconds < minTTL || t.MessageTtlSeconds > maxTTL {
		return 0, wire.Invalid("MessageTtlSeconds is %d: want %d to %d", t.MessageTtlSeconds, minTTL, maxTTL)
	}
	return t.MessageTtlSeconds, nil
}

// ref names a channel in a request.
type ref struct{ ChannelName, ChannelARN string }

// find returns the channel a request names, by either or both.
func (s *Service) find(r ref) (channel, error) {
	name := r.ChannelARN
	if name == "" {
		name = r.ChannelName
	}
	if name == "" {
		return channel{}, wire.Invalid("name the signaling channel with ChannelName or ChannelARN")
	}
	c, err := s.store.find(name)
	if err == nil && r.ChannelName != "" && r.ChannelName != c.Name {
		return c, wire.Invalid("ChannelName and ChannelARN name two signaling channels: send one of them")
	}
	return c, explain(err)
}

// info is how the APIs describe a channel.
type info struct {
	ChannelName, ChannelARN    string
	ChannelType, ChannelStatus string
	CreationTime               wire.Time
	SingleMasterConfiguration  ttl
	Version                    string
}

func (c channel) info() info {
	return info{c.Name, c.ARN, singleMaster, "ACTIVE", wire.Time{Time: c.Created}, ttl{c.TTL}, c.Version}
}

type tag struct{ Key, Value string }

type createRequest struct {
	ChannelName, ChannelType  string
	SingleMasterConfiguration *ttl
	Tags                      []tag
}

type arnAnswer struct{ ChannelARN string }

func (s *Service) create(_ *http.Request, in createRequest) (arnAnswer, error) {
	c, err := in.channel()
	if err != nil {
		return arnAnswer{}, err
	}
	c.Created = s.cfg.Now().UTC().Truncate(time.Millisecond)
	c.ARN = s.arn(c.Name, strconv.FormatInt(c.Created.UnixMilli(), 10))
	return arnAnswer{c.ARN}, explain(s.store.create(c))
}

// channel checks what a channel is to be like.
func (in createRequest) channel() (c channel, err error) {
	c = channel{Name: in.ChannelName, Tags: map[string]string{}}
	if !idPattern.MatchString(in.ChannelName) {
		return c, wire.Invalid("the channel name %q must have 1 to 256 letters, digits, dots, dashes and underscores", in.ChannelName)
	}
	if in.ChannelType != "" && in.ChannelType != singleMaster {
		return c, wire.Invalid("ChannelType is %q: only %s is served on one machine", in.ChannelType, singleMaster)
	}
	for _, t := range in.Tags {
		c.Tags[t.Key] = t.Value
	}
	if c.TTL, err = in.SingleMasterConfiguration.seconds(); err != nil {
		return c, err
	}
	return c, checkTags(c.Tags)
}

type describeAnswer struct{ ChannelInfo info }

func (s *Service) describe(_ *http.Request, in ref) (describeAnswer, error) {
	c, err := s.find(in)
	return describeAnswer{c.info()}, err
}

type updateRequest struct {
	ChannelARN, CurrentVersion string
	SingleMasterConfiguration  *ttl
}

func (s *Service) update(_ *http.Request, in updateRequest) (none, error) {
	if in.ChannelARN == "" || in.CurrentVersion == "" {
		return none{}, wire.Invalid("ChannelARN or CurrentVersion is missing: describe the signaling channel and send its version")
	}
	seconds, err := in.SingleMasterConfiguration.seconds()
	if err != nil {
		return none{}, err
	}
	return none{}, explain(s.store.update(in.ChannelARN, in.CurrentVersion, func(c *channel) error {
		if in.SingleMasterConfiguration != nil {
			c.TTL = seconds
		}
		return nil
	}))
}

type removeRequest struct{ ChannelARN, CurrentVersion string }

func (s *Service) remove(_ *http.Request, in removeRequest) (none, error) {
	if in.ChannelARN == "" {
		return none{}, wire.Invalid("ChannelARN is missing")
	}
	if err := s.store.remove(in.ChannelARN, in.CurrentVersion); err != nil {
		return none{}, explain(err)
	}
	s.vacate(in.ChannelARN)
	return none{}, nil
}

type listRequest struct {
	MaxResults           int
	NextToken            string
	ChannelNameCondition *struct{ ComparisonOperator, ComparisonValue string }
}

type listAnswer struct {
	ChannelInfoList []info
	NextToken       string `json:",omitempty"`
}

const (
	defaultChannels = 100
	maxChannels     = 10000
)

func (s *Service) list(_ *http.Request, in listRequest) (listAnswer, error) {
	prefix := ""
	if c := in.ChannelNameCondition; c != nil {
		if c.ComparisonOperator != "" && c.ComparisonOperator != "BEGINS_WITH" {
			return listAnswer{}, wire.Invalid("ComparisonOperator is %q: only BEGINS_WITH is known", c.ComparisonOperator)
		}
		prefix = c.ComparisonValue
	}
	if in.MaxResults == 0 {
		in.MaxResults = defaultChannels
	}
	if in.MaxResults < 1 || in.MaxResults > maxChannels {
		return listAnswer{}, wire.Invalid("MaxResults is %d: want 1 to %d", in.MaxResults, maxChannels)
	}
	channels, more, err := s.store.list(prefix, in.NextToken, in.MaxResults)
	out := listAnswer{ChannelInfoList: []info{}}
	for _, c := range channels {
		out.ChannelInfoList = append(out.ChannelInfoList, c.info())
	}
	if more {
		out.NextToken = channels[len(channels)-1].Name
	}
	return out, err
}

type endpointsRequest struct {
	ChannelARN                               string
	SingleMasterChannelEndpointConfiguration struct {
		Protocols []string
		Role      string
	}
}

type endpoint struct{ Protocol, ResourceEndpoint string }

type endpointsAnswer struct{ ResourceEndpointList []endpoint }

// endpoints says where to connect. The scheme is that of the local cloud: ws
// where it is http, which browsers take from this machine.
func (s *Service) endpoints(_ *http.Request, in endpointsRequest) (endpointsAnswer, error) {
	if in.ChannelARN == "" {
		return endpointsAnswer{}, wire.Invalid("ChannelARN is missing")
	}
	if _, err := s.find(ref{ChannelARN: in.ChannelARN}); err != nil {
		return endpointsAnswer{}, err
	}
	paths := map[string]string{"": ViewerPath, "VIEWER": ViewerPath, "MASTER": MasterPath}
	c := in.SingleMasterChannelEndpointConfiguration
	path, ok := paths[c.Role]
	if !ok {
		return endpointsAnswer{}, wire.Invalid("Role is %q: want MASTER or VIEWER", c.Role)
	}
	var out endpointsAnswer
	for _, protocol := range slices.Compact(slices.Sorted(slices.Values(c.Protocols))) {
		switch protocol {
		case "WSS":
			out.ResourceEndpointList = append(out.ResourceEndpointList,
				endpoint{protocol, "ws" + strings.TrimPrefix(s.cfg.Endpoint, "http") + path})
		case "HTTPS":
			out.ResourceEndpointList = append(out.ResourceEndpointList, endpoint{protocol, s.cfg.Endpoint})
		default:
			return endpointsAnswer{}, wire.Invalid("the protocol %q is not served on one machine: ask for WSS and HTTPS", protocol)
		}
	}
	if len(out.ResourceEndpointList) == 0 {
		return endpointsAnswer{}, wire.Invalid("Protocols is empty: ask for WSS, HTTPS or both")
	}
	return out, nil
}

type storageAnswer struct{ MediaStorageConfiguration struct{ Status string } }

// describeStorage says that viewers get their video from the master: what is
// recorded is sent with PutMedia.
func (s *Service) describeStorage(_ *http.Request, in ref) (out storageAnswer, err error) {
	out.MediaStorageConfiguration.Status = "DISABLED"
	_, err = s.find(in)
	return out, err
}

// Properties is what is honored of AWS::KinesisVideo::SignalingChannel.
type Properties struct {
	Name, Type        string
	MessageTtlSeconds int //nolint:revive // the name in the template
	Tags              []struct{ Key, Value string }
}

// Provision makes a channel of the template with the ARN it has there, or
// brings the one there is up to date. Call it before serving starts.
func (s *Service) Provision(arn string, p Properties) error {
	in := createRequest{ChannelName: p.Name, ChannelType: p.Type, SingleMasterConfiguration: &ttl{p.MessageTtlSeconds}}
	for _, t := range p.Tags {
		in.Tags = append(in.Tags, tag(t))
	}
	c, err := in.channel()
	if err != nil {
		return fmt.Errorf("signaling channel %s: %w", p.Name, err)
	}
	c.ARN, c.Created = arn, s.cfg.Now().UTC().Truncate(time.Millisecond)
	if err := s.store.create(c); !errors.Is(err, errExists) {
		return err
	}
	return s.store.update(p.Name, "", func(old *channel) error {
		old.ARN, old.TTL, old.Tags = c.ARN, c.TTL, c.Tags
		return nil
	})
}
