package lan

import (
	"context"
	"slices"
	"time"

	"github.com/eclipse/paho.golang/autopaho"
	"github.com/eclipse/paho.golang/paho"
)

func (l *link) isLost() bool {
	select {
	case <-l.lost:
		return true
	default:
		return false
	}
}

// connected notes a new connection and returns who waits for it.
func (c *Client) connected(m *autopaho.ConnectionManager) (*link, []*feed) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.link = &link{manager: m, lost: make(chan struct{})}
	close(c.changed)
	c.changed = make(chan struct{})
	var feeds []*feed
	for f := range c.feeds {
		feeds = append(feeds, f)
	}
	return c.link, feeds
}

func (c *Client) disconnected() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.link != nil {
		close(c.link.lost)
		c.link = nil
	}
}

// present returns the connection, or nil and what is closed when one comes.
func (c *Client) present() (*link, <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.link, c.changed
}

// await waits for a connection.
func (c *Client) await(ctx context.Context) (*link, error) {
	for {
		l, changed := c.present()
		if l != nil {
			return l, nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-changed:
		}
	}
}

// add notes a subscription. A connection that comes later takes it along; one
// that is there already is returned.
func (c *Client) add(f *feed, ready func()) *link {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.feeds[f] = ready
	return c.link
}

// wanted says whether a subscription is still wanted, and what to call when it
// stands.
func (c *Client) wanted(f *feed) (ready func(), is bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	ready, is = c.feeds[f]
	return ready, is
}

// subscribe makes subscriptions stand. What the broker refuses is said and
// asked for again, now and then; the next connection asks anew.
func (c *Client) subscribe(ctx context.Context, l *link, feeds []*feed) {
	for wait := 5 * time.Second; len(feeds) > 0; wait = min(2*wait, 5*time.Minute) {
		var refused []*feed
		for _, f := range feeds {
			ready, is := c.wanted(f)
			if !is {
				continue
			}
			_, err := l.manager.Subscribe(ctx, &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: f.filter, QoS: 1}}})
			switch {
			case ctx.Err() != nil || l.isLost():
				return
			case err != nil:
				refused = append(refused, f)
				c.cfg.Log.Error("cannot subscribe: see what the broker allows this user", "filter", f.filter, "error", err, "in", wait.String())
			case ready != nil:
				ready()
			}
		}
		if feeds = refused; len(feeds) == 0 {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-l.lost:
			return
		case <-time.After(wait):
		}
	}
}

// unsubscribe forgets a subscription, and tells the broker unless another has
// the same filter.
func (c *Client) unsubscribe(ctx context.Context, f *feed) {
	c.mu.Lock()
	delete(c.feeds, f)
	var left []string
	for other := range c.feeds {
		left = append(left, other.filter)
	}
	l := c.link
	c.mu.Unlock()
	if l == nil || slices.Contains(left, f.filter) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	_, _ = l.manager.Unsubscribe(ctx, &paho.Unsubscribe{Topics: []string{f.filter}})
}
