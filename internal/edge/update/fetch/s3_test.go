package fetch_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/stretchr/testify/require"

	"porchlight/internal/edge/update/fetch"
)

// objects is a bucket whose first answers break off.
type objects struct {
	data   []byte
	breaks int
	asked  []string
	status int
}

func (o *objects) GetObject(_ context.Context, in *s3.GetObjectInput, _ ...func(*s3.Options)) (*s3.GetObjectOutput, error) {
	o.asked = append(o.asked, fmt.Sprintf("%s %s %s", *in.Bucket, *in.Key, aws.ToString(in.Range)))
	if o.status != 0 {
		return nil, &awshttp.ResponseError{ResponseError: &smithyhttp.ResponseError{
			Response: &smithyhttp.Response{Response: &http.Response{StatusCode: o.status}}, Err: fmt.Errorf("access denied"),
		}}
	}
	var from int64
	out := &s3.GetObjectOutput{}
	if in.Range != nil {
		_, _ = fmt.Sscanf(*in.Range, "bytes=%d-", &from)
		out.ContentRange = aws.String(fmt.Sprintf("bytes %d-%d/%d", from, len(o.data)-1, len(o.data)))
	}
	var body io.Reader = bytes.NewReader(o.data[from:])
	if o.breaks--; o.breaks >= 0 {
		body = io.LimitReader(body, 1000)
	}
	out.Body = io.NopCloser(body)
	return out, nil
}

func TestObjectsAreResumed(t *testing.T) {
	s := serve(t, nil)
	o := &objects{data: s.data, breaks: 2}
	d, f := s.downloader(), s.file()
	d.Source, f.URL = fetch.New(s.Client(), o), "s3://parts/updates/a b.onnx"
	_, err := d.Get(t.Context(), f, func(int64) {})
	require.NoError(t, err)
	require.Equal(t, []string{"parts updates/a b.onnx ", "parts updates/a b.onnx bytes=1000-", "parts updates/a b.onnx bytes=2000-"}, o.asked)
}

func TestObjectsThatMayNotBeRead(t *testing.T) {
	s := serve(t, nil)
	d, f := s.downloader(), s.file()
	f.URL = "s3://parts/key"
	_, err := d.Get(t.Context(), f, func(int64) {})
	require.ErrorIs(t, err, fetch.ErrRefused)
	require.ErrorContains(t, err, "no access to S3")

	o := &objects{status: http.StatusForbidden}
	d.Source = fetch.New(s.Client(), o)
	_, err = d.Get(t.Context(), f, func(int64) {})
	require.ErrorIs(t, err, fetch.ErrRefused)
	require.True(t, strings.Contains(err.Error(), "role must be allowed to read s3://parts/key"), err)
	require.Len(t, o.asked, 1)
}
