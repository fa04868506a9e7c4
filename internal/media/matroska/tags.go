package matroska

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// The tags by which Kinesis Video Streams is asked to act on a fragment
// (https://docs.aws.amazon.com/kinesisvideostreams/latest/dg/images.html,
// https://docs.aws.amazon.com/kinesisvideostreams/latest/dg/notifications.html).
const (
	TagImages      = "AWS_KINESISVIDEO_IMAGE_GENERATION" // pictures of it go to S3; it has no value
	TagImagePrefix = "AWS_KINESISVIDEO_IMAGE_PREFIX"     // with which their keys begin
	TagNotify      = "AWS_KINESISVIDEO_NOTIFICATION"     // a message about it goes to SNS; it has no value

	tagEnd = "AWS_KINESISVIDEO_END_OF_FRAGMENT"
)

// The bounds of tags, the last two in bytes
// (https://docs.aws.amazon.com/kinesisvideostreams/latest/dg/limits.html).
const (
	MaxTags     = 10
	MaxTagName  = 128
	MaxTagValue = 256
)

// Tag is one fact about a fragment. Those that are not for Kinesis Video
// Streams itself become metadata of the pictures in S3.
type Tag struct{ Name, Value string }

// CheckTags says whether Kinesis Video Streams would take the tags for one
// fragment. It fails with ErrTag.
func CheckTags(tags []Tag) error {
	if len(tags) > MaxTags {
		return fmt.Errorf("%w: %d tags, at most %d", ErrTag, len(tags), MaxTags)
	}
	for _, t := range tags {
		switch {
		case t.Name == "" || len(t.Name) > MaxTagName || !utf8.ValidString(t.Name):
			return fmt.Errorf("%w: a name of %d bytes, at most %d", ErrTag, len(t.Name), MaxTagName)
		case len(t.Value) > MaxTagValue || !utf8.ValidString(t.Value):
			return fmt.Errorf("%w: %s has %d bytes, at most %d", ErrTag, t.Name, len(t.Value), MaxTagValue)
		case strings.HasPrefix(t.Name, "AWS") && t.Name != TagImages && t.Name != TagImagePrefix && t.Name != TagNotify:
			return fmt.Errorf("%w: %s, as names that begin with AWS are taken", ErrTag, t.Name)
		}
	}
	return nil
}

// AppendTags appends the tags of the fragment before, which ends it. No tags
// append nothing.
func AppendTags(dst []byte, tags []Tag) []byte {
	if len(tags) == 0 {
		return dst
	}
	dst, all := open(dst, idTags)
	dst, one := open(dst, idTag)
	for _, t := range tags {
		var mark int
		dst, mark = open(dst, idSimpleTag)
		dst = appendString(dst, idTagName, t.Name)
		dst = shut(appendString(dst, idTagString, t.Value), mark)
	}
	return shut(shut(dst, one), all)
}

// AppendEndOfFragment has Kinesis Video Streams close the fragment before at
// once instead of waiting for the next.
func AppendEndOfFragment(dst []byte) []byte { return AppendTags(dst, []Tag{{Name: tagEnd}}) }
