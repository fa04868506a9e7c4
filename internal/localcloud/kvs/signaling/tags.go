package signaling

import (
	"maps"
	"unicode/utf8"

	"porchlight/internal/localcloud/kvs/wire"
)

const maxTags = 50

// Tags returns the tags of a channel.
func (s *Service) Tags(arn string) (map[string]string, error) {
	c, err := s.store.find(arn)
	if c.Tags == nil {
		c.Tags = map[string]string{}
	}
	return c.Tags, explain(err)
}

// Tag adds tags to a channel.
func (s *Service) Tag(arn string, tags map[string]string) error {
	if len(tags) == 0 {
		return wire.Invalid("Tags is empty")
	}
	return explain(s.store.update(arn, "", func(c *channel) error {
		if c.Tags == nil {
			c.Tags = map[string]string{}
		}
		maps.Copy(c.Tags, tags)
		return checkTags(c.Tags)
	}))
}

// Untag removes tags from a channel.
func (s *Service) Untag(arn string, keys []string) error {
	if len(keys) == 0 {
		return wire.Invalid("TagKeyList is empty")
	}
	return explain(s.store.update(arn, "", func(c *channel) error {
		for _, k := range keys {
			delete(c.Tags, k)
		}
		return nil
	}))
}

func checkTags(tags map[string]string) error {
	if len(tags) > maxTags {
		return wire.Error("TagsPerResourceExceededLimitException", "a signaling channel has up to %d tags, not %d", maxTags, len(tags))
	}
	for k, v := range tags {
		if k == "" || utf8.RuneCountInString(k) > 128 || utf8.RuneCountInString(v) > 256 {
			return wire.Invalid("the tag %q is too long: 128 characters for its key and 256 for its value", k)
		}
	}
	return nil
}
