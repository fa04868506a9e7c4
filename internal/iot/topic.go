package iot

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"porchlight/internal/iot/spool"
)

// MaxPayload is the longest payload that IoT Core takes, in bytes:
// https://docs.aws.amazon.com/general/latest/gr/iot-core.html.
const MaxPayload = 128 << 10

// Limits of IoT Core on topics, of the same page.
const (
	maxTopic   = 256 // bytes
	maxSlashes = 7
)

// ErrTopic is wrapped when a topic or a filter is none that IoT Core takes.
var ErrTopic = errors.New("topic is not valid")

// checkPublish refuses what IoT Core would end the connection for: sent again
// after every connect, it would never let anything else through.
func checkPublish(topic string, payload []byte) error {
	switch {
	case len(payload) > MaxPayload:
		return fmt.Errorf("%w: %d bytes, at most %d: send less, or put it in S3 and send its key: %w",
			ErrTooLarge, len(payload), MaxPayload, spool.ErrRefused)
	case strings.ContainsAny(topic, "+#"):
		return fmt.Errorf("%w: a message is sent to one topic, without + and #: %w", ErrTopic, spool.ErrRefused)
	}
	if err := checkName(topic); err != nil {
		return errors.Join(err, spool.ErrRefused)
	}
	return nil
}

// checkFilter is about MQTT 5.0, 4.7.1: # stands for the rest and comes last, +
// for one level, and neither shares a level with anything.
func checkFilter(filter string) error {
	if strings.HasPrefix(filter, "$share/") {
		return fmt.Errorf("%w: %s: shared subscriptions are for servers", ErrTopic, filter)
	}
	levels := strings.Split(filter, "/")
	for i, level := range levels {
		if level != "+" && strings.Contains(level, "+") || level != "#" && strings.Contains(level, "#") {
			return fmt.Errorf("%w: %s: + and # stand alone between slashes", ErrTopic, filter)
		}
		if level == "#" && i < len(levels)-1 {
			return fmt.Errorf("%w: %s: # comes last", ErrTopic, filter)
		}
	}
	return checkName(filter)
}

func checkName(topic string) error {
	counted := topic
	if rest, basic := strings.CutPrefix(topic, "$aws/rules/"); basic {
		_, counted, _ = strings.Cut(rest, "/") // of basic ingest only what follows the rule counts
	}
	switch {
	case topic == "":
		return fmt.Errorf("%w: it is empty", ErrTopic)
	case len(counted) > maxTopic:
		return fmt.Errorf("%w: %.40s…: %d bytes, at most %d", ErrTopic, topic, len(counted), maxTopic)
	case strings.Count(counted, "/") > maxSlashes:
		return fmt.Errorf("%w: %s: more than %d slashes", ErrTopic, topic, maxSlashes)
	case !utf8.ValidString(topic), strings.Contains(topic, "\x00"):
		return fmt.Errorf("%w: %q: it is not text", ErrTopic, topic)
	}
	return nil
}

// matches reports whether a topic is one of a filter's: MQTT 5.0, 4.7. Reserved
// topics, those with a $ in front, match no filter that starts with a wildcard.
func matches(filter, topic string) bool {
	if strings.HasPrefix(topic, "$") && !strings.HasPrefix(filter, "$") {
		return false
	}
	for {
		level, more, deeper := strings.Cut(filter, "/")
		if level == "#" {
			return true
		}
		name, rest, longer := strings.Cut(topic, "/")
		if level != "+" && level != name {
			return false
		}
		switch {
		case !deeper && !longer:
			return true
		case !longer:
			return more == "#" // which also stands for its parent
		case !deeper:
			return false
		}
		filter, topic = more, rest
	}
}
