// Package playback gets at the video that cameras have sent to Kinesis Video
// Streams: of when there is some, where it can be played, and a range of it as
// one MP4 file.
//
// A camera's stream has the camera's id as its name. Who may see a camera is
// the caller's to know: nothing here asks.
//
// The service selects fragments by when they start, so that a range which
// begins within one would be played from the next on. Every request therefore
// lists the fragments first and begins with the one that holds its start.
//
// Source: https://docs.aws.amazon.com/kinesisvideostreams/latest/dg/API_Operations_Amazon_Kinesis_Video_Streams_Archived_Media.html
package playback

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/kinesisvideo"
	"github.com/aws/aws-sdk-go-v2/service/kinesisvideoarchivedmedia"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// Streams is the part of the control plane that playback takes.
type Streams interface {
	GetDataEndpoint(context.Context, *kinesisvideo.GetDataEndpointInput, ...func(*kinesisvideo.Options)) (*kinesisvideo.GetDataEndpointOutput, error)
}

// Media is the part of archived media that playback takes.
type Media interface {
	ListFragments(context.Context, *kinesisvideoarchivedmedia.ListFragmentsInput, ...func(*kinesisvideoarchivedmedia.Options)) (*kinesisvideoarchivedmedia.ListFragmentsOutput, error)
	GetHLSStreamingSessionURL(context.Context, *kinesisvideoarchivedmedia.GetHLSStreamingSessionURLInput, ...func(*kinesisvideoarchivedmedia.Options)) (*kinesisvideoarchivedmedia.GetHLSStreamingSessionURLOutput, error)
	GetDASHStreamingSessionURL(context.Context, *kinesisvideoarchivedmedia.GetDASHStreamingSessionURLInput, ...func(*kinesisvideoarchivedmedia.Options)) (*kinesisvideoarchivedmedia.GetDASHStreamingSessionURLOutput, error)
	GetClip(context.Context, *kinesisvideoarchivedmedia.GetClipInput, ...func(*kinesisvideoarchivedmedia.Options)) (*kinesisvideoarchivedmedia.GetClipOutput, error)
}

// Objects is the part of S3 that clips take.
type Objects interface {
	HeadObject(context.Context, *s3.HeadObjectInput, ...func(*s3.Options)) (*s3.HeadObjectOutput, error)
	PutObject(context.Context, *s3.PutObjectInput, ...func(*s3.Options)) (*s3.PutObjectOutput, error)
}

// Config of a Player. All but TempDir and Now are required.
type Config struct {
	Streams Streams
	Media   Media
	Objects Objects
	Bucket  string           // where clips are put, below clips/
	TempDir string           // where a clip is on its way there; the system's when empty
	Now     func() time.Time // time.Now when nil
}

// Player is safe for concurrent use.
type Player struct {
	cfg       Config
	endpoints *endpoints
}

// New returns a Player that has asked nothing yet.
func New(cfg Config) *Player {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Player{cfg: cfg, endpoints: newEndpoints(cfg.Streams, cfg.Now)}
}

const (
	attempts   = 3
	mostWait   = 2 * time.Second // between two of them
	throttling = "ClientLimitExceededException"
)

// Connect returns clients that ask again, a few times, when the service is
// asked more often than it answers: five times a second for most operations on
// a stream.
func Connect(cfg aws.Config) (Streams, Media) {
	retryer := func(o *retry.StandardOptions) {
		o.MaxAttempts, o.MaxBackoff = attempts, mostWait
		o.Retryables = append(o.Retryables, retry.RetryableErrorCode{Codes: map[string]struct{}{throttling: {}}})
	}
	return kinesisvideo.NewFromConfig(cfg, func(o *kinesisvideo.Options) { o.Retryer = retry.NewStandard(retryer) }),
		kinesisvideoarchivedmedia.NewFromConfig(cfg, func(o *kinesisvideoarchivedmedia.Options) { o.Retryer = retry.NewStandard(retryer) })
}

// Range is a time from From, included, to To, not included.
type Range struct{ From, To time.Time }
