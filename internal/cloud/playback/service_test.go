package playback

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/kinesisvideo"
	kvtypes "github.com/aws/aws-sdk-go-v2/service/kinesisvideo/types"
	"github.com/aws/aws-sdk-go-v2/service/kinesisvideoarchivedmedia"
	"github.com/aws/aws-sdk-go-v2/service/kinesisvideoarchivedmedia/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var t0 = time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)

// service is a Kinesis Video Streams with one stream, porch.front, that lists
// in no order, as the real one does. What it plays is not played here.
type service struct {
	mu        sync.Mutex
	fragments []types.Fragment
	endpoint  string
	asked     []kvtypes.APIName // for endpoints
	lists     int
	hls       []*kinesisvideoarchivedmedia.GetHLSStreamingSessionURLInput
	dash      []*kinesisvideoarchivedmedia.GetDASHStreamingSessionURLInput
	clips     []*kinesisvideoarchivedmedia.GetClipInput
	film      func(try int) io.Reader // body of GetClip
	fail      func(operation string) error
	failed    int

	objects map[string]object
}

type object struct {
	in   *s3.PutObjectInput
	body []byte
	at   time.Time
}

// world is a Player of that service, and a clock.
type world struct {
	*Player
	*service
	now time.Time
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{service: &service{endpoint: "https://one", objects: map[string]object{}}, now: t0.Add(time.Hour)}
	w.film = func(int) io.Reader { return bytes.NewReader([]byte("an MP4 file")) }
	w.Player = New(Config{Streams: w, Media: w, Objects: w, Bucket: "thumbs", TempDir: t.TempDir(), Now: func() time.Time { return w.now }})
	return w
}

// record adds fragments of some length, one after another.
func (s *service) record(from time.Time, n int, length time.Duration) {
	for i := range n {
		at := from.Add(time.Duration(i) * length)
		s.fragments = append(s.fragments, types.Fragment{
			FragmentNumber: aws.String(strconv.Itoa(1e6 + len(s.fragments))), ProducerTimestamp: &at,
			FragmentLengthInMilliseconds: length.Milliseconds(), FragmentSizeInBytes: 1000,
		})
	}
}

func (s *service) trouble(operation string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail == nil {
		return nil
	}
	err := s.fail(operation)
	if err != nil {
		s.failed++
	}
	return err
}

func (s *service) GetDataEndpoint(_ context.Context, in *kinesisvideo.GetDataEndpointInput, _ ...func(*kinesisvideo.Options)) (*kinesisvideo.GetDataEndpointOutput, error) {
	if err := s.trouble("GetDataEndpoint"); err != nil {
		return nil, err
	}
	if *in.StreamName != "porch.front" {
		return nil, &kvtypes.ResourceNotFoundException{}
	}
	s.asked = append(s.asked, in.APIName)
	return &kinesisvideo.GetDataEndpointOutput{DataEndpoint: &s.endpoint}, nil
}

// at checks that a request goes where the service is.
func (s *service) at(options []func(*kinesisvideoarchivedmedia.Options)) error {
	var o kinesisvideoarchivedmedia.Options
	for _, set := range options {
		set(&o)
	}
	if aws.ToString(o.BaseEndpoint) != s.endpoint {
		return errors.New("dial: nobody listens at " + aws.ToString(o.BaseEndpoint))
	}
	return nil
}

func (s *service) ListFragments(_ context.Context, in *kinesisvideoarchivedmedia.ListFragmentsInput, options ...func(*kinesisvideoarchivedmedia.Options)) (*kinesisvideoarchivedmedia.ListFragmentsOutput, error) {
	if err := errors.Join(s.at(options), s.trouble("ListFragments")); err != nil {
		return nil, err
	}
	s.lists++
	var found []types.Fragment
	r := in.FragmentSelector.TimestampRange
	for _, f := range s.fragments {
		if !f.ProducerTimestamp.Before(*r.StartTimestamp) && !f.ProducerTimestamp.After(*r.EndTimestamp) {
			found = append(found, f)
		}
	}
	// Each page has some of everywhere.
	pages := (len(found) + int(*in.MaxResults) - 1) / int(*in.MaxResults)
	page, _ := strconv.Atoi(aws.ToString(in.NextToken))
	out := &kinesisvideoarchivedmedia.ListFragmentsOutput{}
	for i := page; i < len(found); i += pages {
		out.Fragments = append(out.Fragments, found[i])
	}
	slices.Reverse(out.Fragments)
	if page+1 < pages {
		out.NextToken = aws.String(strconv.Itoa(page + 1))
	}
	return out, nil
}

