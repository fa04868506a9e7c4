package rekognition

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	_ "image/jpeg" // the two formats of the service
	_ "image/png"
	"io"
	"net/http"

	"porchlight/internal/localcloud/awsapi"
	"porchlight/internal/localcloud/s3"
	"porchlight/internal/localcloud/sts"
)

// request is what is honored of one.
type request struct {
	Image         picture
	MaxLabels     *int64
	MinConfidence *float64 // percent
	Features      []string
	Settings      struct {
		GeneralLabels   map[string][]string
		ImageProperties map[string]any
	}
}

type picture struct {
	Bytes    []byte // base64 on the wire
	S3Object *struct{ Bucket, Name, Version string }
}

// defaultConfidence is from which on labels are told, in percent.
const defaultConfidence = 55

func (r *request) minConfidence() float64 {
	if r.MinConfidence == nil {
		return defaultConfidence
	}
	return *r.MinConfidence
}

func refuse(code, format string, args ...any) *awsapi.Error {
	return &awsapi.Error{Code: code, Message: fmt.Sprintf(format, args...), Status: http.StatusBadRequest}
}

func invalid(format string, args ...any) *awsapi.Error {
	return refuse("InvalidParameterException", format, args...)
}

func readRequest(body io.Reader) (*request, error) {
	var in request
	if err := json.NewDecoder(io.LimitReader(body, 2*maxBytes)).Decode(&in); err != nil {
		return nil, refuse("SerializationException", "the request is not what DetectLabels takes: %v", err)
	}
	switch {
	case in.MaxLabels != nil && *in.MaxLabels < 0:
		return nil, invalid("MaxLabels %d: want 0 or more", *in.MaxLabels)
	case !(in.minConfidence() >= 0 && in.minConfidence() <= 100):
		return nil, invalid("MinConfidence %v: want 0 to 100", in.minConfidence())
	case len(in.Settings.ImageProperties) > 0:
		return nil, invalid("the local Rekognition does not offer image properties")
	}
	for _, feature := range in.Features {
		if feature != "GENERAL_LABELS" {
			return nil, invalid("feature %.40q: the local Rekognition offers GENERAL_LABELS", feature)
		}
	}
	for filter, values := range in.Settings.GeneralLabels {
		if len(values) > 0 {
			return nil, invalid("the local Rekognition does not offer %.60s", filter)
		}
	}
	return &in, nil
}

// picture returns the bytes of one. Who asks must be allowed to read the
// object; to whoever is not, the object is as good as not there.
func (s *Service) picture(p sts.Principal, in picture) ([]byte, error) {
	o := in.S3Object
	switch {
	case (o == nil) == (len(in.Bytes) == 0):
		return nil, invalid("an image has either Bytes or an S3Object")
	case o == nil && len(in.Bytes) > maxBytes:
		return nil, refuse("ImageTooLargeException", "the image has %d bytes, the limit is %d: put it into S3", len(in.Bytes), maxBytes)
	case o == nil:
		return in.Bytes, nil
	case o.Bucket == "" || o.Name == "":
		return nil, invalid("an S3Object has a Bucket and a Name")
	case o.Version != "":
		return nil, refuse("InvalidS3ObjectException", "the local S3 keeps no versions: leave Version out")
	}
	if !p.Root && s.cfg.Authorize != nil {
		if err := s.cfg.Authorize(p, "s3:GetObject", "arn:aws:s3:::"+o.Bucket+"/"+o.Name); err != nil {
			s.cfg.Logger.Warn("image denied", "principal", p.ARN, "reason", err)
			return nil, noObject(err)
		}
	}
	raw, err := s.cfg.Objects(o.Bucket, o.Name, maxObject)
	switch {
	case errors.Is(err, s3.ErrNoObject):
		return nil, noObject(err)
	case errors.Is(err, s3.ErrTooLarge):
		return nil, refuse("ImageTooLargeException", "%v", err)
	}
	return raw, err
}

func noObject(err error) *awsapi.Error {
	return refuse("InvalidS3ObjectException",
		"Unable to get object metadata from S3. Check object key, region and/or access permissions. (%v)", err)
}

// check returns the format of a picture: jpeg or png.
func check(raw []byte) (format string, err error) {
	size, format, err := image.DecodeConfig(bytes.NewReader(raw))
	switch {
	case err != nil || size.Width < 1 || size.Height < 1:
		return "", refuse("InvalidImageFormatException", "Request has invalid image format: it must be JPEG or PNG")
	case size.Width > maxPixels || size.Height > maxPixels:
		return "", refuse("ImageTooLargeException", "the image is %d by %d pixels, the limit is %d", size.Width, size.Height, maxPixels)
	}
	return format, nil
}
