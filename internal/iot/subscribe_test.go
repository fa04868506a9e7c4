package iot_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
	"github.com/stretchr/testify/require"

	"porchlight/internal/iot"
	"porchlight/internal/iot/iottest"
)

// box gathers what one subscription gets.
type box struct {
	messages chan string
	ready    chan struct{}
}

func subscribe(ctx context.Context, c *iot.Client, filter string) box {
	b := box{make(chan string, 10000), make(chan struct{}, 10000)}
	c.Subscribe(ctx, filter, func(topic string, payload []byte) { b.messages <- topic + "=" + string(payload) }, func() { b.ready <- struct{}{} })
	return b
}

func TestSubscriptionsGetWhatTheyAskFor(t *testing.T) {
	b := iottest.New(t, nil)
	b.Up()
	c := connect(t, b, nil)
	commands, all := subscribe(t.Context(), c, "v1/home/commands"), subscribe(t.Context(), c, "v1/+/sensors/#")
	next(t, commands.ready)
	next(t, all.ready)
	for i := range 100 {
		b.Send("v1/home/commands", fmt.Append(nil, i))
		require.Equal(t, fmt.Sprintf("v1/home/commands=%d", i), next(t, commands.messages))
	}
	b.Send("v1/other/sensors/door/front", []byte("open"))
	b.Send("v1/other/commands", []byte("not for us"))
	b.Send("v1/home/sensors", []byte("low"))
	require.Equal(t, "v1/other/sensors/door/front=open", next(t, all.messages))
	require.Equal(t, "v1/home/sensors=low", next(t, all.messages))
	require.Empty(t, commands.messages)
	stats := c.Stats()
	require.Equal(t, 2, stats.Subscriptions)
	require.EqualValues(t, 102, stats.Received)
	require.Zero(t, stats.Dropped)
}

// Whatever the broker forgets, a subscription is there again after it.
func TestSubscriptionsOutliveConnections(t *testing.T) {
	b := iottest.New(t, nil)
	c := connect(t, b, nil) // there is no broker yet
	commands := subscribe(t.Context(), c, "v1/home/commands")
	b.Up()
	next(t, commands.ready)
	b.Down()
	b.Up()
	next(t, commands.ready)
	b.Cut()
	next(t, commands.ready)
	b.Send("v1/home/commands", []byte("siren"))
	require.Equal(t, "v1/home/commands=siren", next(t, commands.messages))
	require.EqualValues(t, 3, c.Stats().Connects)
}

func TestSubscriptionEndsWithItsContext(t *testing.T) {
	b := iottest.New(t, nil)
	left := make(chan []string, 10)
	b.Left = func(filters []string) { left <- filters }
	b.Up()
	c := connect(t, b, nil)
	first, endFirst := context.WithCancel(t.Context())
	second, endSecond := context.WithCancel(t.Context())
	next(t, subscribe(first, c, "a").ready)
	also := subscribe(second, c, "a")
	next(t, also.ready)
	endFirst()
	eventually(t, func() bool { return c.Stats().Subscriptions == 1 }, "the first has ended")
	b.Send("a", []byte("still"))
	require.Equal(t, "a=still", next(t, also.messages))
	require.Empty(t, left, "another still wants it")
	endSecond()
	require.Equal(t, []string{"a"}, next(t, left))
	again := subscribe(t.Context(), c, "a")
	next(t, again.ready)
	b.Send("a", []byte("again"))
	require.Equal(t, "a=again", next(t, again.messages))
}

