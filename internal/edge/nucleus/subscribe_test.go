package nucleus_test

import (
	"context"
	"encoding/json"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/edge/nucleus"
	"porchlight/internal/greengrass"
	"porchlight/internal/greengrass/fakenucleus"
)

// heard gathers what a subscription brings.
type heard struct {
	mu       sync.Mutex
	topics   []string
	payloads []string
	ready    int
	inside   int // handlers at work
	overlap  bool
}

func (h *heard) handle(topic string, payload []byte) {
	h.mu.Lock()
	h.inside++
	h.overlap = h.overlap || h.inside > 1
	h.topics, h.payloads = append(h.topics, topic), append(h.payloads, string(payload))
	h.mu.Unlock()
	h.mu.Lock()
	h.inside--
	h.mu.Unlock()
}

func (h *heard) inEffect() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ready++
}

func (h *heard) count() (ready, messages int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.ready, len(h.payloads)
}

func (h *heard) becameReady(t *testing.T, times int) {
	t.Helper()
	eventually(t, func() bool { ready, _ := h.count(); return ready >= times })
}

func (h *heard) last() (topic, payload string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.topics[len(h.topics)-1], h.payloads[len(h.payloads)-1]
}

const commands = "porchlight/v1/home/commands"

func TestCommandsArriveInOrder(t *testing.T) {
	onBoth(t, func(t *testing.T, fake *fakenucleus.Nucleus) {
		n, h := connected(t, fake), &heard{}
		n.Link().Subscribe(t.Context(), commands, h.handle, h.inEffect)
		h.becameReady(t, 1)
		var want []string
		for i := range 100 {
			text, err := json.Marshal(i)
			require.NoError(t, err)
			want = append(want, string(text))
			fake.Deliver(commands, text, nil)
		}
		eventually(t, func() bool { _, messages := h.count(); return messages == len(want) })
		h.mu.Lock()
		defer h.mu.Unlock()
		require.Equal(t, want, h.payloads)
		require.Equal(t, commands, h.topics[0])
		require.False(t, h.overlap)
	})
}

func TestSubscriptionIsKept(t *testing.T) {
	onBoth(t, func(t *testing.T, fake *fakenucleus.Nucleus) {
		fake.Deny("SubscribeToIoTCore", commands)
		log := &memory{}
		cfg := quick(t, environment(fake))
		cfg.Log = log.Logger()
		n, h := open(t, cfg), &heard{}
		n.Link().Subscribe(t.Context(), commands, h.handle, h.inEffect)
		eventually(t, func() bool { return fake.Counts().Requests["SubscribeToIoTCore"] > 2 })
		require.Contains(t, log.String(), "aws.greengrass#SubscribeToIoTCore on the resource "+commands+" below aws.greengrass.ipc.mqttproxy")
		ready, _ := h.count()
		require.Zero(t, ready)
		fake.Allow("SubscribeToIoTCore", commands)
		h.becameReady(t, 1)

		fake.DropConnections() // the client renews
		h.becameReady(t, 2)
		fake.EndStreams("SubscribeToIoTCore", fakenucleus.ModeledError{Code: "ServiceError", Message: "over"}) // it is made again
		h.becameReady(t, 3)
		fake.Deliver(commands, []byte("after"), nil)
		eventually(t, func() bool { _, messages := h.count(); return messages == 1 })
		fake.Stop()
		require.NoError(t, fake.Resume(t.Context()))
		h.becameReady(t, 4)
		require.Equal(t, 1, fake.Subscriptions())
	})
}

func TestSubscriptionEndsWithItsContext(t *testing.T) {
	onBoth(t, func(t *testing.T, fake *fakenucleus.Nucleus) {
		n, h := connected(t, fake), &heard{}
		ctx, cancel := context.WithCancel(t.Context())
		n.Link().Subscribe(ctx, commands, h.handle, h.inEffect)
		n.Link().Subscribe(t.Context(), "others", h.handle, nil)
		h.becameReady(t, 1)
		eventually(t, func() bool { return fake.Subscriptions() == 2 })
		cancel()
		eventually(t, func() bool { return fake.Subscriptions() == 1 })

		// It ends with the connection too, and while it waits for a permission.
		fake.Deny("SubscribeToIoTCore", commands)
		n.Link().Subscribe(t.Context(), commands, h.handle, h.inEffect)
		eventually(t, func() bool { return fake.Counts().Requests["SubscribeToIoTCore"] > 2 })
		require.NoError(t, n.Close())
		n.Link().Subscribe(t.Context(), commands, h.handle, h.inEffect)
		eventually(t, func() bool { return fake.Subscriptions() == 0 })
		require.NoError(t, n.Close())
	})
}

// With a token that is void there is nothing to wait for.
func TestSubscriptionEndsWithTheToken(t *testing.T) {
	onBoth(t, func(t *testing.T, fake *fakenucleus.Nucleus) {
		n, h := connected(t, fake), &heard{}
		n.Link().Subscribe(t.Context(), commands, h.handle, h.inEffect)
		h.becameReady(t, 1)
		require.NoError(t, fake.Restart(t.Context()))
		require.ErrorIs(t, n.Run(within(t), nucleus.Hooks{}), greengrass.ErrTokenVoid)
		require.NoError(t, n.Close())
	})
}

// A message that is too large makes a subscription deaf on nucleus lite.
func TestDeafSubscriptionHearsAgain(t *testing.T) {
	fake := fakenucleus.ForTest(t, fakenucleus.Lite, component)
	cfg := quick(t, environment(fake))
	cfg.Renew = 10 * time.Millisecond
	n, h := open(t, cfg), &heard{}
	n.Link().Subscribe(t.Context(), commands, h.handle, h.inEffect)
	h.becameReady(t, 1)
	fake.Deliver(commands, make([]byte, 5100), nil)
	eventually(t, func() bool {
		fake.Deliver(commands, []byte("heard"), nil)
		_, messages := h.count()
		return messages > 0
	})
	_, text := h.last()
	require.Equal(t, "heard", text)
}

func TestLocalMessages(t *testing.T) {
	onBoth(t, func(t *testing.T, fake *fakenucleus.Nucleus) {
		n, h := connected(t, fake), &heard{}
		n.PubSub().Subscribe(t.Context(), "clients/+", h.handle, h.inEffect)
		h.becameReady(t, 1)
		last := func(messages int) []string {
			eventually(t, func() bool { _, got := h.count(); return got == messages })
			topic, payload := h.last()
			return []string{topic, payload}
		}
		fake.Publish("bridge", "clients/cam-1", "binaryMessage", json.RawMessage(`"eyJhIjoxfQ=="`))
		require.Equal(t, []string{"clients/cam-1", `{"a":1}`}, last(1))
		fake.Publish("bridge", "clients/cam-2", "jsonMessage", json.RawMessage(`{"a":2}`))
		require.Equal(t, []string{"clients/cam-2", `{"a":2}`}, last(2))
		require.NoError(t, n.PubSub().Publish(within(t), "clients/self", []byte(`{"a":3}`)))
		require.Equal(t, []string{"clients/self", `{"a":3}`}, last(3), "on both, as lite knows no other way")
	})
}
