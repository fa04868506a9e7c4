package producer

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesisvideo"
	"github.com/stretchr/testify/require"
)

// control is as much of the control plane as the producer asks for.
type control struct {
	mu       sync.Mutex
	calls    []string
	created  map[string]any
	images   map[string]any // how pictures are made; nil: not at all
	describe int            // calls until a new stream is active
	deny     string         // error to everything
}

func (c *control) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls = append(c.calls, r.URL.Path)
	var in map[string]any
	_ = json.NewDecoder(r.Body).Decode(&in)
	fail := func(status int, kind string) {
		w.Header().Set("x-amzn-ErrorType", kind)
		w.WriteHeader(status)
		_, _ = w.Write([]byte(`{"Message":"no"}`))
	}
	w.Header().Set("Content-Type", "application/json")
	switch {
	case c.deny != "":
		fail(http.StatusForbidden, c.deny)
	case r.URL.Path == "/createStream":
		c.created = in
		_, _ = w.Write([]byte(`{"StreamARN":"arn:x"}`))
	case c.created == nil:
		fail(http.StatusNotFound, "ResourceNotFoundException")
	case r.URL.Path == "/describeStream":
		status := "CREATING"
		if c.describe--; c.describe < 0 {
			status = "ACTIVE"
		}
		_, _ = w.Write([]byte(`{"StreamInfo":{"Status":"` + status + `"}}`))
	case r.URL.Path == "/getDataEndpoint" && in["APIName"] == "PUT_MEDIA":
		_, _ = w.Write([]byte(`{"DataEndpoint":"https://s-1.example"}`))
	case r.URL.Path == "/updateImageGenerationConfiguration":
		c.images, _ = in["ImageGenerationConfiguration"].(map[string]any)
		_, _ = w.Write([]byte("{}"))
	case r.URL.Path == "/describeImageGenerationConfiguration":
		_ = json.NewEncoder(w).Encode(map[string]any{"ImageGenerationConfiguration": c.images})
	default:
		fail(http.StatusBadRequest, "InvalidArgumentException")
	}
}

func newStreams(t *testing.T, c *control) *Streams {
	web := httptest.NewServer(c)
	t.Cleanup(web.Close)
	transport := &http.Transport{DisableKeepAlives: true}
	return NewStreams(StreamsConfig{
		Client: kinesisvideo.New(kinesisvideo.Options{
			Region: "eu-central-1", BaseEndpoint: aws.String(web.URL), Credentials: static,
			HTTPClient: &http.Client{Transport: transport}, Retryer: aws.NopRetryer{},
		}),
		Retention: 36*time.Hour + time.Minute, KMSKey: "alias/home", Tags: map[string]string{"thing": "home"},
	})
}

func TestStreamIsCreatedOnce(t *testing.T) {
	c := &control{describe: 1}
	s := newStreams(t, c)
	for range 2 {
		endpoint, err := s.Endpoint(t.Context(), "door", false)
		require.NoError(t, err)
		require.Equal(t, "https://s-1.example", endpoint)
	}
	require.Equal(t, []string{"/getDataEndpoint", "/createStream", "/describeStream", "/describeStream", "/getDataEndpoint"}, c.calls)
	require.Equal(t, map[string]any{
		"StreamName": "door", "DataRetentionInHours": 37.0, "KmsKeyId": "alias/home", "MediaType": "video/h264",
		"Tags": map[string]any{"thing": "home"},
	}, c.created)
	_, err := s.Endpoint(t.Context(), "door", true)
	require.NoError(t, err)
	require.Len(t, c.calls, 6, "renewed")
}

func TestStreamFaults(t *testing.T) {
	c := &control{deny: "AccessDeniedException"}
	s := newStreams(t, c)
	_, err := s.Endpoint(t.Context(), "door", false)
	require.ErrorIs(t, err, ErrStream)
	require.ErrorContains(t, err, "door")
	c.deny = "InternalFailure"
	_, err = s.Endpoint(t.Context(), "door", false)
	require.ErrorIs(t, err, ErrConnection)
	require.NotErrorIs(t, err, ErrStream)
}

func TestPrepareHasPicturesMade(t *testing.T) {
	c := &control{}
	s := newStreams(t, c)
	s.cfg.Images = &Images{Bucket: "pictures", Region: "eu-central-1", Interval: 3 * time.Second, Width: 640}
	require.NoError(t, s.Prepare(t.Context(), "door", false))
	require.NotContains(t, c.calls, "/updateImageGenerationConfiguration", "none were asked for")

	for range 2 {
		require.NoError(t, s.Prepare(t.Context(), "door", true))
	}
	require.Equal(t, []string{"/describeImageGenerationConfiguration", "/updateImageGenerationConfiguration", "/describeImageGenerationConfiguration"},
		c.calls[len(c.calls)-3:], "what is so already is left alone")
	require.Equal(t, map[string]any{
		"DestinationConfig": map[string]any{"Uri": "s3://pictures", "DestinationRegion": "eu-central-1"},
		"Format":            "JPEG", "ImageSelectorType": "PRODUCER_TIMESTAMP", "SamplingInterval": 3000., "Status": "ENABLED", "WidthPixels": 640.,
	}, c.images)

	c.deny = "AccessDeniedException"
	require.ErrorIs(t, s.Prepare(t.Context(), "door", true), ErrStream)
}