// A handler that hangs costs its own messages, the oldest first, and nobody
// else's.
func TestSlowHandlerDelaysItselfAlone(t *testing.T) {
	b := iottest.New(t, nil)
	b.Up()
	log := &logged{}
	c := connect(t, b, func(cfg *iot.ClientConfig) { cfg.Log = log.logger() })
	hold, entered := make(chan struct{}), make(chan struct{}, 1)
	release := sync.OnceFunc(func() { close(hold) })
	t.Cleanup(release)
	var slow []string
	ready, done := make(chan struct{}), make(chan struct{})
	var once sync.Once
	c.Subscribe(t.Context(), "slow", func(_ string, payload []byte) {
		select {
		case entered <- struct{}{}:
		default:
		}
		<-hold
		if slow = append(slow, string(payload)); len(slow) == 1+iot.MaxInbox {
			close(done)
		}
	}, func() { once.Do(func() { close(ready) }) })
	quick := subscribe(t.Context(), c, "quick")
	next(t, ready)
	next(t, quick.ready)
	b.Send("slow", []byte("0"))
	next(t, entered)
	const more = 200
	for i := 1; i <= more; i++ {
		b.Send("slow", fmt.Append(nil, i))
		b.Send("quick", fmt.Append(nil, i))
		require.Equal(t, fmt.Sprintf("quick=%d", i), next(t, quick.messages))
	}
	require.NoError(t, publish(t, c, "events", "x"), "sending goes on")
	require.EqualValues(t, more-iot.MaxInbox, c.Stats().Dropped)
	release()
	next(t, done)
	require.Equal(t, "0", slow[0])
	require.Equal(t, fmt.Sprint(more), slow[len(slow)-1], "the newest are kept")
	require.Len(t, log.with("messages are dropped"), 1, "said once, not for each")
}

func TestLargeMessagesAreBoundedByBytes(t *testing.T) {
	b := iottest.New(t, nil)
	b.Up()
	c := connect(t, b, nil)
	hold, entered := make(chan struct{}), make(chan struct{}, 100)
	t.Cleanup(sync.OnceFunc(func() { close(hold) }))
	c.Subscribe(t.Context(), "big", func(string, []byte) { entered <- struct{}{}; <-hold }, nil)
	quick := subscribe(t.Context(), c, "quick")
	next(t, quick.ready)
	eventually(t, func() bool { return c.Stats().Subscriptions == 2 }, "both are in effect")
	for range 20 {
		b.Send("big", make([]byte, iot.MaxPayload))
	}
	b.Send("quick", nil)
	require.Equal(t, "quick=", next(t, quick.messages))
	next(t, entered)
	require.GreaterOrEqual(t, c.Stats().Dropped, int64(20-1-8-1), "a megabyte and the one in hand are kept")
}

// What a policy does not allow is asked for again, and disturbs nothing.
func TestRefusedSubscriptionIsRetriedAndSaid(t *testing.T) {
	b := iottest.New(t, nil)
	var mu sync.Mutex
	allowed, refused := false, make(chan struct{}, 1000)
	b.MaySubscribe = func(_ *mqtt.Client, filter string) bool {
		mu.Lock()
		defer mu.Unlock()
		if filter == "secret" && !allowed {
			refused <- struct{}{}
			return false
		}
		return true
	}
	b.Up()
	log := &logged{}
	c := connect(t, b, func(cfg *iot.ClientConfig) { cfg.Log = log.logger() })
	secret, open := subscribe(t.Context(), c, "secret"), subscribe(t.Context(), c, "open")
	next(t, open.ready)
	for range 3 {
		next(t, refused)
	}
	require.NoError(t, publish(t, c, "events", "x"))
	require.Empty(t, secret.ready)
	mu.Lock()
	allowed = true
	mu.Unlock()
	next(t, secret.ready)
	require.EqualValues(t, 1, c.Stats().Connects, "the connection was left alone")
	lines := log.with("subscription refused")
	require.Len(t, lines, 1, "said once, not at every try")
	require.Contains(t, lines[0], "allow iot:Subscribe")
	eventually(t, func() bool { return len(log.with("in effect at last")) == 1 }, "the end of it is said too")
}

// Some brokers end the connection instead of answering. The guilty filter is
// found, and asked for seldom.
func TestSubscriptionThatEndsTheConnection(t *testing.T) {
	for name, end := range map[string]func(*iottest.Broker, *mqtt.Client){
		"with a reason":  func(b *iottest.Broker, cl *mqtt.Client) { b.Kick(cl.ID, packets.ErrNotAuthorized) },
		"without a word": func(_ *iottest.Broker, cl *mqtt.Client) { cl.Net.Conn.Close() },
	} {
		t.Run(name, func(t *testing.T) { endsTheConnection(t, end) })
	}
}

