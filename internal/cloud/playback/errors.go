package playback

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
)

// Errors of a Player; match them with errors.Is.
var (
	// ErrNoVideo: nothing was uploaded, or it is no longer kept.
	ErrNoVideo = errors.New("there is no video of that time")
	// ErrNotYet: nothing has come so far of a time that has only just passed.
	ErrNotYet = errors.New("there is no video of that time yet")
	// ErrBusy: throttled, out of reach or out of time; worth another try.
	ErrBusy = errors.New("the video service does not answer now")
	// ErrFormat: the video cannot be played, or put into one file.
	ErrFormat = errors.New("the video's format does not allow it")
)

// TooLongError says that a range has more video than fits into one file.
type TooLongError struct {
	Until time.Time // a range with the same start may end here
}

func (e *TooLongError) Error() string {
	return "the range has more video than fits into one file: it may end at " + e.Until.Format(time.RFC3339Nano)
}

// settled is how long video may be under way, an outage aside: what is newer
// and not there is not there yet.
const settled = 2 * time.Minute

// missing is the error for a range that has no video.
func (p *Player) missing(to time.Time) error {
	if p.cfg.Now().Sub(to) < settled {
		return ErrNotYet
	}
	return ErrNoVideo
}

// explain tells what is not there from what is not there yet.
func (p *Player) explain(err error, to time.Time) error {
	if errors.Is(err, ErrNoVideo) {
		return fmt.Errorf("%w: %w", p.missing(to), err)
	}
	return err
}

// classify makes what the service or the network said one of the errors above
// where it is one; what is left is a fault of ours, such as a missing permission.
func classify(err error) error {
	var said smithy.APIError
	if !errors.As(err, &said) {
		if err == nil || errors.Is(err, context.Canceled) {
			return err
		}
		return fmt.Errorf("%w: %w", ErrBusy, err)
	}
	switch said.ErrorCode() {
	case "ResourceNotFoundException", "NoDataRetentionException":
		return fmt.Errorf("%w: %w", ErrNoVideo, err)
	case throttling, "ThrottlingException", "RequestTimeout":
		return fmt.Errorf("%w: %w", ErrBusy, err)
	case "UnsupportedStreamMediaTypeException", "MissingCodecPrivateDataException", "InvalidCodecPrivateDataException",
		"InvalidMediaFrameException":
		return fmt.Errorf("%w: %w", ErrFormat, err)
	}
	var answer *awshttp.ResponseError
	if errors.As(err, &answer) && answer.HTTPStatusCode() >= http.StatusInternalServerError {
		return fmt.Errorf("%w: %w", ErrBusy, err)
	}
	return err
}
