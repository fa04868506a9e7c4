package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"porchlight/internal/cloud/playback"
	"porchlight/internal/cloud/store"
	"porchlight/internal/event"
)

// Video gets at the video of cameras. It does not ask whose they are.
type Video interface {
	Live(ctx context.Context, camera string, protocol playback.Protocol) (playback.Session, error)
	Replay(ctx context.Context, camera string, protocol playback.Protocol, from time.Time) (playback.Session, error)
	Play(ctx context.Context, camera string, protocol playback.Protocol, r playback.Range) (playback.Session, error)
	Recordings(ctx context.Context, camera string, r playback.Range) (ranges []playback.Range, more time.Time, err error)
	Clip(ctx context.Context, owner, camera string, r playback.Range) (playback.Clip, error)
}

const (
	mostPlayed  = 24 * time.Hour
	mostClipped = time.Hour
	// reserve is kept of the time that the Lambda has, to say that it was not enough.
	reserve = time.Second
)

// noVideo is the type of the problem that there is none.
const noVideo = "no-video"

// tryAgain is said to clients while the video service does not answer.
const tryAgain = 3 // seconds

func (a *API) playEvent(ctx context.Context, owner string, req *events.APIGatewayV2HTTPRequest) (any, error) {
	protocol, err := parseProtocol(req.QueryStringParameters)
	if err != nil {
		return nil, err
	}
	e, err := a.watched(ctx, owner, req)
	if err != nil {
		return nil, err
	}
	ctx, cancel := inTime(ctx)
	defer cancel()
	r, ended := a.rangeOf(e)
	if !ended {
		return a.played(a.cfg.Video.Replay(ctx, e.Camera, protocol, r.From))
	}
	return a.played(a.cfg.Video.Play(ctx, e.Camera, protocol, r))
}

func (a *API) playCamera(ctx context.Context, owner string, req *events.APIGatewayV2HTTPRequest) (any, error) {
	camera, err := a.camera(ctx, owner, req)
	if err != nil {
		return nil, err
	}
	protocol, err := parseProtocol(req.QueryStringParameters, "from", "to")
	if err != nil {
		return nil, err
	}
	ctx, cancel := inTime(ctx)
	defer cancel()
	if _, from := req.QueryStringParameters["from"]; !from {
		if _, to := req.QueryStringParameters["to"]; !to {
			return a.played(a.cfg.Video.Live(ctx, camera, protocol))
		}
	}
	r, err := parseRange(req.QueryStringParameters, mostPlayed)
	if err != nil {
		return nil, err
	}
	return a.played(a.cfg.Video.Play(ctx, camera, protocol, r))
}

func (a *API) played(s playback.Session, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	out := Playback{Protocol: PlaybackProtocol(s.Protocol), Url: s.URL, ExpiresAt: event.At(s.Expires)}
	if !s.From.IsZero() {
		out.From = event.At(s.From)
	}
	if !s.To.IsZero() {
		out.To = event.At(s.To)
	}
	return out, nil
}

func (a *API) listRecordings(ctx context.Context, owner string, req *events.APIGatewayV2HTTPRequest) (any, error) {
	camera, err := a.camera(ctx, owner, req)
	if err != nil {
		return nil, err
	}
	r, err := parseRange(req.QueryStringParameters, mostPlayed, "from", "to")
	if err != nil {
		return nil, err
	}
	ctx, cancel := inTime(ctx)
	defer cancel()
	ranges, more, err := a.cfg.Video.Recordings(ctx, camera, r)
	if err != nil {
		return nil, err
	}
	out := Recordings{Camera: camera, Ranges: make([]Range, len(ranges))}
	for i, r := range ranges {
		out.Ranges[i] = Range{From: event.At(r.From), To: event.At(r.To)}
	}
	if !more.IsZero() {
		out.MoreFrom = event.At(more)
	}
	return out, nil
}

func (a *API) getEventClip(ctx context.Context, owner string, req *events.APIGatewayV2HTTPRequest) (any, error) {
	if err := onlyParameters(req.QueryStringParameters); err != nil {
		return nil, err
	}
	e, err := a.watched(ctx, owner, req)
	if err != nil {
		return nil, err
	}
	r, _ := a.rangeOf(e)
	return a.clipped(ctx, owner, e.Camera, r)
}

func (a *API) getCameraClip(ctx context.Context, owner string, req *events.APIGatewayV2HTTPRequest) (any, error) {
	camera, err := a.camera(ctx, owner, req)
	if err != nil {
		return nil, err
	}
	r, err := parseRange(req.QueryStringParameters, mostClipped, "from", "to")
	if err != nil {
		return nil, err
	}
	return a.clipped(ctx, owner, camera, r)
}

