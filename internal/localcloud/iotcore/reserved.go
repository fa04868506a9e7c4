package iotcore

import (
	"net/http"
	"path/filepath"

	"github.com/mochi-mqtt/server/v2/packets"

	"porchlight/internal/localcloud/iotcore/jobs"
	"porchlight/internal/localcloud/iotcore/shadow"
)

// thingTopics begins the reserved topics that are served: shadows and jobs. The
// policies of things decide who may use them, as with any topic.
const thingTopics = "$aws/things/"

// openThingServices opens the shadows and the jobs of things.
func (c *Core) openThingServices() (err error) {
	c.shadows, err = shadow.Open(shadow.Config{
		Path: filepath.Join(c.cfg.Dir, "shadows.db"), Known: c.knows, Publish: c.reply, Log: c.log,
	})
	if err != nil {
		return err
	}
	c.jobs, err = jobs.Open(jobs.Config{
		Path: filepath.Join(c.cfg.Dir, "jobs.db"), Known: c.knows, ARN: c.arn, Publish: c.reply, Log: c.log,
	})
	if err != nil {
		_ = c.shadows.Close()
	}
	return err
}

// knows reports whether a thing is registered.
func (c *Core) knows(name string) bool {
	c.registry.mu.RLock()
	defer c.registry.mu.RUnlock()
	_, ok := c.registry.things[name]
	return ok
}

// isRequest reports whether what is published on a topic is a request to the
// shadows or the jobs. Nothing else can be published on reserved topics.
func isRequest(topic string) bool {
	_, aboutShadow := shadow.ParseTopic(topic)
	_, aboutJob := jobs.ParseTopic(topic)
	return aboutShadow || aboutJob
}

// serveRequest answers a message on a topic of requests, before it is
// acknowledged. Rules do not see it. The error tells the broker what to do with
// the message itself: as on AWS, others can subscribe to requests about shadows
// but not to those about jobs.
func (c *Core) serveRequest(pk packets.Packet) error {
	if r, ok := shadow.ParseTopic(pk.TopicName); ok {
		c.shadows.Handle(r, pk.Payload, pk.FixedHeader.Qos)
		return nil
	}
	if r, ok := jobs.ParseTopic(pk.TopicName); ok {
		c.jobs.Handle(r, pk.Payload, pk.FixedHeader.Qos)
	}
	return packets.CodeSuccessIgnore
}

// reply publishes an answer or a notification to those who subscribe to it.
func (c *Core) reply(topic string, payload []byte, qos byte) {
	if len(payload) > maxPayload || len(topic) > maxTopic {
		c.log.Warn("message of a shadow or job is too large to be sent", "topic", topic, "bytes", len(payload), "limit", maxPayload)
		return
	}
	if err := c.publish(message{topic: topic, payload: payload}, false, qos); err != nil {
		c.log.Error("message of a shadow or job was not sent", "topic", topic, "error", err)
	}
}

// JobsHandler serves the operations on jobs of the iot API, on JobsPaths. The
// caller has been authenticated and authorized before.
func (c *Core) JobsHandler() http.Handler { return c.jobs.Handler() }

// JobsPaths are the patterns of a ServeMux below which JobsHandler belongs.
func JobsPaths() []string {
	return []string{"/jobs", "/jobs/", "/things/{thing}/jobs", "/things/{thing}/jobs/"}
}

// JobsDataHandler serves the iot-jobs-data API. The caller has been
// authenticated and authorized before.
func (c *Core) JobsDataHandler() http.Handler { return c.jobs.DataHandler() }
