package rulesql

import (
	"errors"
	"strings"
)

// MatchTopic reports whether a topic is matched by a filter with + and #. As
// on AWS, '#' does not match the level above it; as in MQTT, a wildcard in the
// first level does not match topics that begin with '$'.
func MatchTopic(filter, topic string) bool {
	if strings.HasPrefix(topic, "$") && !strings.HasPrefix(filter, "$") {
		return false
	}
	for {
		f, filterRest, filterMore := strings.Cut(filter, "/")
		if f == "#" {
			return true
		}
		t, topicRest, topicMore := strings.Cut(topic, "/")
		if f != "+" && f != t || filterMore != topicMore {
			return false
		}
		if !filterMore {
			return true
		}
		filter, topic = filterRest, topicRest
	}
}

func checkFilter(filter string) error {
	if filter == "" {
		return errors.New("the topic filter is empty")
	}
	levels := strings.Split(filter, "/")
	for i, level := range levels {
		switch {
		case level == "+", level == "#" && i == len(levels)-1:
		case strings.ContainsAny(level, "+#"):
			return errors.New("+ and # stand alone in a level, # in the last one")
		case strings.ContainsRune(level, 0):
			return errors.New("the topic filter contains a zero byte")
		}
	}
	return nil
}