func (a *API) clipped(ctx context.Context, owner, camera string, r playback.Range) (any, error) {
	ctx, cancel := inTime(ctx)
	defer cancel()
	c, err := a.cfg.Video.Clip(ctx, owner, camera, r)
	if err != nil {
		return nil, err
	}
	expires := a.cfg.Now().Add(presignTTL)
	url, err := a.cfg.Presign(ctx, c.Key)
	if err != nil {
		return nil, err
	}
	return ClipFile{Url: url, ExpiresAt: event.At(expires), Bytes: c.Bytes, From: event.At(c.From), To: event.At(c.To)}, nil
}

// inTime ends a context so early that there is time to say so.
func inTime(ctx context.Context) (context.Context, context.CancelFunc) {
	if deadline, ok := ctx.Deadline(); ok {
		return context.WithDeadline(ctx, deadline.Add(-reserve))
	}
	return ctx, func() {}
}

// videoProblem is what a client is told of an error about video, nil when it is
// about something else.
func videoProblem(err error) *problemError {
	var long *playback.TooLongError
	switch {
	case errors.As(err, &long):
		return &problemError{status: http.StatusBadRequest, detail: "There is more video than one file can hold: " +
			"ask for the camera's clip with the parameter to no later than " + event.At(long.Until).String() + ", and for the rest in another file."}
	case errors.Is(err, playback.ErrNotYet):
		return &problemError{status: http.StatusNotFound, kind: noVideo, again: tryAgain, detail: "There is no video of that time yet: it may be on its way, try again in a few seconds."}
	case errors.Is(err, playback.ErrNoVideo):
		return &problemError{status: http.StatusNotFound, kind: noVideo, detail: "There is no video of that time: none was sent to the cloud, or it is no longer kept."}
	case errors.Is(err, playback.ErrBusy):
		return &problemError{status: http.StatusServiceUnavailable, again: tryAgain, detail: "The video service does not answer now: try again in a few seconds."}
	case errors.Is(err, playback.ErrFormat):
		return &problemError{status: http.StatusBadRequest, detail: "The video of that time cannot be played, or not in one piece: the camera sends a format that is not supported, or changed it. Ask for a shorter time."}
	}
	return nil
}

// camera is the path's, if it is the owner's now.
func (a *API) camera(ctx context.Context, owner string, req *events.APIGatewayV2HTTPRequest) (string, error) {
	camera := req.PathParameters["camera"]
	if _, _, err := event.SplitCamera(camera); err != nil {
		return "", notFound(noCamera)
	}
	known, err := a.cfg.Store.HasCamera(ctx, owner, camera)
	if err != nil {
		return "", err
	}
	if known {
		known, err = a.owns(ctx, owner, camera)
	}
	if err != nil {
		return "", err
	}
	if !known {
		return "", notFound(noCamera)
	}
	return camera, nil
}

// watched is the path's event, of a camera that is still the owner's: what a
// thing that has changed hands sends is its new owner's.
func (a *API) watched(ctx context.Context, owner string, req *events.APIGatewayV2HTTPRequest) (*event.Event, error) {
	e, err := a.cfg.Store.LabeledEvent(ctx, owner, req.PathParameters["event_id"])
	if err != nil {
		return nil, err
	}
	mine, err := a.owns(ctx, owner, e.Camera)
	if err != nil {
		return nil, err
	}
	if !mine {
		return nil, playback.ErrNoVideo
	}
	return &e.Event, nil
}

func (a *API) owns(ctx context.Context, owner, camera string) (bool, error) {
	thing, _, err := event.SplitCamera(camera)
	if err != nil {
		return false, err
	}
	current, err := a.cfg.Store.OwnerOf(ctx, thing)
	if errors.Is(err, store.ErrUnclaimed) {
		return false, nil
	}
	return err == nil && current == owner, err
}

const (
	// roll is what is looked for around an event that does not say what of its
	// video was sent.
	roll = 5 * time.Second
	// silent is after how long an event that has not ended is taken to have: its
	// gateway may never say so.
	silent = 10 * time.Minute
)

// rangeOf is when there may be video of an event, and whether it has ended. The
// event's own word counts, but not for whose video it is: the stream is always
// its camera's.
func (a *API) rangeOf(e *event.Event) (r playback.Range, ended bool) {
	now, end := a.cfg.Now(), e.UpdatedAt.Time
	if e.EndedAt != nil {
		end = e.EndedAt.Time
	}
	r = playback.Range{From: e.StartedAt.Add(-roll), To: end.Add(roll)}
	if e.Clip != nil {
		r = playback.Range{From: e.Clip.From.Time, To: e.Clip.To.Time}
	}
	ended = e.State == event.Ended || now.Sub(end) > silent
	if !ended && now.After(r.To) {
		r.To = now
	}
	if r.To.Sub(r.From) > mostPlayed {
		r.To = r.From.Add(mostPlayed)
	}
	return r, ended
}

var _ Video = (*playback.Player)(nil)
