package iot

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/eclipse/paho.golang/paho"
)

// keepSubscribed brings the subscriptions into effect on every connection,
// until the client ends.
func (c *Client) keepSubscribed() {
	defer c.subs.close()
	expiry := time.NewTicker(day)
	defer expiry.Stop()
	for {
		l, err := c.await(c.ctx)
		if err != nil {
			return
		}
		pause := c.subscribeDue(l)
		if pause == 0 {
			continue
		}
		timer := time.NewTimer(pause)
		select {
		case <-c.subs.wake:
		case <-l.ctx.Done():
		case <-timer.C:
		case <-expiry.C:
			c.checkExpiry()
		}
		timer.Stop()
	}
}

// subscribeDue makes one request, if one is due. It returns how long there is
// nothing to do, or 0.
func (c *Client) subscribeDue(l *link) time.Duration {
	w := c.subs.due(l, c.cfg.Now())
	if w.crowded > 0 {
		c.cfg.Log.Error("too many subscriptions: some wait until others end; use wildcards", "waiting", w.crowded, "limit", maxSubscriptions)
	}
	switch {
	case len(w.drop) > 0:
		err := c.within(c.ctx, l, func(ctx context.Context) error {
			_, err := c.manager.Unsubscribe(ctx, &paho.Unsubscribe{Topics: w.drop})
			return err
		})
		if err != nil && l.ctx.Err() == nil {
			c.cfg.Log.Warn("cannot unsubscribe; what comes is ignored until the next connection", "filters", w.drop, "error", err)
		}
		return 0
	case len(w.ask) > 0:
		c.ask(l, w)
		return 0
	}
	return w.next
}

// ask subscribes to at most a handful of filters.
func (c *Client) ask(l *link, w work) {
	request := &paho.Subscribe{}
	for _, filter := range w.ask {
		request.Subscriptions = append(request.Subscriptions, paho.SubscribeOptions{Topic: filter, QoS: 1})
	}
	var answer *paho.Suback
	err := c.within(c.ctx, l, func(ctx context.Context) (err error) {
		answer, err = c.manager.Subscribe(ctx, request)
		return err
	})
	now := c.cfg.Now()
	switch {
	case answer != nil && len(answer.Reasons) == len(w.ask):
		for i, filter := range w.ask {
			if code := answer.Reasons[i]; code == 0x91 { // its number is also one of the broker's, for a moment
				c.subs.refused(filter, nil, now, c.retry.min, c.retry.refused)
			} else if code >= 0x80 {
				c.refuse(filter, c.circumstances().subscribeReason(code), now, c.retry.refused)
			} else if r := c.subs.granted(filter, l); r != nil && r.times > 0 {
				c.cfg.Log.Info("subscription is in effect at last", "filter", filter, "after_tries", r.times)
			}
		}
	case c.ctx.Err() != nil:
	case l.ctx.Err() == nil:
		for _, filter := range w.ask {
			c.refuse(filter, fmt.Errorf("no usable answer: %w", err), now, c.retry.refused)
		}
	case w.alone:
		// By accident this happens once, and costs some patience. It is also how
		// a broker tells that a policy does not allow the filter, and asking at
		// once again would cut off everything else each time.
		c.refuse(w.ask[0], c.circumstances().subscribeLost(err), now, c.retry.dangerous)
	default:
		c.subs.suspected(w.ask)
	}
}

func (c *Client) refuse(filter string, err error, now time.Time, first time.Duration) {
	if pause, news := c.subs.refused(filter, err, now, first, c.retry.longest); news {
		c.cfg.Log.Error("subscription refused, will try again", "filter", filter, "in", pause.Round(time.Second), "error", err)
	}
}

// subscribeReason explains a SUBACK.
func (at circumstances) subscribeReason(code byte) error {
	if code == 0x87 || code == 0x80 {
		return &faultError{
			ErrNotAuthorized, "the certificate's policy does not allow it",
			"allow iot:Subscribe on this topicfilter, and iot:Receive on its topics, in the IoT policy", fmt.Errorf("reason code 0x%02x", code),
		}
	}
	return at.reason(code, nil)
}

// subscribeLost explains a connection that ended twice while a subscription
// was asked for.
func (at circumstances) subscribeLost(err error) error {
	var lost *lostError
	if errors.As(err, &lost) && lost.code != 0 && !permanent(lost.code) {
		return fmt.Errorf("the connection ended instead of an answer: %w", lost.explained)
	}
	return &faultError{
		ErrNotAuthorized, "the connection ended instead of an answer, twice",
		"allow iot:Subscribe on this topicfilter in the IoT policy; if it is allowed, the network is to blame", err,
	}
}
