// Package live lets a viewer see a camera live, over WebRTC: it hands out the
// address of the camera's signaling channel in Kinesis Video Streams, for this
// viewer alone and for five minutes at most, and the relays that the two may
// use.
//
// A camera's channel has the camera's id as its name; its device makes it. Who
// may see a camera is the caller's to know: nothing here asks.
//
// Source: https://docs.aws.amazon.com/kinesisvideostreams-webrtc-dg/latest/devguide/kvswebrtc-websocket-apis.html
package live

import (
	"context"
	"crypto/rand"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/kinesisvideo"
)

// Channels is the part of the control plane that live view takes.
type Channels interface {
	DescribeSignalingChannel(context.Context, *kinesisvideo.DescribeSignalingChannelInput, ...func(*kinesisvideo.Options)) (*kinesisvideo.DescribeSignalingChannelOutput, error)
	GetSignalingChannelEndpoint(context.Context, *kinesisvideo.GetSignalingChannelEndpointInput, ...func(*kinesisvideo.Options)) (*kinesisvideo.GetSignalingChannelEndpointOutput, error)
}

// Doer sends requests. An *http.Client is one.
type Doer interface {
	Do(*http.Request) (*http.Response, error)
}

// Config of a Service. All but Now are required; see Connect.
type Config struct {
	Channels    Channels
	HTTP        Doer // for what the SDK has no client of
	Credentials aws.CredentialsProvider
	Region      string
	Now         func() time.Time // time.Now when nil
}

// Service is safe for concurrent use.
type Service struct {
	cfg     Config
	places  *places
	retryer aws.Retryer
}

// New returns a Service that has asked nothing yet.
func New(cfg Config) *Service {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Service{cfg: cfg, places: newPlaces(cfg.Channels, cfg.Now), retryer: retryer()}
}

const (
	attempts   = 3
	mostWait   = time.Second // between two of them
	throttling = "ClientLimitExceededException"
	// patience is for all that a view takes: somebody is looking at a spinner.
	patience = 8 * time.Second
)

// retryer asks again, a few times, when the service is asked more often than it
// answers: five times a second for the relays of a channel.
func retryer() aws.Retryer {
	return retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts, o.MaxBackoff = attempts, mostWait
		o.Retryables = append(o.Retryables, retry.RetryableErrorCode{Codes: map[string]struct{}{throttling: {}}})
	})
}

// Connect returns the Config of a Service that acts with cfg's credentials.
func Connect(cfg aws.Config) Config {
	client := cfg.HTTPClient
	if client == nil {
		client = awshttp.NewBuildableClient()
	}
	return Config{
		Channels: kinesisvideo.NewFromConfig(cfg, func(o *kinesisvideo.Options) { o.Retryer = retryer() }),
		HTTP:     client, Credentials: cfg.Credentials, Region: cfg.Region,
	}
}

// Session is all that one viewer needs. Whoever has its URL can connect until
// it expires, and whoever has its relays' credentials can use them.
type Session struct {
	Channel  string // name
	ClientID string // made up; tied to nothing and nobody
	URL      string // wss:, or ws: on one machine
	Expires  time.Time
	ICE      []ICEServer
}

// View lets one more viewer connect to a camera's channel. Errors are those of
// the package.
func (s *Service) View(ctx context.Context, camera string) (Session, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		at, remembered, err := s.places.get(ctx, camera)
		if err != nil {
			return Session{}, classify(err)
		}
		out, err := s.open(ctx, camera, at)
		if err == nil {
			return out, nil
		}
		// The channel may have been made anew, or have moved.
		s.places.forget(camera)
		if !remembered || !elsewhere(err) || ctx.Err() != nil {
			return Session{}, classify(err)
		}
	}
}

func (s *Service) open(ctx context.Context, camera string, at place) (Session, error) {
	id := rand.Text()
	servers, err := s.iceServers(ctx, at, id)
	if err != nil {
		return Session{}, err
	}
	url, expires, err := s.presign(ctx, at, id)
	if err != nil {
		return Session{}, err
	}
	return Session{Channel: camera, ClientID: id, URL: url, Expires: expires, ICE: servers}, nil
}
