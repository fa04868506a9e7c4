package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"porchlight/internal/cloud/cursor"
	"porchlight/internal/cloud/store"
	"porchlight/internal/event"
	"porchlight/internal/localcloud/dynamo/dynamotest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var t0 = time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)

const (
	camerasRoute = "GET /v1/cameras"
	eventsRoute  = "GET /v1/events"
	eventRoute   = "GET /v1/events/{event_id}"
)

// world is an API over a real table in which two owners live.
type world struct {
	api    *API
	table  *store.Store
	video  *films
	log    *bytes.Buffer
	events map[string][]*event.Event // by owner, newest first
}

// newWorld gives alice the thing porch and bob the thing shed, each with two
// cameras and six events at the same times.
func newWorld(t *testing.T) *world {
	t.Helper()
	server := dynamotest.Start(t)
	require.NoError(t, server.Provision(t.Context(), dynamotest.Table()))
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	keys := credentials.NewStaticCredentialsProvider("test", "test", "")
	db := store.New(store.Config{Table: dynamotest.Table().TableName, API: dynamodb.New(dynamodb.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(server.Endpoint()),
		HTTPClient: &http.Client{Transport: transport}, Credentials: keys,
	})})
	signer, err := cursor.New(bytes.Repeat([]byte("k"), cursor.MinKey))
	require.NoError(t, err)
	objects := s3.New(s3.Options{Region: "us-east-1", BaseEndpoint: aws.String("http://127.0.0.1:4566"), UsePathStyle: true, Credentials: keys})
	w := &world{table: db, video: &films{}, log: &bytes.Buffer{}, events: map[string][]*event.Event{}}
	w.api = New(Config{
		Store: db, Cursors: signer, Presign: PresignGet(objects, "thumbs"), Video: w.video, Live: w.video, Log: slog.New(slog.NewTextHandler(w.log, nil)),
		Now: func() time.Time { return t0.Add(time.Hour) },
	})
	for owner, thing := range map[string]string{"alice": "porch", "bob": "shed"} {
		require.NoError(t, db.Claim(t.Context(), thing, owner))
		front, back := event.CameraID(thing, "front"), event.CameraID(thing, "back")
		require.NoError(t, db.ApplyStatus(t.Context(), owner, thing, &event.Status{
			State: event.Online, Session: event.NewID(t0), Version: "1.0", At: event.At(t0), Detector: &event.Detector{Model: "hog", Weak: true},
			Cameras: []event.CameraStatus{{Camera: front, State: event.CameraRunning}, {Camera: back, State: event.CameraFailed, Message: "no route: check the cable"}},
		}, t0))
		for i := range 6 {
			at := t0.Add(time.Duration(i) * time.Minute)
			e := &event.Event{
				EventID: event.NewID(at), Sequence: 1, State: event.Started, Camera: []string{front, back}[i%2],
				StartedAt: event.At(at), UpdatedAt: event.At(at), Labels: map[string]float64{[]string{"person", "cat"}[i/2%2]: 0.9},
				Score: 0.9, Box: event.Box{X1: 1, Y1: 1}, Model: "hog",
			}
			if i == 5 {
				ended := event.At(at.Add(time.Second))
				e.State, e.EndedAt, e.Sequence, e.Zones = event.Ended, &ended, 3, []string{"path"}
				e.Severity, e.Appeared, e.Removed = event.Alert, []string{"path"}, []string{"gate"}
				e.ThumbnailKey = "thumbnails/" + thing + "/" + e.Camera + "/" + e.EventID + ".jpg"
				e.Faces = []event.Face{{Name: "Ann", Distance: 0.3}}
				e.Clip = &event.Clip{Stream: e.Camera, From: e.StartedAt, To: ended}
			}
			_, err := db.UpsertEvent(t.Context(), owner, e, time.Now().Add(time.Hour))
			require.NoError(t, err)
			w.events[owner] = append([]*event.Event{e}, w.events[owner]...)
		}
	}
	return w
}

