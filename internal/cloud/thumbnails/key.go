package thumbnails

import (
	"errors"
	"regexp"
	"strings"

	"porchlight/internal/event"
)

// ErrForeign means that a key is not of a picture of an event.
var ErrForeign = errors.New("not the picture of an event")

// prefix starts every key; the thing's name follows it. A device's role writes
// below its own name only, with its own hands and with those of Kinesis Video
// Streams, so that this part of a key says whose picture it is.
const prefix = "thumbnails/"

// Subject is what a key says about its picture.
type Subject struct {
	Thing  string
	Camera string // <thing>.<name>
	// EventID is empty for a picture that Kinesis Video Streams made: its
	// metadata has the events.
	EventID string
}

// videoImage is the end of the keys that Kinesis Video Streams makes:
// [<prefix>_]<account>_<stream>_<time code in ms>_<random>.jpg, the stream being
// the camera. Prefix and stream may have underscores, so the key is read from
// its end.
// Source: Kinesis Video Streams Developer Guide, "S3 object path (images)".
var videoImage = regexp.MustCompile(`^(.*)_[0-9]{1,20}_[0-9A-Za-z-]{8,64}\.(?:jpg|jpeg|png)$`)

// account is what parts prefix and stream.
var account = regexp.MustCompile(`^[0-9]{12}_`)

const accountLength = 13

// ParseKey reads an object's key. Keys of anything else, a snapshot's among
// them, are ErrForeign.
func ParseKey(key string) (Subject, error) {
	rest, ours := strings.CutPrefix(key, prefix)
	thing, rest, deeper := strings.Cut(rest, "/")
	if !ours || !deeper || event.ValidateThing(thing) != nil || len(key) > maxKey {
		return Subject{}, ErrForeign
	}
	if camera, file, ok := strings.Cut(rest, "/"); ok {
		id, isJPEG := strings.CutSuffix(file, ".jpg")
		if t, _, err := event.SplitCamera(camera); err == nil && t == thing && isJPEG && event.ValidateID(id) == nil {
			return Subject{thing, camera, id}, nil
		}
	}
	return parseVideoImage(thing, rest)
}

// maxKey is the most bytes that S3 takes for a key.
const maxKey = 1024

func parseVideoImage(thing, rest string) (Subject, error) {
	parts := videoImage.FindStringSubmatch(rest[strings.LastIndex(rest, "/")+1:])
	if parts == nil {
		return Subject{}, ErrForeign
	}
	// Prefix and stream might hold what looks like an account: the longest end
	// that is a camera of the thing's is it. Whichever it is, it is the thing's.
	for at := range parts[1] {
		if at > 0 && parts[1][at-1] != '_' || !account.MatchString(parts[1][at:]) {
			continue
		}
		camera := parts[1][at+accountLength:]
		if t, _, err := event.SplitCamera(camera); err == nil && t == thing {
			return Subject{thing, camera, ""}, nil
		}
	}
	return Subject{}, ErrForeign
}
