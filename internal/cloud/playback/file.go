package playback

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// fresh is how old a file may be that is used again. They are removed at the
// end of the day after they are a day old, which must not be while somebody
// downloads one.
const fresh = 20 * time.Hour

// mostFileBytes is beyond what a clip can be, its index included.
const mostFileBytes = 2 * mostClipBytes

// errFile: a clip broke off, or would not end.
var errFile = errors.New("clip was not received whole")

// kept returns the size of a file that can be used again, 0 when there is none.
func (p *Player) kept(ctx context.Context, key string) (int64, error) {
	out, err := p.cfg.Objects.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &p.cfg.Bucket, Key: &key})
	var answer *awshttp.ResponseError
	// Whoever cannot list is told that what is not there is forbidden.
	if errors.As(err, &answer) && (answer.HTTPStatusCode() == http.StatusNotFound || answer.HTTPStatusCode() == http.StatusForbidden) {
		return 0, nil
	}
	if err != nil {
		return 0, classify(fmt.Errorf("look for a clip: %w", err))
	}
	if p.cfg.Now().Sub(aws.ToTime(out.LastModified)) > fresh {
		return 0, nil
	}
	return aws.ToInt64(out.ContentLength), nil
}

// keep downloads a clip and uploads it. In between it is a file that has no
// name any more: what broke off never becomes an object, and nothing is held
// in memory.
func (p *Player) keep(ctx context.Context, camera string, c Clip, fetch func(context.Context) (io.ReadCloser, error)) (int64, error) {
	file, err := os.CreateTemp(p.cfg.TempDir, "clip-*.mp4")
	if err != nil {
		return 0, fmt.Errorf("clip on its way: %w", err)
	}
	defer file.Close()
	if err := os.Remove(file.Name()); err != nil {
		return 0, fmt.Errorf("clip on its way: %w", err)
	}
	var size int64
	for try := 1; ; try++ {
		if size, err = download(ctx, file, fetch); err == nil {
			break
		}
		if !errors.Is(err, errFile) || try == attempts || ctx.Err() != nil {
			return 0, err
		}
	}
	_, err = p.cfg.Objects.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &p.cfg.Bucket, Key: &c.Key, Body: file, ContentLength: &size, ContentType: aws.String("video/mp4"),
		ContentDisposition: aws.String(`attachment; filename="` + fileName(camera, c) + `"`),
		CacheControl:       aws.String("private"),
	})
	if err != nil {
		return 0, classify(fmt.Errorf("keep clip: %w", err))
	}
	return size, nil
}

// download fills a file and puts it back to its start.
func download(ctx context.Context, file *os.File, fetch func(context.Context) (io.ReadCloser, error)) (int64, error) {
	if err := errors.Join(file.Truncate(0), rewind(file)); err != nil {
		return 0, fmt.Errorf("clip on its way: %w", err)
	}
	body, err := fetch(ctx)
	if err != nil {
		return 0, err
	}
	defer body.Close()
	size, err := io.Copy(file, io.LimitReader(body, mostFileBytes+1))
	switch {
	case err != nil:
		return 0, fmt.Errorf("%w: %w: %w", ErrBusy, errFile, err)
	case size == 0 || size > mostFileBytes:
		return 0, fmt.Errorf("%w: %w: %d bytes", ErrBusy, errFile, size)
	}
	return size, rewind(file)
}

func rewind(file *os.File) error {
	_, err := file.Seek(0, io.SeekStart)
	return err
}
