package nucleus_test

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"porchlight/internal/edge/nucleus"
	"porchlight/internal/greengrass"
	"porchlight/internal/greengrass/fakenucleus"
	"porchlight/internal/iot/spool"
)

func TestPublish(t *testing.T) {
	onBoth(t, func(t *testing.T, fake *fakenucleus.Nucleus) {
		link := connected(t, fake).Link()
		require.NoError(t, link.Publish(within(t), "porchlight/v1/home/events", []byte(`{"a":1}`)))
		got := fake.Published()
		require.Len(t, got, 1)
		require.Equal(t, "porchlight/v1/home/events", got[0].Topic)
		require.Equal(t, `{"a":1}`, string(got[0].Payload))
		require.Equal(t, "1", got[0].QoS)
	})
}

// Only what no deployment and no waiting can change is refused for good.
func TestWhatIsRefusedForGood(t *testing.T) {
	onBoth(t, func(t *testing.T, fake *fakenucleus.Nucleus) {
		n := connected(t, fake)
		link, local := n.Link(), n.PubSub()
		for _, publish := range []func(context.Context, string, []byte) error{link.Publish, local.Publish} {
			require.NoError(t, publish(within(t), "a", make([]byte, 5000)))
			require.ErrorIs(t, publish(within(t), "a", make([]byte, 8000)), spool.ErrRefused)
			require.ErrorIs(t, publish(within(t), "a/+", []byte("x")), spool.ErrRefused)
			require.ErrorIs(t, publish(within(t), "", []byte("x")), spool.ErrRefused)
		}
		require.Zero(t, fake.Counts().Dropped, "nothing is sent that makes nucleus lite hang up")

		fake.Deny("PublishToIoTCore", "a")
		err := link.Publish(within(t), "a", []byte("x"))
		require.ErrorIs(t, err, greengrass.ErrUnauthorized)
		require.NotErrorIs(t, err, spool.ErrRefused)
		require.ErrorContains(t, err, "aws.greengrass#PublishToIoTCore on the resource a below aws.greengrass.ipc.mqttproxy")
		fake.Allow("PublishToIoTCore", "a")
		require.NoError(t, link.Publish(within(t), "a", []byte("x")))

		fake.Deny("PublishToTopic", "a")
		require.ErrorContains(t, local.Publish(within(t), "a", nil), "aws.greengrass#PublishToTopic on the resource a below aws.greengrass.ipc.pubsub")

		fake.Inject("PublishToIoTCore",
			fakenucleus.Fault{Error: &fakenucleus.ModeledError{Code: "ServiceError", Message: "Spooler is full"}},
			fakenucleus.Exception(), fakenucleus.Fault{Drop: true})
		require.ErrorIs(t, link.Publish(within(t), "a", []byte("x")), spool.ErrBusy)
		for range 2 {
			err := link.Publish(within(t), "a", []byte("x"))
			require.Error(t, err)
			require.NotErrorIs(t, err, spool.ErrRefused)
			require.NotErrorIs(t, err, spool.ErrBusy)
		}
	})
}

func TestOfflineLiteIsBusy(t *testing.T) {
	fake := fakenucleus.ForTest(t, fakenucleus.Lite, component)
	link := connected(t, fake).Link()
	fake.SetOnline(false)
	err := link.Publish(within(t), "a", []byte("x"))
	require.ErrorIs(t, err, spool.ErrBusy)
	require.NotErrorIs(t, err, spool.ErrRefused)
}

const burst = 500

