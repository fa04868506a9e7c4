package api

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-lambda-go/events"

	"porchlight/internal/cloud/store"
	"porchlight/internal/event"
)

// noCamera is the detail of the problem.
const noCamera = "You have no such camera: use the camera field of one of your cameras."

func (a *API) listCameras(ctx context.Context, owner string, _ *events.APIGatewayV2HTTPRequest) (any, error) {
	cameras, err := a.cfg.Store.Cameras(ctx, owner)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(cameras, func(x, y *store.Camera) int {
		return cmp.Or(strings.Compare(x.Name, y.Name), strings.Compare(x.Camera, y.Camera))
	})
	list := CameraList{Cameras: make([]Camera, len(cameras))}
	for i, c := range cameras {
		list.Cameras[i] = Camera{
			Camera: c.Camera, Thing: c.Thing, Name: c.Name, Online: c.Online,
			State: CameraState(c.State), Message: c.Message, ChangedAt: c.ChangedAt, Version: c.Version,
		}
		if c.Detector != nil {
			list.Cameras[i].Detector = Detector{Model: c.Detector.Model, Weak: c.Detector.Weak}
		}
	}
	return list, nil
}

func (a *API) listEvents(ctx context.Context, owner string, req *events.APIGatewayV2HTTPRequest) (any, error) {
	p, err := parseList(req.QueryStringParameters)
	if err != nil {
		return nil, err
	}
	if p.cursor != "" {
		if p.query.After, err = a.cfg.Cursors.Open(p.cursor, p.scope(owner)...); err != nil {
			return nil, err
		}
	}
	page, err := a.cfg.Store.Events(ctx, owner, p.query)
	if err != nil {
		return nil, err
	}
	if len(page.Events) == 0 && p.query.Camera != "" && p.cursor == "" && page.Next == "" {
		// No events, or no such camera? Events may come before the camera's
		// first status, so they alone prove it too.
		known, err := a.cfg.Store.HasCamera(ctx, owner, p.query.Camera)
		if err != nil {
			return nil, err
		}
		if !known {
			return nil, notFound(noCamera)
		}
	}
	list := EventList{Events: make([]Event, len(page.Events))}
	for i, e := range page.Events {
		list.Events[i] = a.event(ctx, e)
	}
	if page.Next != "" {
		list.NextCursor = a.cfg.Cursors.Seal(page.Next, p.scope(owner)...)
	}
	return list, nil
}

func (a *API) getEvent(ctx context.Context, owner string, req *events.APIGatewayV2HTTPRequest) (any, error) {
	e, err := a.cfg.Store.LabeledEvent(ctx, owner, req.PathParameters["event_id"])
	if err != nil {
		return nil, err
	}
	return a.event(ctx, e), nil
}

// event in the API's form. Its lists are never null.
func (a *API) event(ctx context.Context, e *store.Labeled) Event {
	out := Event{
		EventId: e.EventID, Sequence: e.Sequence, State: EventState(e.State), Camera: e.Camera,
		StartedAt: e.StartedAt, UpdatedAt: e.UpdatedAt, Labels: e.Labels, Severity: EventSeverity(e.Severity),
		Zones: append([]string{}, e.Zones...), Appeared: e.Appeared, Removed: e.Removed, Score: e.Score,
		Box: []float64{e.Box.X0, e.Box.Y0, e.Box.X1, e.Box.Y1}, Faces: make([]Face, len(e.Faces)), Model: e.Model,
		CloudLabels: e.CloudLabels,
	}
	if e.EndedAt != nil {
		out.EndedAt = *e.EndedAt
	}
	if out.Labels == nil {
		out.Labels = map[string]float64{}
	}
	for i, f := range e.Faces {
		out.Faces[i] = Face{Name: f.Name, Distance: f.Distance}
	}
	if e.Clip != nil {
		out.Clip = Clip{Stream: e.Clip.Stream, From: e.Clip.From, To: e.Clip.To}
	}
	if e.ThumbnailKey != "" {
		url, err := a.thumbnail(ctx, &e.Event)
		if err != nil { // the event is worth having without
			a.cfg.Log.ErrorContext(ctx, "thumbnail left out", "event_id", e.EventID, "err", err)
		}
		out.ThumbnailUrl = url
	}
	return out
}

// thumbnail signs only what lies under the event's own thing, whatever key got
// into the store.
func (a *API) thumbnail(ctx context.Context, e *event.Event) (string, error) {
	thing, _, err := event.SplitCamera(e.Camera)
	if err != nil {
		return "", err
	}
	if !strings.HasPrefix(e.ThumbnailKey, "thumbnails/"+thing+"/") {
		return "", fmt.Errorf("key %.140q is not under thumbnails/%s/", e.ThumbnailKey, thing)
	}
	return a.cfg.Presign(ctx, e.ThumbnailKey)
}

var _ Store = (*store.Store)(nil)
