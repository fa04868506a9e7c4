package iot

import (
	"context"
	"net"
	"time"
)

// Matches is for tests of what a filter takes.
func Matches(filter, topic string) bool { return matches(filter, topic) }

// CheckFilter is for tests of what is a filter.
func CheckFilter(filter string) error { return checkFilter(filter) }

// Explain is for tests of errors that are hard to come by.
func Explain(err error) error {
	return circumstances{endpoint: "endpoint:8883", clientID: "home", now: time.Now()}.explain(err)
}

// Hasty makes a client try again soon, and wait this long for answers.
func (cfg *ClientConfig) Hasty(ack time.Duration) {
	const pause = 5 * time.Millisecond
	cfg.retry = retryTimes{ack: ack, min: pause, max: 4 * pause, refused: pause, dangerous: pause, longest: 4 * pause}
}

// As443 makes a client believe that an address is localhost:443.
func (cfg *ClientConfig) As443(address string) {
	cfg.Endpoint = "localhost:443"
	cfg.reach = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, address)
	}
}

// Limits of inboxes and subscriptions.
const (
	MaxInbox         = maxInbox
	MaxSubscriptions = maxSubscriptions
)
