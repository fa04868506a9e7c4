package jobs

import (
	"maps"
	"slices"
)

// noticeQoS of notifications.
const noticeQoS = 1

// notice is a message to a thing.
type notice struct {
	topic   string
	payload []byte
}

type listNotice struct {
	Timestamp int64                `json:"timestamp"`
	Jobs      map[string][]summary `json:"jobs"`
}

type nextNotice struct {
	Timestamp int64          `json:"timestamp"`
	Execution *executionData `json:"execution,omitempty"`
}

// notices compares what is pending with what was. A thing is told the list when
// an execution came or went, and the next one when that is another.
func (c *change) notices() ([]notice, error) {
	var out []notice
	for _, thing := range slices.Sorted(maps.Keys(c.before)) {
		before := c.before[thing]
		after, err := c.pending(thing)
		if err != nil {
			return nil, err
		}
		if !sameJobs(before, after) {
			n, err := c.notice(thing, "notify", listNotice{c.now, lists(after)})
			if err != nil {
				return nil, err
			}
			out = append(out, n)
		}
		if first(before) == first(after) {
			continue
		}
		message := nextNotice{Timestamp: c.now}
		if len(after) > 0 {
			message.Execution = after[0].data(c.now)
			message.Execution.ThingName = ""
			message.Execution.JobDocument = embedded(c.document(after[0].JobID))
		}
		n, err := c.notice(thing, "notify-next", message)
		if err != nil {
			return nil, err
		}
		out = append(out, n)
	}
	return out, nil
}

func (c *change) notice(thing, kind string, message any) (notice, error) {
	payload, err := encode(message)
	return notice{"$aws/things/" + thing + "/jobs/" + kind, payload}, err
}

func ids(executions []execution) []string {
	var out []string
	for _, e := range executions {
		out = append(out, e.JobID)
	}
	return out
}

func sameJobs(a, b []execution) bool {
	return slices.Equal(slices.Sorted(slices.Values(ids(a))), slices.Sorted(slices.Values(ids(b))))
}

// first is the id of the next job; empty when there is none.
func first(pending []execution) string {
	if len(pending) == 0 {
		return ""
	}
	return pending[0].JobID
}

func lists(pending []execution) map[string][]summary {
	out := map[string][]summary{}
	for _, e := range pending {
		if len(out[e.Status]) < maxNotified {
			out[e.Status] = append(out[e.Status], e.summary())
		}
	}
	return out
}
