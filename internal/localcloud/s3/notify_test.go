package s3

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/stretchr/testify/require"
)

// mailbox is a queue.
type mailbox struct {
	bodies []string
	broken bool
}

func (m *mailbox) Send(_ context.Context, _, body string) error {
	if m.broken {
		return errors.New("the disk is full")
	}
	m.bodies = append(m.bodies, body)
	return nil
}

const telling = `{"BucketName":"thumbs","NotificationConfiguration":{"QueueConfigurations":[{"Event":"s3:ObjectCreated:*",
	"Queue":"arn:aws:sqs:us-east-1:000000000000:q","Filter":{"S3Key":{"Rules":[{"Name":"prefix","Value":"thumbnails/"},{"Name":"suffix","Value":".jpg"}]}}}]}}`

func TestQueuesAreToldOfObjects(t *testing.T) {
	box := &mailbox{}
	now := time.Date(2026, 11, 20, 12, 0, 0, 5e6, time.UTC)
	s, err := Open(Config{Dir: t.TempDir(), Region: "us-east-1", Queues: box, Now: func() time.Time { return now }, Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	defer s.Close()
	require.NoError(t, s.Provision(properties(t, telling)))
	require.NoError(t, s.Provision(properties(t, `{"BucketName":"silent"}`)))

	answer := do(s, "PUT", "/thumbs/thumbnails/porch/a%20b+c(1)%C3%A9.jpg", "jpeg")
	require.Equal(t, 200, answer.Code)
	require.Len(t, box.bodies, 1)
	var got map[string][]map[string]any
	require.NoError(t, json.Unmarshal([]byte(box.bodies[0]), &got))
	record := got["Records"][0]
	require.Equal(t, "2.1", record["eventVersion"])
	require.Equal(t, "aws:s3", record["eventSource"])
	require.Equal(t, "2026-11-20T12:00:00.005Z", record["eventTime"])
	require.Equal(t, "thumbnails/porch/a+b%2Bc%281%29%C3%A9.jpg", record["s3"].(map[string]any)["object"].(map[string]any)["key"])

	var parsed events.S3Event
	require.NoError(t, json.Unmarshal([]byte(box.bodies[0]), &parsed))
	r := parsed.Records[0]
	require.Equal(t, "us-east-1", r.AWSRegion)
	require.Equal(t, "ObjectCreated:Put", r.EventName)
	require.Equal(t, "192.0.2.1", r.RequestParameters.SourceIPAddress)
	require.Equal(t, "thumbs", r.S3.Bucket.Name)
	require.Equal(t, "arn:aws:s3:::thumbs", r.S3.Bucket.Arn)
	require.Equal(t, "thumbnails/porch/a b+c(1)é.jpg", r.S3.Object.URLDecodedKey)
	require.EqualValues(t, 4, r.S3.Object.Size)
	require.Equal(t, answer.Header().Get("ETag"), `"`+r.S3.Object.ETag+`"`)
	object, err := s.Object("thumbs", r.S3.Object.URLDecodedKey, 4)
	require.NoError(t, err)
	require.Equal(t, "jpeg", string(object))

	for _, path := range []string{"/thumbs/thumbnails/a.png", "/thumbs/updates/a.jpg", "/silent/thumbnails/a.jpg"} {
		require.Equal(t, 200, do(s, "PUT", path, "x").Code)
	}
	require.Equal(t, 404, do(s, "PUT", "/nowhere/thumbnails/a.jpg", "x").Code)
	require.Equal(t, http.StatusPreconditionFailed, do(s, "PUT", "/thumbs/thumbnails/porch/a%20b+c(1)%C3%A9.jpg", "x", "If-None-Match", "*").Code)
	require.Equal(t, 200, do(s, "GET", "/thumbs/thumbnails/a.png", "").Code)
	require.Equal(t, 204, do(s, "DELETE", "/thumbs/thumbnails/a.png", "").Code)
	require.Len(t, box.bodies, 1)

	box.broken = true
	answer = do(s, "PUT", "/thumbs/thumbnails/b.jpg", "x")
	require.Equal(t, 500, answer.Code, "whoever is not told of would be forgotten")
	require.Contains(t, answer.Body.String(), "InternalError")
	box.broken = false
	require.Equal(t, 200, do(s, "PUT", "/thumbs/thumbnails/b.jpg", "x").Code)
	require.Len(t, box.bodies, 2)

	require.NoError(t, s.Put(t.Context(), "thumbs", "thumbnails/c.jpg", "image/jpeg", map[string]string{"Event": "01J"}, []byte("picture")))
	require.Len(t, box.bodies, 3, "another service's objects, too")
	require.Contains(t, box.bodies[2], `"key":"thumbnails/c.jpg"`)
	stored := do(s, "GET", "/thumbs/thumbnails/c.jpg", "")
	require.Equal(t, "01J", metadata(stored.Header(), "event"))
	require.Contains(t, box.bodies[2], `"eTag":`+stored.Header().Get("ETag"))
	require.ErrorContains(t, s.Put(t.Context(), "nowhere", "a", "", nil, nil), "there is no bucket")
}

func TestObject(t *testing.T) {
	s := open(t, t.TempDir(), nil)
	require.NoError(t, s.Provision(properties(t, thumbs)))
	require.Equal(t, 200, do(s, "PUT", "/thumbs/a", "12345").Code)
	_, err := s.Object("thumbs", "a", 4)
	require.ErrorIs(t, err, ErrTooLarge)
	_, err = s.Object("thumbs", "b", 4)
	require.ErrorIs(t, err, ErrNoObject)
	_, err = s.Object("nowhere", "a", 4)
	require.ErrorIs(t, err, ErrNoObject)
}

func TestRefusedNotifications(t *testing.T) {
	s := open(t, t.TempDir(), nil)
	require.ErrorIs(t, s.Provision(properties(t, telling)), ErrUnsupported, "without queues")
	s.cfg.Queues = &mailbox{}
	for name, text := range map[string]string{
		"function":    `{"LambdaConfigurations":[{}]}`,
		"topic":       `{"TopicConfigurations":[{}]}`,
		"EventBridge": `{"EventBridgeConfiguration":{"EventBridgeEnabled":true}}`,
		"removal":     `{"QueueConfigurations":[{"Event":"s3:ObjectRemoved:*","Queue":"q"}]}`,
		"no queue":    `{"QueueConfigurations":[{"Event":"s3:ObjectCreated:*"}]}`,
		"two":         `{"QueueConfigurations":[{"Event":"s3:ObjectCreated:*","Queue":"q","Filter":{"S3Key":{"Rules":[{"Name":"prefix"},{"Name":"Prefix"}]}}}]}`,
		"by size":     `{"QueueConfigurations":[{"Event":"s3:ObjectCreated:*","Queue":"q","Filter":{"S3Key":{"Rules":[{"Name":"size","Value":"1"}]}}}]}`,
	} {
		require.Error(t, s.Provision(properties(t, `{"BucketName":"b-c-d","NotificationConfiguration":`+text+`}`)), name)
	}
}
