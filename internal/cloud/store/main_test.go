package store_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

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

// t0 is when the tests' events happen; the tests' clocks stand at now.
var (
	t0  = time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)
	now = t0.Add(time.Hour)
	// far is when the tests' events expire: not in the tests' time, and not in
	// the sweeper's either.
	far = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)
)

// api returns a client of a fresh database with the platform's table.
func api(t testing.TB) *dynamodb.Client {
	t.Helper()
	server := dynamotest.Start(t)
	require.NoError(t, server.Provision(t.Context(), dynamotest.Table()))
	transport := &http.Transport{MaxIdleConnsPerHost: 8}
	t.Cleanup(transport.CloseIdleConnections)
	return dynamodb.New(dynamodb.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(server.Endpoint()),
		HTTPClient:  &http.Client{Transport: transport},
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
}

func fresh(t testing.TB) *store.Store {
	t.Helper()
	return over(api(t))
}

func over(a store.API) *store.Store {
	return store.New(store.Config{API: a, Table: dynamotest.Table().TableName, Now: func() time.Time { return now }})
}

// happening makes an event of camera that starts at.
func happening(camera string, at time.Time, sequence int, state event.State, labels ...string) *event.Event {
	e := &event.Event{
		EventID: event.NewID(at), Sequence: sequence, State: state, Camera: camera,
		StartedAt: event.At(at), UpdatedAt: event.At(at.Add(time.Duration(sequence) * time.Second)),
		Labels: map[string]float64{}, Zones: []string{"drive"}, Score: 0.9125,
		Box:          event.Box{X0: 0.1, Y0: 0.2, X1: 0.3, Y1: 0.4},
		ThumbnailKey: "thumbnails/porch/" + camera + "/x.jpg",
		Faces:        []event.Face{{Name: "", Distance: 0.4}}, Model: "yolox-nano",
		Clip: &event.Clip{Stream: camera, From: event.At(at), To: event.At(at.Add(time.Minute))},
	}
	for i, label := range labels {
		e.Labels[label] = 0.5 + float64(i)/10
	}
	if state == event.Ended {
		ended := e.UpdatedAt
		e.EndedAt = &ended
	}
	return e
}

// with gives e a severity and, as it may have them too, things.
func with(e *event.Event, severity event.Severity) *event.Event {
	e.Severity, e.Appeared, e.Removed = severity, []string{"drive"}, []string{"porch"}
	return e
}

func upsert(t testing.TB, s *store.Store, owner string, e *event.Event) {
	t.Helper()
	written, err := s.UpsertEvent(t.Context(), owner, e, far)
	require.NoError(t, err)
	require.True(t, written, fmt.Sprint(e.EventID, e.Sequence))
}
