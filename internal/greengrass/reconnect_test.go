package greengrass_test

import (
	"context"
	"encoding/json"
	"net"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/greengrass"
	"porchlight/internal/greengrass/fakenucleus"
)

func TestSubscriptionsOutliveAConnection(t *testing.T) {
	onBoth(t, func(t *testing.T, n *fakenucleus.Nucleus) {
		require.NoError(t, n.Deploy(component, json.RawMessage(`{"a":"1"}`)))
		c := connect(t, config(n))
		local := subscribe(t, c, "a")
		remote, err := c.SubscribeToIoTCore(within(t), "a", greengrass.AtLeastOnce)
		require.NoError(t, err)
		changes, err := c.SubscribeToConfigurationUpdate(within(t), greengrass.GetConfigurationRequest{KeyPath: []string{"a"}})
		require.NoError(t, err)
		closed := subscribe(t, c, "a")
		require.NoError(t, closed.Close())
		eventually(t, func() bool { return n.Subscriptions() == 3 })

		n.DropConnections()
		// What the configuration is now has to be read again.
		require.Equal(t, []string{"a"}, next(t, changes).KeyPath)
		eventually(t, func() bool { return n.Subscriptions() == 3 })
		publish(t, c, "a", "after")
		n.Deliver("a", []byte("after"), nil)
		require.Equal(t, "after", string(next(t, local).Payload))
		require.Equal(t, "after", string(next(t, remote).Payload))
		require.Equal(t, uint64(1), local.Stats().Renewed)
		<-local.Renewals()
		require.Empty(t, local.Renewals(), "once each")
		require.Equal(t, 2, n.Counts().Connections)
		require.NoError(t, c.Err())
		require.Zero(t, n.Counts().Requests["UpdateState"])
	})
}

func TestRenewalThatIsRefusedEndsTheSubscription(t *testing.T) {
	onBoth(t, func(t *testing.T, n *fakenucleus.Nucleus) {
		c := connect(t, config(n))
		s, other := subscribe(t, c, "a"), subscribe(t, c, "b")
		n.Deny("SubscribeToTopic", "a")
		n.DropConnections()
		_, err := s.Next(within(t))
		require.ErrorIs(t, err, greengrass.ErrEnded)
		require.ErrorIs(t, err, greengrass.ErrUnauthorized)
		eventually(t, func() bool { return other.Stats().Renewed == 1 })
	})
}

// A second cut while subscriptions are renewed leaves none behind.
func TestCutWhileRenewing(t *testing.T) {
	onBoth(t, func(t *testing.T, n *fakenucleus.Nucleus) {
		c := connect(t, config(n))
		s := subscribe(t, c, "a")
		n.Inject("SubscribeToTopic", fakenucleus.Fault{Drop: true}, fakenucleus.Fault{Drop: true})
		n.DropConnections()
		eventually(t, func() bool { return s.Stats().Renewed == 1 })
		publish(t, c, "a", "after")
		require.Equal(t, "after", string(next(t, s).Payload))
		require.Equal(t, 4, n.Counts().Connections)
	})
}

func TestAwayAndBack(t *testing.T) {
	onBoth(t, func(t *testing.T, n *fakenucleus.Nucleus) {
		c := connect(t, config(n))
		s := subscribe(t, c, "a")
		n.Stop()
		eventually(t, func() bool {
			_, err := c.GetConfiguration(within(t), greengrass.GetConfigurationRequest{})
			require.ErrorIs(t, err, greengrass.ErrDisconnected)
			return true
		})
		_, err := c.SubscribeToTopic(within(t), greengrass.SubscribeToTopicRequest{Filter: "b"})
		require.ErrorIs(t, err, greengrass.ErrDisconnected)
		require.NoError(t, n.Resume(t.Context()))
		eventually(t, func() bool { return s.Stats().Renewed == 1 })
		publish(t, c, "a", "after")
		require.Equal(t, "after", string(next(t, s).Payload))
	})
}