func endsTheConnection(t *testing.T, end func(*iottest.Broker, *mqtt.Client)) {
	b := iottest.New(t, nil)
	var allowed atomic.Bool
	b.Asked = func(cl *mqtt.Client, filters []string) {
		if slices.Contains(filters, "secret") && !allowed.Load() {
			end(b, cl)
		}
	}
	b.Up()
	log := &logged{}
	c := connect(t, b, func(cfg *iot.ClientConfig) { cfg.Log = log.logger() })
	secret := subscribe(t.Context(), c, "secret")
	var others []box
	for i := range 6 {
		others = append(others, subscribe(t.Context(), c, fmt.Sprint("open/", i)))
	}
	for _, o := range others {
		next(t, o.ready)
	}
	eventually(t, func() bool { return len(log.with("subscription refused")) > 0 }, "the guilty one is named")
	require.Empty(t, secret.ready)
	allowed.Store(true)
	next(t, secret.ready)
	lines := log.with("subscription refused")
	require.Len(t, lines, 1, "said once")
	require.Contains(t, lines[0], "filter=secret")
	require.Contains(t, lines[0], "allow iot:Subscribe")
}

func TestSubscribesInBunchesAndWithinTheLimit(t *testing.T) {
	b := iottest.New(t, nil)
	var mu sync.Mutex
	most, wanted := 0, map[string]bool{}
	b.Asked = func(_ *mqtt.Client, filters []string) {
		mu.Lock()
		defer mu.Unlock()
		most = max(most, len(filters))
		for _, f := range filters {
			wanted[f] = true
		}
	}
	log := &logged{}
	c := connect(t, b, func(cfg *iot.ClientConfig) { cfg.Log = log.logger() })
	first, end := context.WithCancel(t.Context())
	boxes := []box{subscribe(first, c, "0")}
	for i := 1; i < iot.MaxSubscriptions+1; i++ {
		boxes = append(boxes, subscribe(t.Context(), c, fmt.Sprint(i)))
	}
	b.Up()
	for _, x := range boxes[:iot.MaxSubscriptions] {
		next(t, x.ready)
	}
	eventually(t, func() bool { return len(log.with("too many subscriptions")) == 1 }, "it is said")
	mu.Lock()
	require.LessOrEqual(t, most, 8)
	require.Len(t, wanted, iot.MaxSubscriptions)
	mu.Unlock()
	end() // makes room
	next(t, boxes[iot.MaxSubscriptions].ready)
}

func TestFilterThatIsNoneIsSaid(t *testing.T) {
	b := iottest.New(t, nil)
	log := &logged{}
	c := connect(t, b, func(cfg *iot.ClientConfig) { cfg.Log = log.logger() })
	for _, filter := range []string{"", "a/#/b", "a+", "a/b#", strings.Repeat("a/", 8) + "b", strings.Repeat("a", 257), "a\x00", "\xff", "$share/g/a"} {
		c.Subscribe(t.Context(), filter, nil, nil)
		require.ErrorIs(t, iot.CheckFilter(filter), iot.ErrTopic, filter)
	}
	require.Len(t, log.with("subscription is not possible"), 9)
	require.NoError(t, iot.CheckFilter("$aws/things/home/shadow/name/config/update/delta"))
}

// Handlers may subscribe, end themselves and publish.
func TestHandlersMayUseTheClient(t *testing.T) {
	b := iottest.New(t, nil)
	b.Up()
	c := connect(t, b, nil)
	ctx, end := context.WithCancel(t.Context())
	answers := subscribe(t.Context(), c, "replies")
	next(t, answers.ready)
	ready, inner := make(chan struct{}), make(chan string, 1)
	c.Subscribe(ctx, "commands", func(_ string, payload []byte) {
		//nolint:contextcheck // it outlives the handler that asks for it
		c.Subscribe(t.Context(), "inner", func(_ string, p []byte) { inner <- string(p) }, func() {
			_ = c.Publish(ctx, "replies", payload)
		})
		<-ctx.Done()
	}, func() { close(ready) })
	next(t, ready)
	b.Send("commands", []byte("hello"))
	require.Equal(t, "replies=hello", next(t, answers.messages))
	end()
	b.Send("inner", []byte("in"))
	require.Equal(t, "in", next(t, inner))
}
