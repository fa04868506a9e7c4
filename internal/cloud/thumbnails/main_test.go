package thumbnails

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"porchlight/internal/cloud/store"
	"porchlight/internal/event"
	"porchlight/internal/localcloud/dynamo/dynamotest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// t0 is beyond the reach of the sweeper, which goes by the real time.
var t0 = time.Date(2100, 5, 4, 3, 2, 1, 0, time.UTC)

var errDown = errors.New("service is down")

// home is a table with alice's porch and bob's shed, and what was done.
type home struct {
	t        *testing.T
	table    *store.Store
	cfg      Config
	log      bytes.Buffer
	now      time.Time
	metadata map[string]string

	mu      sync.Mutex
	looked  []string // keys
	labels  map[string]float64
	failing error // of looking
	notices []Notice
	delays  []time.Duration
}

func newHome(t *testing.T) *home {
	t.Helper()
	server := dynamotest.Start(t)
	require.NoError(t, server.Provision(t.Context(), dynamotest.Table()))
	transport := &http.Transport{MaxIdleConnsPerHost: 8}
	t.Cleanup(transport.CloseIdleConnections)
	h := &home{t: t, now: t0, labels: map[string]float64{"person": 0.5}}
	h.table = store.New(store.Config{Table: dynamotest.Table().TableName, Now: func() time.Time { return h.now }, API: dynamodb.New(dynamodb.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(server.Endpoint()), HTTPClient: &http.Client{Transport: transport},
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	})})
	require.NoError(t, h.table.Claim(t.Context(), "porch", "alice"))
	require.NoError(t, h.table.Claim(t.Context(), "shed", "bob"))
	h.cfg = Config{
		Store: h.table, Bucket: "thumbs", Look: h.look, Cooldown: time.Minute, Notify: h.notify,
		Metadata: func(context.Context, Picture) (map[string]string, error) {
			if h.metadata == nil {
				return nil, fmt.Errorf("%w: 404", ErrGone)
			}
			return h.metadata, nil
		},
		Delay: func(_ context.Context, _ *events.SQSMessage, d time.Duration) error {
			h.delays = append(h.delays, d)
			return nil
		},
		Log: slog.New(slog.NewJSONHandler(&h.log, nil)), Now: func() time.Time { return h.now },
	}
	return h
}

func (h *home) look(_ context.Context, p Picture) (map[string]float64, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.looked = append(h.looked, p.Key)
	return h.labels, h.failing
}

func (h *home) notify(_ context.Context, n Notice) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.notices = append(h.notices, n)
	return nil
}

// happens puts an event into the table.
func (h *home) happens(owner, camera string, severity event.Severity) *event.Event {
	h.t.Helper()
	e := &event.Event{
		EventID: event.NewID(t0), Sequence: 1, State: event.Started, Camera: camera, StartedAt: event.At(t0), UpdatedAt: event.At(t0),
		Labels: map[string]float64{"person": 0.75}, Severity: severity, Zones: []string{"drive"}, Faces: []event.Face{}, Score: 0.75, Model: "m",
	}
	h.upsert(owner, e)
	return e
}

func (h *home) upsert(owner string, e *event.Event) {
	h.t.Helper()
	_, err := h.table.UpsertEvent(h.t.Context(), owner, e, t0.Add(24*time.Hour))
	require.NoError(h.t, err)
}

func (h *home) stored(owner string, e *event.Event) *store.Labeled {
	h.t.Helper()
	got, err := h.table.LabeledEvent(h.t.Context(), owner, e.EventID)
	require.NoError(h.t, err)
	return got
}

func keyOf(e *event.Event) string {
	thing, _, _ := event.SplitCamera(e.Camera)
	return "thumbnails/" + thing + "/" + e.Camera + "/" + e.EventID + ".jpg"
}

func message(messageID, body string, received int) events.SQSMessage {
	return events.SQSMessage{MessageId: messageID, Body: body, ReceiptHandle: "handle of " + messageID,
		Attributes: map[string]string{"ApproximateReceiveCount": strconv.Itoa(received)}}
}

// put is the message about a picture.
func put(messageID, key, etag string) events.SQSMessage {
	return message(messageID, said("ObjectCreated:Put", "thumbs", key, etag), 1)
}

// handle returns the ids of the messages that come again.
func (h *home) handle(records ...events.SQSMessage) (again []string) {
	h.t.Helper()
	out, err := New(h.cfg).Handle(h.t.Context(), events.SQSEvent{Records: records})
	require.NoError(h.t, err)
	require.NotNil(h.t, out.BatchItemFailures)
	for _, f := range out.BatchItemFailures {
		again = append(again, f.ItemIdentifier)
	}
	return again
}