// A nucleus that restarts gives new tokens to new processes.
func TestNucleusRestart(t *testing.T) {
	onBoth(t, func(t *testing.T, n *fakenucleus.Nucleus) {
		c := connect(t, config(n))
		s := subscribe(t, c, "a")
		publish(t, c, "a", "before")
		require.NoError(t, n.Restart(t.Context()))
		<-c.Done()
		require.ErrorIs(t, c.Err(), greengrass.ErrTokenVoid)
		require.ErrorIs(t, c.UpdateState(within(t), greengrass.Running), greengrass.ErrTokenVoid)
		require.Equal(t, "before", string(next(t, s).Payload))
		_, err := s.Next(within(t))
		require.ErrorIs(t, err, greengrass.ErrTokenVoid)

		again := connect(t, config(n)) // the new process
		require.NoError(t, again.UpdateState(within(t), greengrass.Running))
	})
}

func TestWrongToken(t *testing.T) {
	onBoth(t, func(t *testing.T, n *fakenucleus.Nucleus) {
		cfg := config(n)
		cfg.Token = "FFFFFFFFFFFFFFFF"
		_, err := greengrass.Connect(within(t), cfg)
		require.ErrorIs(t, err, greengrass.ErrTokenVoid)
		require.NotContains(t, err.Error(), cfg.Token)
		tries := 1
		if n.Kind() == fakenucleus.Lite {
			tries = 3 // a hang-up may also be a nucleus that stops
		}
		require.Equal(t, tries, n.Counts().Refused)
	})
}

func TestConnectWaitsForTheNucleus(t *testing.T) {
	n := start(t, fakenucleus.Lite)
	cfg := config(n)
	n.Stop()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err := greengrass.Connect(ctx, cfg)
	require.ErrorIs(t, err, greengrass.ErrDisconnected)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.NoError(t, n.Resume(t.Context()))
	connect(t, cfg)
}

// The context that bounds connecting does not bound the client.
func TestClientOutlivesConnecting(t *testing.T) {
	n := start(t, fakenucleus.Java)
	ctx, cancel := context.WithCancel(t.Context())
	c, err := greengrass.Connect(ctx, config(n))
	require.NoError(t, err)
	defer c.Close()
	cancel()
	require.NoError(t, c.UpdateState(within(t), greengrass.Running))
}

// Java gives relative paths where the root's is long.
func TestRelativeSocket(t *testing.T) {
	n := start(t, fakenucleus.Java)
	cfg := config(n)
	t.Chdir(filepath.Dir(cfg.Socket))
	cfg.Socket = filepath.Base(cfg.Socket)
	require.NoError(t, connect(t, cfg).UpdateState(within(t), greengrass.Running))
}

// Something that takes connections and never answers does not hold Connect.
func TestSilentServer(t *testing.T) {
	n := start(t, fakenucleus.Java)
	cfg := config(n)
	n.Stop()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "unix", cfg.Socket)
	require.NoError(t, err)
	defer listener.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err = greengrass.Connect(ctx, cfg)
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

// A nucleus that does not answer a renewal is asked again, on a new connection.
func TestRenewalThatIsNotAnswered(t *testing.T) {
	n := start(t, fakenucleus.Java)
	cfg := config(n)
	cfg.CallTimeout = 20 * time.Millisecond
	c := connect(t, cfg)
	s, other := subscribe(t, c, "a"), subscribe(t, c, "b")
	n.Inject("SubscribeToTopic", fakenucleus.Fault{})
	n.DropConnections()
	eventually(t, func() bool { return s.Stats().Renewed >= 1 && other.Stats().Renewed >= 1 })
	require.GreaterOrEqual(t, n.Counts().Connections, 3)
}

func TestProtest(t *testing.T) {
	onBoth(t, func(t *testing.T, n *fakenucleus.Nucleus) {
		c := connect(t, config(n))
		s := subscribe(t, c, "a")
		n.Inject("UpdateState", fakenucleus.Fault{})
		answered := make(chan error, 1)
		go func() { answered <- c.UpdateState(within(t), greengrass.Running) }()
		eventually(t, func() bool { return n.Counts().Requests["UpdateState"] == 1 })
		n.Protest()
		err := <-answered
		require.ErrorIs(t, err, greengrass.ErrDisconnected)
		require.ErrorIs(t, err, greengrass.ErrProtocol)
		eventually(t, func() bool { return s.Stats().Renewed == 1 })
	})
}
