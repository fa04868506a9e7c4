package config

import (
	"net/url"
	"strings"
)

// ClientFrames says what becomes of the frames that client devices publish on
// clients/<name>, in the local network or on Greengrass' local topics.
type ClientFrames struct {
	RequestQueue  string `config:"request_queue"`  // URL of the SQS queue that asks whose a face is; empty: off
	ResponseQueue string `config:"response_queue"` // URL of the SQS queue of answers, for frames without a face; empty: those are not answered
	ImageKey      string `config:"image_key"`      // of the picture in a request: face_image or face
	Size          int    `config:"size"`           // side of a face crop, pixels
	MinFace       int    `config:"min_face"`       // smaller faces are passed over, pixels
}

func (c ClientFrames) validate(path string) error {
	for key, text := range map[string]string{"request_queue": c.RequestQueue, "response_queue": c.ResponseQueue} {
		if u, err := url.Parse(text); text != "" && (err != nil || u.Host == "" || !strings.HasPrefix(u.Scheme, "http")) {
			return bad(join(path, key), "%q: want the URL of an SQS queue", brief(text))
		}
	}
	switch {
	case c.ImageKey != "face_image" && c.ImageKey != "face":
		return bad(join(path, "image_key"), "%q: want face_image or face", brief(c.ImageKey))
	case c.Size < 32 || c.Size > 512:
		return bad(join(path, "size"), "%d: want 32 to 512 pixels", c.Size)
	case c.MinFace < 12 || c.MinFace > 1000:
		return bad(join(path, "min_face"), "%d: want 12 to 1000 pixels", c.MinFace)
	}
	return nil
}