func openSpool(t *testing.T, path string) *spool.Spool {
	t.Helper()
	s, err := spool.Open(spool.Config{Path: path, Log: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	return s
}

func fill(t *testing.T, s *spool.Spool) {
	t.Helper()
	for i := range burst {
		require.NoError(t, s.Put("porchlight/v1/home/events", fmt.Appendf(nil, "%04d%s", i, strings.Repeat("x", i%4900))))
	}
}

// drain sends until the test ends.
func drain(t *testing.T, s *spool.Spool, link *nucleus.Link) {
	t.Helper()
	beside(t, func(ctx context.Context) {
		_ = s.Drain(ctx, func(ctx context.Context, r spool.Record) error { return link.Publish(ctx, r.Name, r.Payload) })
	})
}

// inOrder wants each of the burst, in order; again says how many may have come
// once more, at once after the first.
func inOrder(t *testing.T, fake *fakenucleus.Nucleus, again int) {
	t.Helper()
	next, twice := 0, 0
	for _, p := range fake.Published() {
		number := string(p.Payload[:4])
		if next > 0 && number == fmt.Sprintf("%04d", next-1) {
			twice++
			continue
		}
		require.Equal(t, fmt.Sprintf("%04d", next), number)
		next++
	}
	require.Equal(t, burst, next)
	require.LessOrEqual(t, twice, again)
}

func sent(t *testing.T, s *spool.Spool) {
	t.Helper()
	eventually(t, func() bool { return s.Stats().Depth == 0 })
	require.Zero(t, s.Stats().Dropped)
}

func TestBurst(t *testing.T) {
	onBoth(t, func(t *testing.T, fake *fakenucleus.Nucleus) {
		s := openSpool(t, filepath.Join(t.TempDir(), "spool"))
		defer s.Close()
		fill(t, s)
		drain(t, s, connected(t, fake).Link())
		sent(t, s)
		inOrder(t, fake, 0)
	})
}

// IoT Core that acknowledges late fills the window of nucleus lite.
func TestBurstIntoASlowCloud(t *testing.T) {
	fake := fakenucleus.ForTest(t, fakenucleus.Lite, component)
	s := openSpool(t, filepath.Join(t.TempDir(), "spool"))
	defer s.Close()
	fill(t, s)
	fake.HoldAcknowledgments(true)
	drain(t, s, connected(t, fake).Link())
	for s.Stats().Depth > 0 {
		asked := fake.Counts().Requests["PublishToIoTCore"]
		eventually(t, func() bool { return s.Stats().Depth == 0 || fake.Counts().Requests["PublishToIoTCore"] > asked })
		fake.HoldAcknowledgments(false)
		fake.HoldAcknowledgments(true)
	}
	inOrder(t, fake, 0)
}

// Without the cloud, without the connection, and across a restart of the
// nucleus, which needs a new process.
func TestBurstThroughEverything(t *testing.T) {
	onBoth(t, func(t *testing.T, fake *fakenucleus.Nucleus) {
		path := filepath.Join(t.TempDir(), "spool")
		fake.SetOnline(false)
		ctx, cancel := context.WithCancel(t.Context())
		s := openSpool(t, path)
		n, err := nucleus.Open(within(t), quick(t, environment(fake)))
		require.NoError(t, err)
		stopped := make(chan struct{})
		link := n.Link()
		go func() {
			defer close(stopped)
			_ = s.Drain(ctx, func(ctx context.Context, r spool.Record) error { return link.Publish(ctx, r.Name, r.Payload) })
		}()
		fill(t, s)
		eventually(t, func() bool { return fake.Counts().Requests["PublishToIoTCore"] > 0 })
		fake.SetOnline(true)
		eventually(t, func() bool { return len(fake.Published()) > burst/10 })
		fake.DropConnections()
		eventually(t, func() bool { return len(fake.Published()) > burst/5 })
		require.NoError(t, fake.Restart(t.Context()))
		require.ErrorIs(t, n.Run(within(t), nucleus.Hooks{}), greengrass.ErrTokenVoid)
		cancel()
		<-stopped
		require.NoError(t, s.Close())
		require.NoError(t, n.Close())

		s = openSpool(t, path) // the new process
		defer s.Close()
		drain(t, s, connected(t, fake).Link())
		sent(t, s)
		inOrder(t, fake, 10)
	})
}
