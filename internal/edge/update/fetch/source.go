package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// Objects is what of S3 is needed.
type Objects interface {
	GetObject(context.Context, *s3.GetObjectInput, ...func(*s3.Options)) (*s3.GetObjectOutput, error)
}

// CheckURL refuses what is neither https://host/… nor s3://bucket/key.
func CheckURL(address string) error {
	u, err := url.Parse(address)
	switch {
	case err != nil || len(address) > 2048:
		return fmt.Errorf("address %.80q: want https://host/path or s3://bucket/key", address)
	case u.Scheme == "https" && u.Host != "" && u.User == nil:
		return nil
	case u.Scheme == "s3" && u.Host != "" && len(u.Path) > 1:
		return nil
	}
	return fmt.Errorf("address %.80q: want https://host/path or s3://bucket/key", address)
}

// New returns a source for both kinds of addresses. With objects nil there
// are no s3:// ones. The client follows no redirect away from https.
func New(client *http.Client, objects Objects) Source {
	own := *client
	own.CheckRedirect = func(r *http.Request, via []*http.Request) error {
		if r.URL.Scheme != "https" || len(via) > 5 {
			return fmt.Errorf("%w: it redirects away from https, or for ever", ErrRefused)
		}
		return nil
	}
	return sources{&own, objects}
}

type sources struct {
	client  *http.Client
	objects Objects
}

func (s sources) Open(ctx context.Context, address string, offset int64) (io.ReadCloser, int64, error) {
	if err := CheckURL(address); err != nil {
		return nil, 0, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	if rest, isObject := strings.CutPrefix(address, "s3://"); isObject {
		bucket, key, _ := strings.Cut(rest, "/")
		return s.object(ctx, bucket, key, offset)
	}
	return s.page(ctx, address, offset)
}

func (s sources) page(ctx context.Context, address string, offset int64) (io.ReadCloser, int64, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, 0, fmt.Errorf("%w: %w", ErrRefused, hide(err))
	}
	request.Header.Set("Accept-Encoding", "identity") // ranges count bytes of the file itself
	if offset > 0 {
		request.Header.Set("Range", fmt.Sprintf("bytes=%d-", offset))
	}
	response, err := s.client.Do(request)
	if err != nil {
		return nil, 0, hide(err)
	}
	switch code := response.StatusCode; {
	case code == http.StatusOK:
		return response.Body, 0, nil
	case code == http.StatusPartialContent && strings.HasPrefix(response.Header.Get("Content-Range"), fmt.Sprintf("bytes %d-", offset)):
		return response.Body, offset, nil
	case code == http.StatusRequestedRangeNotSatisfiable && offset > 0:
		_ = response.Body.Close()
		return s.page(ctx, address, 0)
	default:
		_ = response.Body.Close()
		return nil, 0, judge(code, "the server answers "+response.Status)
	}
}

func (s sources) object(ctx context.Context, bucket, key string, offset int64) (io.ReadCloser, int64, error) {
	if s.objects == nil {
		return nil, 0, fmt.Errorf("%w: this device has no access to S3", ErrRefused)
	}
	in := &s3.GetObjectInput{Bucket: &bucket, Key: &key}
	if offset > 0 {
		in.Range = aws.String(fmt.Sprintf("bytes=%d-", offset))
	}
	out, err := s.objects.GetObject(ctx, in)
	var answer *awshttp.ResponseError
	switch {
	case err == nil && offset > 0 && !strings.HasPrefix(aws.ToString(out.ContentRange), fmt.Sprintf("bytes %d-", offset)):
		return out.Body, 0, nil
	case err == nil:
		return out.Body, offset, nil
	case errors.As(err, &answer) && answer.HTTPStatusCode() == http.StatusRequestedRangeNotSatisfiable && offset > 0:
		return s.object(ctx, bucket, key, 0)
	case errors.As(err, &answer):
		return nil, 0, judge(answer.HTTPStatusCode(), fmt.Sprintf("S3 answers %v: the device's role must be allowed to read s3://%s/%s", err, bucket, key))
	}
	return nil, 0, err
}

// judge says of a status whether asking again may help.
func judge(code int, text string) error {
	if code >= 500 || code == http.StatusTooManyRequests || code == http.StatusRequestTimeout {
		return errors.New(text)
	}
	return fmt.Errorf("%w: %s", ErrRefused, text)
}

// hide leaves the address out of an error: the query of one that is presigned
// is a secret.
func hide(err error) error {
	var with *url.Error
	if errors.As(err, &with) {
		return with.Err
	}
	return err
}