// request names an event or a camera, as the route has it.
func request(owner, route, id string, query map[string]string) events.APIGatewayV2HTTPRequest {
	req := events.APIGatewayV2HTTPRequest{RouteKey: route, QueryStringParameters: query}
	req.RequestContext.RequestID = "req-1"
	if id != "" {
		req.PathParameters = map[string]string{"event_id": id}
		if strings.Contains(route, "{camera}") {
			req.PathParameters = map[string]string{"camera": id}
		}
	}
	if owner != "" {
		req.RequestContext.Authorizer = &events.APIGatewayV2HTTPRequestContextAuthorizerDescription{
			JWT: &events.APIGatewayV2HTTPRequestContextAuthorizerJWTDescription{Claims: map[string]string{"sub": owner}},
		}
	}
	return req
}

// get sends a request, holds the answer against the contract, and returns it.
func (w *world) get(t testing.TB, owner, route, id string, query map[string]string) events.APIGatewayV2HTTPResponse {
	t.Helper()
	res, err := w.api.Handle(t.Context(), request(owner, route, id, query))
	require.NoError(t, err)
	conforms(t, route, res)
	return res
}

func list(t testing.TB, res events.APIGatewayV2HTTPResponse) (out EventList) {
	t.Helper()
	require.Equal(t, 200, res.StatusCode, res.Body)
	require.NoError(t, json.Unmarshal([]byte(res.Body), &out))
	return out
}

func problem(t testing.TB, res events.APIGatewayV2HTTPResponse, status int) Problem {
	t.Helper()
	var p Problem
	require.Equal(t, status, res.StatusCode, res.Body)
	require.Equal(t, "application/problem+json", res.Headers["content-type"])
	require.NoError(t, json.Unmarshal([]byte(res.Body), &p))
	require.Equal(t, status, p.Status)
	require.NotEmpty(t, p.Detail)
	return p
}

func TestCameras(t *testing.T) {
	w := newWorld(t)
	res := w.get(t, "alice", camerasRoute, "", nil)
	require.JSONEq(t, `{"cameras":[
		{"camera":"porch.back","thing":"porch","name":"back","online":true,"state":"failed","message":"no route: check the cable",
		 "changed_at":"2026-05-04T03:02:01.000Z","version":"1.0","detector":{"model":"hog","weak":true}},
		{"camera":"porch.front","thing":"porch","name":"front","online":true,"state":"running",
		 "changed_at":"2026-05-04T03:02:01.000Z","version":"1.0","detector":{"model":"hog","weak":true}}]}`, res.Body)
	require.JSONEq(t, `{"cameras":[]}`, w.get(t, "carol", camerasRoute, "", nil).Body)
}

func TestEventHasEverything(t *testing.T) {
	w := newWorld(t)
	e := w.events["alice"][0]
	res := w.get(t, "alice", eventRoute, e.EventID, nil)
	var got Event
	require.NoError(t, json.Unmarshal([]byte(res.Body), &got))
	signed, err := url.Parse(got.ThumbnailUrl)
	require.NoError(t, err)
	require.Equal(t, "/thumbs/"+e.ThumbnailKey, signed.Path)
	require.Equal(t, "900", signed.Query().Get("X-Amz-Expires"))
	require.NotEmpty(t, signed.Query().Get("X-Amz-Signature"))
	got.ThumbnailUrl = ""
	require.Nil(t, got.CloudLabels, "the cloud has not looked")
	require.Equal(t, Event{
		EventId: e.EventID, Sequence: 3, State: EventStateEnded, Camera: "porch.back",
		StartedAt: e.StartedAt, UpdatedAt: e.UpdatedAt, EndedAt: *e.EndedAt,
		Labels: map[string]float64{"person": 0.9}, Zones: []string{"path"}, Score: 0.9,
		Severity: Alert, Appeared: []string{"path"}, Removed: []string{"gate"}, Box: []float64{0, 0, 1, 1},
		Faces: []Face{{Name: "Ann", Distance: 0.3}}, Model: "hog",
		Clip: Clip{Stream: "porch.back", From: e.Clip.From, To: e.Clip.To},
	}, got)
}

func TestEventHasTheCloudsLabels(t *testing.T) {
	w := newWorld(t)
	e := w.events["alice"][0]
	_, err := w.table.MergeLabels(t.Context(), "alice", e.Camera, e.EventID, "etag", map[string]float64{"parcel": 0.75})
	require.NoError(t, err)
	var got Event
	require.NoError(t, json.Unmarshal([]byte(w.get(t, "alice", eventRoute, e.EventID, nil).Body), &got))
	require.Equal(t, map[string]float64{"parcel": 0.75}, got.CloudLabels)
	all := list(t, w.get(t, "alice", eventsRoute, "", nil)).Events
	require.Equal(t, got.CloudLabels, all[0].CloudLabels)
	for _, other := range all[1:] {
		require.Nil(t, other.CloudLabels)
	}
}

