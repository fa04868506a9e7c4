package thumbnails

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-lambda-go/events"

	"porchlight/internal/event"
)

// ErrRejected marks a message that no repetition can save.
var ErrRejected = errors.New("message rejected")

// maxMessage is the most bytes of a message that S3 sends; it sends one record
// in each, of at most 3 KB of key and 1 KB of everything else.
const maxMessage = 64 << 10

// Picture is an object that was made.
type Picture struct {
	Bucket, Key string
	ETag        string // of the content
	Size        int64  // bytes
}

// parseMessage returns the pictures that a message of S3 tells of: none for
// the test that S3 sends when it is told of the queue, and none for what is
// done to objects otherwise. Errors are ErrRejected.
// Source: S3 User Guide, "Event message structure".
func parseMessage(body string) (pictures []Picture, err error) {
	if len(body) > maxMessage {
		return nil, fmt.Errorf("%w: %d bytes, the limit is %d", ErrRejected, len(body), maxMessage)
	}
	var in struct {
		Event   string
		Records []events.S3EventRecord
	}
	if err := json.Unmarshal([]byte(body), &in); err != nil {
		return nil, fmt.Errorf("%w: not an event of S3: %w", ErrRejected, err)
	}
	if in.Records == nil && in.Event != "s3:TestEvent" {
		return nil, fmt.Errorf("%w: not an event of S3: it has no records", ErrRejected)
	}
	for _, r := range in.Records {
		if !strings.HasPrefix(r.EventName, "ObjectCreated:") {
			continue
		}
		p := Picture{Bucket: r.S3.Bucket.Name, Key: r.S3.Object.URLDecodedKey, ETag: strings.Trim(r.S3.Object.ETag, `"`), Size: r.S3.Object.Size}
		if p.Bucket == "" || p.Key == "" || p.ETag == "" || len(p.ETag) > 128 {
			return nil, fmt.Errorf("%w: an object without bucket, key or ETag", ErrRejected)
		}
		pictures = append(pictures, p)
	}
	return pictures, nil
}

// TagEvents is the tag of a video fragment, and so the metadata of a picture
// made of it, that names the events it belongs to, with commas between.
const TagEvents = "porchlight_events"

// maxEvents of one picture; more do not fit into a tag's 256 bytes.
const maxEvents = 9

// eventsOf reads the ids out of a picture's metadata. What is no id is left
// out: the device wrote it.
func eventsOf(metadata map[string]string) (ids []string) {
	for id := range strings.SplitSeq(metadata[TagEvents], ",") {
		if event.ValidateID(id) == nil && len(ids) < maxEvents {
			ids = append(ids, id)
		}
	}
	return ids
}
