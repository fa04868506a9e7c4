package producer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesisvideo"
	"github.com/aws/aws-sdk-go-v2/service/kinesisvideo/types"
	"github.com/aws/aws-sdk-go-v2/service/kinesisvideoarchivedmedia"
	archived "github.com/aws/aws-sdk-go-v2/service/kinesisvideoarchivedmedia/types"
	"github.com/aws/smithy-go"

	"porchlight/internal/backoff"
)

// Held knows what a stream holds. Archive is one.
type Held interface {
	// Held calls found with the start and the length of each fragment whose
	// producer time is in from..to, in any order. It fails with ErrStream when
	// only a person can help, such as with a permission, else with another error.
	Held(ctx context.Context, stream string, from, to time.Time, found func(start time.Time, length time.Duration)) error
}

// Archive asks Kinesis Video Streams for what it holds, with ListFragments
// (https://docs.aws.amazon.com/kinesisvideostreams/latest/dg/API_reader_ListFragments.html).
// The device's role needs kinesisvideo:ListFragments on the stream.
type Archive struct {
	Control *kinesisvideo.Client
	Media   *kinesisvideoarchivedmedia.Client
}

var _ Held = Archive{}

// Held implements Held. A stream that does not exist, or keeps nothing, holds
// nothing.
func (a Archive) Held(ctx context.Context, stream string, from, to time.Time, found func(time.Time, time.Duration)) error {
	err := a.list(ctx, stream, from, to, found)
	if err == nil {
		return nil
	}
	code := ""
	if api := smithy.APIError(nil); errors.As(err, &api) {
		code = api.ErrorCode()
	}
	switch code {
	case "ResourceNotFoundException", "NoDataRetentionException":
		return nil
	case "AccessDeniedException", "NotAuthorizedException", "InvalidArgumentException":
		return fmt.Errorf("%w: asking what stream %s holds: %w: the device's role needs kinesisvideo:ListFragments on it", ErrStream, stream, err)
	}
	return fmt.Errorf("%w: asking what stream %s holds: %w", ErrConnection, stream, err)
}

func (a Archive) list(ctx context.Context, stream string, from, to time.Time, found func(time.Time, time.Duration)) error {
	out, err := a.Control.GetDataEndpoint(ctx, &kinesisvideo.GetDataEndpointInput{
		StreamName: &stream, APIName: types.APINameListFragments,
	})
	if err != nil {
		return err
	}
	pages := kinesisvideoarchivedmedia.NewListFragmentsPaginator(a.Media, &kinesisvideoarchivedmedia.ListFragmentsInput{
		StreamName: &stream, MaxResults: aws.Int64(1000),
		FragmentSelector: &archived.FragmentSelector{
			FragmentSelectorType: archived.FragmentSelectorTypeProducerTimestamp,
			TimestampRange:       &archived.TimestampRange{StartTimestamp: &from, EndTimestamp: &to},
		},
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx, func(o *kinesisvideoarchivedmedia.Options) { o.BaseEndpoint = out.DataEndpoint })
		if err != nil {
			return err
		}
		for _, f := range page.Fragments {
			if f.ProducerTimestamp != nil {
				found(f.ProducerTimestamp.Round(time.Millisecond), time.Duration(f.FragmentLengthInMilliseconds)*time.Millisecond)
			}
		}
	}
	return nil
}

// verify finds out what of the events from before a restart the stream holds:
// the newest acknowledgements may never have been saved. Until it has, nothing
// from before the restart is sent.
func (p *Producer) verify(ctx context.Context) {
	p.mu.Lock()
	unsure, windows := p.unsure, p.plan.windows(p.born)
	p.mu.Unlock()
	if !unsure {
		return
	}
	if p.cfg.Held != nil {
		// What was under way when the process died may still arrive.
		backoff.Pause(ctx, time.Until(time.UnixMilli(p.born).Add(p.timing.Settle)))
	}
	retry := backoff.Backoff{Min: p.timing.RetryMin, Max: p.timing.RetryMax}
	for p.cfg.Held != nil && len(windows) > 0 && ctx.Err() == nil {
		w := windows[0]
		from, to := time.UnixMilli(w.from-longestGOP), time.UnixMilli(w.to+1)
		err := p.cfg.Held.Held(ctx, p.cfg.Stream, from, to, func(start time.Time, length time.Duration) {
			// How long the last picture lasts is the service's guess; the next
			// fragment must not seem to be there for that.
			at, lasts := start.UnixMilli(), length.Milliseconds()
			p.mu.Lock()
			defer p.mu.Unlock()
			p.done.add(at, at+lasts-min(lasts/2, smallestHole/2))
		})
		switch {
		case err == nil:
			windows = windows[1:]
			retry.Reset()
		case errors.Is(err, ErrStream):
			p.log.Warn("a few seconds of video may be uploaded twice", "error", err)
			windows = nil
		default:
			p.log.Debug("what the stream holds is asked again", "error", err)
			backoff.Pause(ctx, retry.Delay())
		}
	}
	if ctx.Err() != nil {
		return
	}
	p.mu.Lock()
	p.unsure = false
	p.dirty()
	p.mu.Unlock()
	p.wake()
}
