package event

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
)

// The messages of face recognition over two SQS queues, and the frames that
// client devices publish for it. Their forms are those of the public project
// https://github.com/Sujith-the-great/aws-iot-greengrass-face-recognition and
// its variants, byte for byte as Python's json.dumps writes them, so that
// either side can be replaced by Porchlight alone.

// Bounds of face messages.
const (
	MaxFaceMessage   = 256 << 10 // bytes of a message body: all that SQS carries
	MaxFaceRequestID = 256       // characters
	MaxFilename      = 256       // characters
)

// The results of a face request that are not a person's name.
const (
	ResultUnknown      = "Unknown"       // a face, but of nobody who is enrolled
	ResultNoFace       = "No-Face"       // no face in the picture
	ResultInvalidImage = "Invalid-Image" // not a picture
	ResultUnauthorized = "Unauthorized"  // the sender belongs to no owner's gallery
)

// The keys under which a request may carry its picture.
const (
	FaceImageKey = "face_image" // what the public project sends, and the default
	FaceKey      = "face"       // what one of its variants sends
)

// ErrFaceImage is returned, beside a request whose RequestID is set, when the
// request's picture is missing or not base64.
var ErrFaceImage = errors.New("no picture in the face request")

// FaceRequest asks whose face is in a picture.
type FaceRequest struct {
	RequestID string // chosen by the sender; the same id is the same request
	Filename  string // of the frame that the face was in; may be empty
	Image     []byte // JPEG of a face crop
}

// FaceResponse answers a FaceRequest.
type FaceResponse struct {
	RequestID string
	Filename  string // left out of the wire form when empty, as the Lambda leaves it
	Result    string // a person's name or one of the Result constants
}

// Marshal returns the request's wire form with the picture under
// FaceImageKey. It fails with ErrInvalid or, over MaxFaceMessage bytes, with
// ErrTooLarge.
func (r *FaceRequest) Marshal() ([]byte, error) { return r.MarshalAs(FaceImageKey) }

// MarshalAs is Marshal with the picture under key, FaceImageKey or FaceKey.
func (r *FaceRequest) MarshalAs(key string) ([]byte, error) {
	if key != FaceImageKey && key != FaceKey {
		return nil, fmt.Errorf("%w: face request: key %q: must be %s or %s", ErrInvalid, clipText(key), FaceImageKey, FaceKey)
	}
	if err := validateRequest(r.RequestID, r.Filename); err != nil {
		return nil, err
	}
	if len(r.Image) == 0 {
		return nil, fmt.Errorf("%w: %w", ErrInvalid, ErrFaceImage)
	}
	body := pythonObject(jsonField{"request_id", r.RequestID}, jsonField{"filename", r.Filename},
		jsonField{key, base64.StdEncoding.EncodeToString(r.Image)})
	if len(body) > MaxFaceMessage {
		return nil, fmt.Errorf("%w: face request is %d bytes, SQS carries %d: make the crop smaller", ErrTooLarge, len(body), MaxFaceMessage)
	}
	return body, nil
}

// ParseFaceRequest reads a request's wire form with the picture under either
// key. It fails with ErrInvalid or ErrTooLarge and a nil request when nobody
// can be answered, and with ErrFaceImage and a request without picture when
// only the picture is at fault.
func ParseFaceRequest(body []byte) (*FaceRequest, error) {
	if len(body) > MaxFaceMessage {
		return nil, fmt.Errorf("%w: face request is %d bytes, the limit is %d", ErrTooLarge, len(body), MaxFaceMessage)
	}
	var wire struct {
		RequestID string `json:"request_id"`
		Filename  string `json:"filename"`
		FaceImage any    `json:"face_image"`
		Face      any    `json:"face"`
	}
	if err := json.Unmarshal(body, &wire); err != nil {
		return nil, fmt.Errorf("%w: face request: %w", ErrInvalid, err)
	}
	if err := validateRequest(wire.RequestID, wire.Filename); err != nil {
		return nil, err
	}
	r := &FaceRequest{RequestID: wire.RequestID, Filename: wire.Filename}
	text, _ := wire.FaceImage.(string)
	if text == "" {
		text, _ = wire.Face.(string)
	}
	if text == "" {
		return r, fmt.Errorf("%w: want base64 under %s or %s", ErrFaceImage, FaceImageKey, FaceKey)
	}
	picture, err := base64.StdEncoding.DecodeString(text)
	switch {
	case err != nil:
		return r, fmt.Errorf("%w: %w", ErrFaceImage, err)
	case len(picture) == 0: // nothing but line breaks
		return r, ErrFaceImage
	}
	r.Image = picture
	return r, nil
}

// Marshal returns the response's wire form, or ErrInvalid.
func (r *FaceResponse) Marshal() ([]byte, error) {
	if err := validateRequest(r.RequestID, r.Filename); err != nil {
		return nil, err
	}
	if !isText(r.Result, MaxName) {
		return nil, fmt.Errorf("%w: face response: result %q: want 1 to %d characters", ErrInvalid, clipText(r.Result), MaxName)
	}
	fields := []jsonField{{"request_id", r.RequestID}}
	if r.Filename != "" {
		fields = append(fields, jsonField{"filename", r.Filename})
	}
	return pythonObject(append(fields, jsonField{"result", r.Result})...), nil
}

// ParseFaceResponse reads a response's wire form. It fails with ErrInvalid or
// ErrTooLarge.
func ParseFaceResponse(body []byte) (*FaceResponse, error) {
	if len(body) > MaxFaceMessage {
		return nil, fmt.Errorf("%w: face response is %d bytes, the limit is %d", ErrTooLarge, len(body), MaxFaceMessage)
	}
	var wire struct {
		RequestID string `json:"request_id"`
		Filename  string `json:"filename"`
		Result    string `json:"result"`
	}
	if err := json.Unmarshal(body, &wire); err != nil {
		return nil, fmt.Errorf("%w: face response: %w", ErrInvalid, err)
	}
	r := &FaceResponse{RequestID: wire.RequestID, Filename: wire.Filename, Result: wire.Result}
	if _, err := r.Marshal(); err != nil {
		return nil, err
	}
	return r, nil
}

// validateRequest judges what every face message holds.
func validateRequest(id, filename string) error {
	if !isText(id, MaxFaceRequestID) {
		return fmt.Errorf("%w: face message: request_id %q: want 1 to %d characters", ErrInvalid, clipText(id), MaxFaceRequestID)
	}
	if filename != "" && !isText(filename, MaxFilename) {
		return fmt.Errorf("%w: face message: filename %q: at most %d characters", ErrInvalid, clipText(filename), MaxFilename)
	}
	return nil
}
