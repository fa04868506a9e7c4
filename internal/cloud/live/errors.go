package live

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
)

// Errors of a Service; match them with errors.Is.
var (
	// ErrNoChannel: the camera's device has not made it, or it is being deleted.
	ErrNoChannel = errors.New("the camera has no signaling channel")
	// ErrBusy: throttled, out of reach or out of time; worth another try.
	ErrBusy = errors.New("the signaling service does not answer now")
)

// errAnswer is an answer of the service that cannot be used: a fault of ours or
// of the service, of which asking again is no cure.
var errAnswer = errors.New("the signaling service's answer cannot be used")

const notFound = "ResourceNotFoundException"

// elsewhere says that what failed may be somewhere else now.
func elsewhere(err error) bool {
	var said smithy.APIError
	if errors.As(err, &said) {
		return said.ErrorCode() == notFound
	}
	return !errors.Is(err, errAnswer)
}

// classify makes what the service or the network said one of the errors above
// where it is one; what is left is a fault of ours, such as a missing permission.
func classify(err error) error {
	var said smithy.APIError
	if !errors.As(err, &said) {
		if errors.Is(err, context.Canceled) || errors.Is(err, errAnswer) || errors.Is(err, ErrNoChannel) {
			return err
		}
		return fmt.Errorf("%w: %w", ErrBusy, err)
	}
	switch said.ErrorCode() {
	case notFound:
		return fmt.Errorf("%w: %w", ErrNoChannel, err)
	case throttling, "ThrottlingException", "RequestTimeout":
		return fmt.Errorf("%w: %w", ErrBusy, err)
	}
	var answer *awshttp.ResponseError
	if errors.As(err, &answer) && answer.HTTPStatusCode() >= http.StatusInternalServerError {
		return fmt.Errorf("%w: %w", ErrBusy, err)
	}
	return err
}