func TestPagesAndFilters(t *testing.T) {
	w := newWorld(t)
	for _, filters := range []map[string]string{
		{}, {"camera": "porch.back"}, {"label": "cat"}, {"severity": "alert"}, {"severity": "alert", "camera": "porch.back"}, {"camera": "porch.front", "label": "person"},
		{"from": "2026-05-04T03:04:01Z", "to": "2026-05-04T05:06:01+02:00"},
	} {
		whole := list(t, w.get(t, "alice", eventsRoute, "", filters))
		require.NotEmpty(t, whole.Events, filters)
		require.Empty(t, whole.NextCursor)
		var paged []Event
		query := map[string]string{"limit": "1"}
		for name, v := range filters {
			query[name] = v
		}
		for {
			page := list(t, w.get(t, "alice", eventsRoute, "", query))
			paged = append(paged, page.Events...)
			if page.NextCursor == "" {
				break
			}
			query["cursor"] = page.NextCursor
		}
		require.Equal(t, ids(whole), ids(EventList{Events: paged}), filters)
	}
}

func ids(l EventList) (out []string) {
	for _, e := range l.Events {
		out = append(out, e.EventId)
	}
	return out
}

func TestBadParametersAreNamed(t *testing.T) {
	w := newWorld(t)
	good := list(t, w.get(t, "alice", eventsRoute, "", map[string]string{"limit": "1"})).NextCursor
	require.NotEmpty(t, good)
	for _, c := range []struct{ name, value string }{
		{"limit", "0"}, {"limit", "101"}, {"limit", "ten"}, {"limit", ""}, {"limit", "1e1"},
		{"camera", ""}, {"camera", "porch"}, {"camera", "a#b.c"}, {"camera", strings.Repeat("x", 200)}, {"camera", "\xff"},
		{"label", ""}, {"label", strings.Repeat("é", 65)}, {"severity", ""}, {"severity", "Alert"}, {"from", "yesterday"}, {"to", "2026-05-04"}, {"from", ""},
		{"cursor", ""}, {"cursor", "x"}, {"cursor", strings.Repeat("x", 2000)}, {"cursor", good + "A"}, {"cursor", "A" + good[1:]},
		{"owner", "bob"}, {"%d", "1"},
	} {
		p := problem(t, w.get(t, "alice", eventsRoute, "", map[string]string{c.name: c.value}), 400)
		require.Contains(t, p.Detail, "Parameter "+c.name, c.value)
	}
	for name, v := range map[string]string{"camera": "porch.front", "label": "person", "severity": "alert", "from": "2026-01-01T00:00:00Z", "to": "2027-01-01T00:00:00Z"} {
		p := problem(t, w.get(t, "alice", eventsRoute, "", map[string]string{"limit": "1", "cursor": good, name: v}), 400)
		require.Contains(t, p.Detail, "Parameter cursor", "with another %s", name)
	}
}

func TestUnknownRouteAndNoOwner(t *testing.T) {
	w := newWorld(t)
	for _, route := range []string{"POST /v1/events", "GET /v1/owners", ""} {
		res, err := w.api.Handle(t.Context(), request("alice", route, "", nil))
		require.NoError(t, err)
		problem(t, res, 404)
	}
	for route := range routes(t) {
		problem(t, w.get(t, "", route, w.events["alice"][0].EventID, nil), 401)
		empty := request("x", route, w.events["alice"][0].EventID, nil)
		empty.RequestContext.Authorizer.JWT.Claims = map[string]string{"username": "alice", "owner": "alice"}
		res, err := w.api.Handle(t.Context(), empty)
		require.NoError(t, err)
		problem(t, res, 401)
	}
}

// broken is a Store in which everything fails, with a text that is nobody's
// business.
type broken struct{}

var errInternal = errors.New("dial tcp 10.0.0.7: secret-host refused")

