package playback

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesisvideo"
	"github.com/aws/aws-sdk-go-v2/service/kinesisvideo/types"
	"github.com/aws/aws-sdk-go-v2/service/kinesisvideoarchivedmedia"
	"github.com/aws/smithy-go"
)

const (
	endpointLife  = 45 * time.Minute // AWS calls remembering safe for whoever asks again after a failure
	mostEndpoints = 1000
)

// endpoints remembers where the service answers for a stream, which may be
// asked five times a second.
type endpoints struct {
	streams Streams
	now     func() time.Time

	mu    sync.Mutex
	known map[place]endpoint
}

// place is what an endpoint is for.
type place struct {
	stream string
	api    types.APIName
}

type endpoint struct {
	url   string
	until time.Time
}

func newEndpoints(streams Streams, now func() time.Time) *endpoints {
	return &endpoints{streams: streams, now: now, known: map[place]endpoint{}}
}

// get returns an endpoint and whether it was remembered.
func (e *endpoints) get(ctx context.Context, at place) (url string, remembered bool, err error) {
	e.mu.Lock()
	known := e.known[at]
	e.mu.Unlock()
	now := e.now()
	if now.Before(known.until) {
		return known.url, true, nil
	}
	out, err := e.streams.GetDataEndpoint(ctx, &kinesisvideo.GetDataEndpointInput{StreamName: &at.stream, APIName: at.api})
	if err != nil {
		return "", false, fmt.Errorf("endpoint for %s: %w", at.api, err)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for other := range e.known { // any will do: it is asked for again when it is needed
		if len(e.known) < mostEndpoints {
			break
		}
		delete(e.known, other)
	}
	e.known[at] = endpoint{aws.ToString(out.DataEndpoint), now.Add(endpointLife)}
	return aws.ToString(out.DataEndpoint), false, nil
}

func (e *endpoints) forget(at place) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.known, at)
}

// ask does a request at the endpoint of a stream. One that fails at a
// remembered endpoint, with no answer or that of the wrong place, is done once
// more at the one that the service names then. The error is classified.
func ask[T any](ctx context.Context, p *Player, stream string, api types.APIName, do func(at func(*kinesisvideoarchivedmedia.Options)) (T, error)) (T, error) {
	where := place{stream, api}
	for {
		url, remembered, err := p.endpoints.get(ctx, where)
		if err != nil {
			var none T
			return none, classify(err)
		}
		out, err := do(func(o *kinesisvideoarchivedmedia.Options) { o.BaseEndpoint = &url })
		if err == nil {
			return out, nil
		}
		p.endpoints.forget(where)
		var said smithy.APIError
		elsewhere := !errors.As(err, &said) || said.ErrorCode() == "InvalidEndpointException"
		if !remembered || !elsewhere || ctx.Err() != nil {
			return out, classify(err)
		}
	}
}
