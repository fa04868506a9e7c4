package ingest

import (
	"errors"
	"fmt"
	"net/http"

	"porchlight/internal/localcloud/awsapi"
)

// Error ids of ERROR acknowledgments.
const (
	StreamReadError          = 4000
	FragmentTooLarge         = 4001
	FragmentTooLong          = 4002
	ConnectionTooOld         = 4003
	TimecodeNotAfterPrevious = 4004
	TooManyTracks            = 4005
	InvalidMatroska          = 4006
	InvalidProducerTimestamp = 4007
	StreamNotActive          = 4008
	MetadataLimit            = 4009
	TrackNumberMismatch      = 4010
	FramesMissing            = 4011
	InternalError            = 5000
	ArchivalError            = 5001
)

// errorCode spells an error id as the service does; empty when it is not known.
func errorCode(id int) string {
	return map[int]string{
		StreamReadError:          "STREAM_READ_ERROR",
		FragmentTooLarge:         "MAX_FRAGMENT_SIZE_REACHED",
		FragmentTooLong:          "MAX_FRAGMENT_DURATION_REACHED",
		ConnectionTooOld:         "MAX_CONNECTION_DURATION_REACHED",
		TimecodeNotAfterPrevious: "FRAGMENT_TIMECODE_LESSER_THAN_PREVIOUS",
		TooManyTracks:            "MORE_THAN_ALLOWED_TRACKS_FOUND",
		InvalidMatroska:          "INVALID_MKV_DATA",
		InvalidProducerTimestamp: "INVALID_PRODUCER_TIMESTAMP",
		StreamNotActive:          "STREAM_NOT_ACTIVE",
		MetadataLimit:            "FRAGMENT_METADATA_LIMIT_REACHED",
		TrackNumberMismatch:      "TRACK_NUMBER_MISMATCH",
		FramesMissing:            "FRAMES_MISSING_FOR_TRACK",
		4012:                     "MORE_THAN_ALLOWED_TRACKS_FOUND",
		4500:                     "KMS_KEY_ACCESS_DENIED",
		4501:                     "KMS_KEY_DISABLED",
		4502:                     "KMS_KEY_VALIDATION_ERROR",
		4503:                     "KMS_KEY_UNAVAILABLE",
		4504:                     "KMS_KEY_INVALID_USAGE",
		4505:                     "KMS_KEY_INVALID_STATE",
		4506:                     "KMS_KEY_NOT_FOUND",
		InternalError:            "INTERNAL_ERROR",
		ArchivalError:            "ARCHIVAL_ERROR",
	}[id]
}

// ackError ends a connection with an ERROR acknowledgment.
type ackError struct {
	id  int
	err error
}

func (e *ackError) Error() string { return fmt.Sprintf("%s: %v", errorCode(e.id), e.err) }
func (e *ackError) Unwrap() error { return e.err }

func reject(id int, format string, args ...any) error {
	return &ackError{id, fmt.Errorf(format, args...)}
}

// Reasons why the service ends a connection without an acknowledgment.
var (
	errIdle     = errors.New("nothing was sent for too long")
	errStopping = errors.New("the service is stopping")
	errCut      = errors.New("cut by an injected fault")
)

func apiError(status int, code, format string, args ...any) *awsapi.Error {
	return &awsapi.Error{Code: code, Status: status, Message: fmt.Sprintf(format, args...)}
}

// refuse answers before anything was read.
func refuse(w http.ResponseWriter, r *http.Request, e *awsapi.Error) {
	defer awsapi.Unread(w, r)()
	w.Header().Set("X-Amz-Errortype", e.Code)
	awsapi.WriteError(w, awsapi.RESTJSON, e)
}
