package event

import (
	"fmt"
	"strings"
)

// TopicPrefix begins every topic between device and cloud.
const TopicPrefix = "porchlight/v1"

// Channel is the last level of a device's topic.
type Channel string

// The channels that exist so far.
const (
	ChannelEvents    Channel = "events"
	ChannelStatus    Channel = "status"
	ChannelTelemetry Channel = "telemetry"
	ChannelCommands  Channel = "commands" // from the cloud, the only one
	ChannelReplies   Channel = "replies"  // to commands
)

// Topic returns porchlight/v1/<thing>/<channel>.
func Topic(thing string, c Channel) string {
	return TopicPrefix + "/" + thing + "/" + string(c)
}

// SplitTopic is the inverse of Topic.
func SplitTopic(topic string) (thing string, c Channel, err error) {
	rest, ok := strings.CutPrefix(topic, TopicPrefix+"/")
	thing, last, found := strings.Cut(rest, "/")
	if !ok || !found || strings.Contains(last, "/") || ValidateThing(thing) != nil {
		return "", "", fmt.Errorf("topic %q: want %s/<thing>/<channel>", clipText(topic), TopicPrefix)
	}
	return thing, Channel(last), nil
}
