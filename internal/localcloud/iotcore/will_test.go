package iotcore_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/eclipse/paho.golang/paho"
	"github.com/stretchr/testify/require"
)

func TestLastWill(t *testing.T) {
	a := newActions()
	var tries atomic.Int32
	a.onSNS = func(context.Context, []byte) error {
		if tries.Add(1) == 1 {
			return errors.New("busy")
		}
		return nil
	}
	a.onSQS = func(context.Context, []byte) error { return errors.New("busy") }
	core := start(t, config(t, a))
	files := register(t, core, "front")
	withWill := func(c *paho.Connect) {
		c.WillMessage = &paho.WillMessage{Topic: eventsOf, QoS: 1, Payload: []byte(`{"state":"offline"}`)}
		delay := uint32(5) // longer than the session lives: sent at once
		c.WillProperties = &paho.WillProperties{WillDelayInterval: &delay}
	}
	polite := connect(t, core, files, "front", withWill)
	require.NoError(t, polite.Disconnect(&paho.Disconnect{}))
	<-polite.Done()
	rude := connect(t, core, files, "front", withWill)
	rude.TerminateConnectionForTest()
	got := a.next(t)
	require.Equal(t, "sns", got.kind)
	require.Contains(t, got.message, `"state":"offline"`)

	// A client that the broker throws out has its will sent too.
	bad := connect(t, core, files, "front", withWill)
	_, err := bad.publish("porchlight/v1/back/events", `{}`, 0)
	require.NoError(t, err)
	require.Contains(t, a.next(t).message, `"state":"offline"`)
	require.Len(t, a.all(), 2)
}

func TestDelayedLastWill(t *testing.T) {
	a := newActions()
	core := start(t, config(t, a))
	c := connect(t, core, register(t, core, "front"), "front", func(c *paho.Connect) {
		c.WillMessage = &paho.WillMessage{Topic: eventsOf, QoS: 1, Payload: []byte(`{"state":"offline"}`)}
		life, delay := uint32(2), uint32(9) // seconds; the session's end comes first
		c.Properties = &paho.ConnectProperties{SessionExpiryInterval: &life}
		c.WillProperties = &paho.WillProperties{WillDelayInterval: &delay}
	})
	c.TerminateConnectionForTest()
	require.Contains(t, a.next(t).message, `"state":"offline"`)
}

// TestWillBeforeReturn: when a client takes over its own lost connection, the
// rules see "offline" before anything the new connection says.
func TestWillBeforeReturn(t *testing.T) {
	a := newActions()
	core := start(t, config(t, a))
	files := register(t, core, "front")
	withWill := func(c *paho.Connect) {
		c.WillMessage = &paho.WillMessage{Topic: eventsOf, QoS: 1, Payload: []byte(`{"state":"offline"}`)}
	}
	connect(t, core, files, "front", withWill)
	for range 5 {
		c := connect(t, core, files, "front", withWill)
		_, err := c.publish(eventsOf, `{"state":"online"}`, 1)
		require.NoError(t, err)
		require.Contains(t, a.next(t).message, "offline")
		require.Contains(t, a.next(t).message, "online")
	}
}
