package iot

import "time"

// Matches is for tests of what a filter takes.
func Matches(filter, topic string) bool { return matches(filter, topic) }

// CheckFilter is for tests of what is a filter.
func CheckFilter(filter string) error { return checkFilter(filter) }

// Hasty makes a client try again soon, and wait this long for answers.
func (cfg *ClientConfig) Hasty(ack time.Duration) {
	const pause = 5 * time.Millisecond
	cfg.retry = retryTimes{ack: ack, min: pause, max: 4 * pause, refused: pause, dangerous: pause, longest: 4 * pause}
}

// Limits of inboxes and subscriptions.
const (
	MaxInbox         = maxInbox
	MaxSubscriptions = maxSubscriptions
)
