package iotcore_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/paho"
	"github.com/stretchr/testify/require"
)

// A client that acknowledges while more is sent to it gets all of it.
func TestManyMessagesToOneClient(t *testing.T) {
	core := start(t, config(t, newActions()))
	files := register(t, core, "front")
	c := connect(t, core, files, "front")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	_, err := c.Subscribe(ctx, &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: "porchlight/v1/front/commands", QoS: 1}}})
	require.NoError(t, err)
	const messages, atOnce = 2000, 50
	room := make(chan struct{}, atOnce)
	var sending sync.WaitGroup
	sending.Go(func() {
		for i := range messages {
			room <- struct{}{}
			publishHTTP(t, core, "porchlight/v1/front/commands", fmt.Sprint(i), 200)
		}
	})
	for i := range messages {
		select {
		case m := <-c.received:
			require.Equal(t, fmt.Sprint(i), string(m.Payload))
			<-room
		case <-time.After(patience):
			require.FailNow(t, "the broker hangs", "%d of %d came", i, messages)
		}
	}
	sending.Wait()
}
