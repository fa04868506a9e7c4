package kvs

import (
	"net/http"
	"unicode/utf8"

	"porchlight/internal/localcloud/kvs/fragments"
	"porchlight/internal/localcloud/kvs/signaling"
	"porchlight/internal/localcloud/kvs/wire"
)

const maxStreamTags = 50

type tagStreamRequest struct {
	wire.StreamRef
	Tags map[string]string
}

func (s *Service) tagStream(_ *http.Request, in tagStreamRequest) (none, error) {
	if len(in.Tags) == 0 {
		return none{}, wire.Invalid("Tags is empty")
	}
	return s.change(in.StreamRef, "", func(stream *fragments.Stream) error {
		if stream.Tags == nil {
			stream.Tags = map[string]string{}
		}
		for k, v := range in.Tags {
			stream.Tags[k] = v
		}
		return checkTags(stream.Tags)
	})
}

type untagStreamRequest struct {
	wire.StreamRef
	TagKeyList []string
}

func (s *Service) untagStream(_ *http.Request, in untagStreamRequest) (none, error) {
	if len(in.TagKeyList) == 0 {
		return none{}, wire.Invalid("TagKeyList is empty")
	}
	return s.change(in.StreamRef, "", func(stream *fragments.Stream) error {
		for _, k := range in.TagKeyList {
			delete(stream.Tags, k)
		}
		return nil
	})
}

type tagsAnswer struct{ Tags map[string]string }

func (s *Service) listTagsForStream(_ *http.Request, in wire.StreamRef) (tagsAnswer, error) {
	stream, err := in.Find(s.store)
	if stream.Tags == nil {
		stream.Tags = map[string]string{}
	}
	return tagsAnswer{stream.Tags}, err
}

type tagResourceRequest struct {
	ResourceARN string
	Tags        []struct{ Key, Value string }
}

func (s *Service) tagResource(r *http.Request, in tagResourceRequest) (none, error) {
	tags := map[string]string{}
	for _, t := range in.Tags {
		tags[t.Key] = t.Value
	}
	if s.isChannel(in.ResourceARN) {
		return none{}, s.cfg.Signaling.Tag(in.ResourceARN, tags)
	}
	return s.tagStream(r, tagStreamRequest{wire.StreamRef{StreamARN: in.ResourceARN}, tags})
}

type untagResourceRequest struct {
	ResourceARN string
	TagKeyList  []string
}

func (s *Service) untagResource(r *http.Request, in untagResourceRequest) (none, error) {
	if s.isChannel(in.ResourceARN) {
		return none{}, s.cfg.Signaling.Untag(in.ResourceARN, in.TagKeyList)
	}
	return s.untagStream(r, untagStreamRequest{wire.StreamRef{StreamARN: in.ResourceARN}, in.TagKeyList})
}

func (s *Service) listTagsForResource(r *http.Request, in struct{ ResourceARN string }) (tagsAnswer, error) {
	if s.isChannel(in.ResourceARN) {
		tags, err := s.cfg.Signaling.Tags(in.ResourceARN)
		return tagsAnswer{tags}, err
	}
	return s.listTagsForStream(r, wire.StreamRef{StreamARN: in.ResourceARN})
}

// isChannel tells signaling channels from streams.
func (s *Service) isChannel(arn string) bool {
	return s.cfg.Signaling != nil && signaling.IsChannel(arn)
}

func checkTags(tags map[string]string) error {
	if len(tags) > maxStreamTags {
		return wire.Error("TagsPerResourceExceededLimitException", "a stream has up to %d tags, not %d", maxStreamTags, len(tags))
	}
	for k, v := range tags {
		if k == "" || utf8.RuneCountInString(k) > 128 || utf8.RuneCountInString(v) > 256 {
			return wire.Invalid("the tag %q is too long: 128 characters for its key and 256 for its value", k)
		}
	}
	return nil
}