func (s *service) GetHLSStreamingSessionURL(_ context.Context, in *kinesisvideoarchivedmedia.GetHLSStreamingSessionURLInput, options ...func(*kinesisvideoarchivedmedia.Options)) (*kinesisvideoarchivedmedia.GetHLSStreamingSessionURLOutput, error) {
	if err := errors.Join(s.at(options), s.trouble("GetHLSStreamingSessionURL")); err != nil {
		return nil, err
	}
	s.hls = append(s.hls, in)
	return &kinesisvideoarchivedmedia.GetHLSStreamingSessionURLOutput{HLSStreamingSessionURL: aws.String("https://hls")}, nil
}

func (s *service) GetDASHStreamingSessionURL(_ context.Context, in *kinesisvideoarchivedmedia.GetDASHStreamingSessionURLInput, options ...func(*kinesisvideoarchivedmedia.Options)) (*kinesisvideoarchivedmedia.GetDASHStreamingSessionURLOutput, error) {
	if err := errors.Join(s.at(options), s.trouble("GetDASHStreamingSessionURL")); err != nil {
		return nil, err
	}
	s.dash = append(s.dash, in)
	return &kinesisvideoarchivedmedia.GetDASHStreamingSessionURLOutput{DASHStreamingSessionURL: aws.String("https://dash")}, nil
}

func (s *service) GetClip(_ context.Context, in *kinesisvideoarchivedmedia.GetClipInput, options ...func(*kinesisvideoarchivedmedia.Options)) (*kinesisvideoarchivedmedia.GetClipOutput, error) {
	if err := errors.Join(s.at(options), s.trouble("GetClip")); err != nil {
		return nil, err
	}
	s.clips = append(s.clips, in)
	return &kinesisvideoarchivedmedia.GetClipOutput{Payload: io.NopCloser(s.film(len(s.clips)))}, nil
}

func (w *world) HeadObject(_ context.Context, in *s3.HeadObjectInput, _ ...func(*s3.Options)) (*s3.HeadObjectOutput, error) {
	if err := w.trouble("HeadObject"); err != nil {
		return nil, err
	}
	o, ok := w.objects[*in.Key]
	if !ok {
		return nil, answered(http.StatusForbidden, "AccessDenied")
	}
	return &s3.HeadObjectOutput{ContentLength: aws.Int64(int64(len(o.body))), LastModified: &o.at}, nil
}

func (w *world) PutObject(_ context.Context, in *s3.PutObjectInput, _ ...func(*s3.Options)) (*s3.PutObjectOutput, error) {
	if err := w.trouble("PutObject"); err != nil {
		return nil, err
	}
	body, err := io.ReadAll(in.Body)
	if err != nil || int64(len(body)) != *in.ContentLength {
		return nil, fmt.Errorf("%d bytes of %d: %w", len(body), *in.ContentLength, err)
	}
	w.objects[*in.Key] = object{in, body, w.now}
	return &s3.PutObjectOutput{}, nil
}

// answered is an error that the service answers with.
func answered(status int, code string) error {
	return &awshttp.ResponseError{ResponseError: &smithyhttp.ResponseError{
		Response: &smithyhttp.Response{Response: &http.Response{StatusCode: status}}, Err: &smithy.GenericAPIError{Code: code},
	}}
}

// at is some seconds after t0, in whole milliseconds.
func at(seconds float64) time.Time {
	return t0.Add(time.Duration(math.Round(seconds*1000)) * time.Millisecond)
}

func span(from, to float64) Range { return Range{at(from), at(to)} }