func (broken) Cameras(context.Context, string) ([]*store.Camera, error) { return nil, errInternal }
func (broken) Camera(context.Context, string, string) (*store.Camera, error) {
	return nil, errInternal
}
func (broken) HasCamera(context.Context, string, string) (bool, error) { return false, errInternal }
func (broken) OwnerOf(context.Context, string) (string, error)         { return "", errInternal }
func (broken) LabeledEvent(context.Context, string, string) (*store.Labeled, error) {
	return nil, errInternal
}
func (broken) Events(context.Context, string, store.Query) (*store.Page, error) {
	return nil, errInternal
}

func TestFailuresAreLoggedAndNotTold(t *testing.T) {
	var log bytes.Buffer
	w := &world{api: New(Config{Store: broken{}, Log: slog.New(slog.NewTextHandler(&log, nil))})}
	for route := range routes(t) {
		log.Reset()
		id := "01J8Z3NDEKTSV4RRFFQ69G5FAV"
		if strings.Contains(route, "{camera}") {
			id = "porch.front"
		}
		res := w.get(t, "alice", route, id, nil)
		p := problem(t, res, 500)
		require.Contains(t, p.Detail, "req-1")
		require.NotContains(t, res.Body, "secret-host")
		require.Contains(t, log.String(), "secret-host")
		require.Contains(t, log.String(), "request_id=req-1")
	}
}

// one is a Store with one event, and cameras.
type one struct {
	broken
	e       *event.Event
	owner   string // of its thing
	cameras []*store.Camera
}

func (o one) Cameras(context.Context, string) ([]*store.Camera, error) { return o.cameras, nil }

func TestCamerasAreByName(t *testing.T) {
	w := &world{api: New(Config{Log: slog.New(slog.DiscardHandler), Store: one{cameras: []*store.Camera{
		{Camera: "a.yard", Name: "yard", State: event.CameraRunning}, {Camera: "b.door", Name: "door", State: event.CameraEnded},
		{Camera: "c.door", Name: "door", State: event.CameraRunning},
	}}})}
	var got CameraList
	require.NoError(t, json.Unmarshal([]byte(w.get(t, "alice", camerasRoute, "", nil).Body), &got))
	require.Len(t, got.Cameras, 3)
	require.Equal(t, "b.door c.door a.yard", got.Cameras[0].Camera+" "+got.Cameras[1].Camera+" "+got.Cameras[2].Camera)
}

func (o one) LabeledEvent(context.Context, string, string) (*store.Labeled, error) {
	return &store.Labeled{Event: *o.e}, nil
}

func TestThumbnailIsTheThingsOrNone(t *testing.T) {
	e := &event.Event{Camera: "porch.front", ThumbnailKey: "thumbnails/shed/x.jpg", Sequence: 1, State: event.Started}
	presign := func(_ context.Context, key string) (string, error) {
		if strings.Contains(key, "fail") {
			return "", errInternal
		}
		return "https://bucket/" + key, nil
	}
	w := &world{api: New(Config{Store: one{e: e}, Presign: presign, Log: slog.New(slog.DiscardHandler)})}
	for key, want := range map[string]string{
		"thumbnails/shed/x.jpg":     "",
		"thumbnails/porch/fail.jpg": "",
		"thumbnails/porch/x.jpg":    "https://bucket/thumbnails/porch/x.jpg",
	} {
		e.ThumbnailKey = key
		var got Event
		require.NoError(t, json.Unmarshal([]byte(w.get(t, "alice", eventRoute, "x", nil).Body), &got))
		require.Equal(t, want, got.ThumbnailUrl, key)
	}
}

func FuzzHandle(f *testing.F) {
	a := New(Config{Store: broken{}, Log: slog.New(slog.DiscardHandler), Cursors: func() *cursor.Signer {
		s, err := cursor.New(make([]byte, cursor.MinKey))
		require.NoError(f, err)
		return s
	}()})
	f.Add(eventsRoute, "limit", "5")
	f.Add(eventsRoute, "from", "2026-05-04T03:02:01Z")
	f.Add(eventsRoute, "cursor", "AAAA")
	f.Add(eventRoute, "\xff", "\x00")
	f.Add(playCameraRoute, "protocol", "porch.front")
	f.Add(viewRoute, "owner", "porch.front")
	f.Fuzz(func(t *testing.T, route, name, value string) {
		res, err := a.Handle(t.Context(), request("alice", route, value, map[string]string{name: value}))
		if err != nil || !json.Valid([]byte(res.Body)) || res.StatusCode < 400 {
			t.Fatal(fmt.Sprint(res, err))
		}
	})
}
