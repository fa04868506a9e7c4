package producer

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

// ErrStream is wrapped when a stream cannot be had and only a person can help.
var ErrStream = errors.New("stream of Kinesis Video Streams cannot be used")

// StreamsConfig says how streams are created that do not exist yet.
type StreamsConfig struct {
	Client    *kinesisvideo.Client
	Retention time.Duration // whole hours; 0 keeps nothing
	KMSKey    string        // id or ARN; the service's own key when empty
	Tags      map[string]string
	Images    *Images // nil: none can be made
}

// Streams is the control plane: it creates streams on first use and remembers
// where to upload to. It may be used from any goroutine, by many producers.
type Streams struct {
	cfg StreamsConfig

	mu    sync.Mutex
	known map[string]string // stream to endpoint
}

var _ Endpoints = (*Streams)(nil)

// NewStreams returns a control plane that has asked nothing yet.
func NewStreams(cfg StreamsConfig) *Streams {
	return &Streams{cfg: cfg, known: make(map[string]string)}
}

// Endpoint implements Endpoints. A stream that does not exist is created. It
// fails with ErrStream when a person has to help.
func (s *Streams) Endpoint(ctx context.Context, stream string, renew bool) (string, error) {
	s.mu.Lock()
	endpoint := s.known[stream]
	s.mu.Unlock()
	if endpoint != "" && !renew {
		return endpoint, nil
	}
	endpoint, err := s.ask(ctx, stream)
	var missing *types.ResourceNotFoundException
	if errors.As(err, &missing) {
		if err = s.create(ctx, stream); err == nil {
			endpoint, err = s.ask(ctx, stream)
		}
	}
	if err != nil {
		return "", s.explain(stream, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.known[stream] = endpoint
	return endpoint, nil
}

func (s *Streams) ask(ctx context.Context, stream string) (string, error) {
	out, err := s.cfg.Client.GetDataEndpoint(ctx, &kinesisvideo.GetDataEndpointInput{
		StreamName: &stream, APIName: types.APINamePutMedia,
	})
	if err != nil {
		return "", err
	}
	return aws.ToString(out.DataEndpoint), nil
}

// create makes the stream and waits until it can be used.
func (s *Streams) create(ctx context.Context, stream string) error {
	in := &kinesisvideo.CreateStreamInput{
		StreamName:           &stream,
		DataRetentionInHours: aws.Int32(int32((s.cfg.Retention + time.Hour - 1) / time.Hour)),
		MediaType:            aws.String("video/h264"),
		Tags:                 s.cfg.Tags,
	}
	if s.cfg.KMSKey != "" {
		in.KmsKeyId = &s.cfg.KMSKey
	}
	var exists *types.ResourceInUseException
	if _, err := s.cfg.Client.CreateStream(ctx, in); err != nil && !errors.As(err, &exists) {
		return err
	}
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, 2*time.Second) {
		out, err := s.cfg.Client.DescribeStream(ctx, &kinesisvideo.DescribeStreamInput{StreamName: &stream})
		if err != nil {
			return err
		}
		if out.StreamInfo != nil && out.StreamInfo.Status == types.StatusActive {
			return nil
		}
		if backoff.Pause(ctx, wait); ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

// explain tells faults of the network, which pass, from those that do not.
func (s *Streams) explain(stream string, err error) error {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return fmt.Errorf("%w: asking for the endpoint of stream %s: %w", ErrConnection, stream, err)
	}
	switch api.ErrorCode() {
	case "AccessDeniedException", "NotAuthorizedException", "InvalidArgumentException", "AccountStreamLimitExceededException",
		"DeviceStreamLimitExceededException", "InvalidDeviceException", "TagsPerResourceExceededLimitException":
		return fmt.Errorf("%w: %s: %w: check the device role's permissions on it and the account's limits", ErrStream, stream, err)
	}
	return fmt.Errorf("%w: asking for the endpoint of stream %s: %w", ErrConnection, stream, err)
}
