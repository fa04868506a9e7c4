package producer

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// What can go wrong with an upload. Errors wrap these and name cause and cure.
var (
	ErrRefused    = errors.New("fragment is refused by Kinesis Video Streams")
	ErrRequest    = errors.New("upload is refused by Kinesis Video Streams")
	ErrStalled    = errors.New("upload has stalled")
	ErrConnection = errors.New("upload was interrupted")
)

// reaction is what follows a fault. All but the first close the connection.
type reaction int

const (
	carryOn     reaction = iota
	resend               // open a new connection and send again what is not persisted
	skip                 // the same, without the fragment that was refused
	mute                 // the same, and without sound from now on
	renew                // ask for the endpoint again first, which creates a missing stream
	reauthorize          // get new credentials first
	slow                 // wait longer: only a person can help
)

// fault is an error with what is to be done about it.
type fault struct {
	error
	reaction reaction
}

func (f *fault) Unwrap() error { return f.error }

// refusals says what each error acknowledgement means
// (https://docs.aws.amazon.com/kinesisvideostreams/latest/dg/API_dataplane_PutMedia.html).
//
// A key or stream that a person has disabled is worth waiting for: skipping
// would throw away fragments that can still be saved.
var refusals = map[int]struct {
	reaction reaction
	text     string
}{
	4000: {resend, "reading the stream failed"},
	4001: {skip, "the fragment is too large; lower the camera's bit rate or keyframe interval"},
	4002: {skip, "the fragment is too long; lower the camera's keyframe interval"},
	4003: {resend, "the connection has reached its longest duration"},
	4004: {skip, "the fragment is older than the one before"},
	4005: {mute, "there are too many tracks"},
	4006: {skip, "the fragment is not valid Matroska"},
	4007: {skip, "the time is not accepted; set this machine's clock by NTP"},
	4008: {slow, "the stream is not active or has been deleted"},
	4009: {skip, "the fragment has too many tags"},
	4010: {mute, "a track's number is unknown"},
	4011: {mute, "a track has no frames"},
	4012: {mute, "there are too many tracks"},
	4500: {slow, "access to the stream's KMS key is denied"},
	4501: {slow, "the stream's KMS key is disabled"},
	4502: {slow, "the stream's KMS key is not valid"},
	4503: {slow, "the stream's KMS key is unavailable"},
	4504: {slow, "the stream's KMS key cannot be used for this"},
	4505: {slow, "the stream's KMS key is in a wrong state"},
	4506: {slow, "the stream's KMS key is not found"},
	5000: {resend, "the service has an internal error"},
	5001: {resend, "the service could not store the fragment"},
}

// refusal explains an error acknowledgement. withSound says whether the
// connection has an audio track; without one there is nothing to mute.
func refusal(a ack, withSound bool) *fault {
	known, ok := refusals[a.id]
	if !ok {
		known.reaction, known.text = resend, "unknown error"
	}
	if known.reaction == mute && !withSound {
		known.reaction = skip
	}
	return &fault{fmt.Errorf("%w: %s (%d %s)", ErrRefused, known.text, a.id, a.code), known.reaction}
}

// rejection explains an answer other than 200. kind is its x-amzn-ErrorType.
func rejection(status int, kind, message string) *fault {
	kind, _, _ = strings.Cut(kind, ":") // a URL follows
	text, r := fmt.Sprintf("%d %s", status, http.StatusText(status)), resend
	if kind != "" {
		text += " " + kind
	}
	if message != "" {
		text += ": " + message
	}
	switch {
	case kind == "InvalidEndpointException", status == http.StatusNotFound:
		r = renew
	case kind == "ConnectionLimitExceededException", kind == "ClientLimitExceededException", kind == "ThrottlingException",
		status == http.StatusRequestTimeout, status == http.StatusTooManyRequests, status >= 500:
		r = resend
	case status == http.StatusUnauthorized, status == http.StatusForbidden, kind == "AccessDeniedException",
		kind == "ExpiredTokenException", kind == "UnrecognizedClientException": // some come with 400
		r = reauthorize
		text += "; the device's role needs kinesisvideo:PutMedia on this stream"
	case status >= 400:
		r = slow
	}
	return &fault{fmt.Errorf("%w: %s", ErrRequest, text), r}
}

// reactionTo is the reaction to any error; unless it says otherwise, the
// network is to blame.
func reactionTo(err error) reaction {
	var f *fault
	if errors.As(err, &f) {
		return f.reaction
	}
	return resend
}
