package greengrass_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"porchlight/internal/greengrass"
	"porchlight/internal/greengrass/fakenucleus"
)

// What was measured of nucleus lite 2.6.0, the largest binary message that
// passed above all, holds for the fake and for the size check of the client.
func TestLargestMessageOnLite(t *testing.T) {
	largest := func(frameLimit int, send func(*greengrass.Client, int) error) (passed int) {
		n := start(t, fakenucleus.Lite)
		cfg := config(n)
		cfg.FrameLimit = frameLimit
		c := connect(t, cfg)
		for low, high := 7000, 7600; low <= high; {
			size := (low + high) / 2
			if err := send(c, size); err != nil {
				high = size - 1
				// The connection comes back by itself.
				eventually(t, func() bool { return c.UpdateState(within(t), greengrass.Running) == nil })
				continue
			}
			passed, low = size, size+1
		}
		if frameLimit == 0 {
			require.Zero(t, n.Counts().Dropped, "refused before anything was sent")
		} else {
			require.Positive(t, n.Counts().Dropped, "the nucleus drops the connection")
		}
		return passed
	}
	for name, send := range map[string]func(*greengrass.Client, int) error{
		"local": func(c *greengrass.Client, size int) error {
			return c.PublishToTopic(within(t), greengrass.PublishToTopicRequest{Topic: "t", Binary: make([]byte, size)})
		},
		"IoT Core": func(c *greengrass.Client, size int) error {
			return c.PublishToIoTCore(within(t), greengrass.IoTCoreMessage{Topic: "t", Payload: make([]byte, size)}, greengrass.AtLeastOnce)
		},
	} {
		t.Run(name, func(t *testing.T) {
			checked := largest(0, send)
			require.Equal(t, largest(greengrass.JavaFrameLimit, send), checked, "the client refuses what the nucleus would, and no more")
			require.InDelta(t, map[string]int{"local": 7302, "IoT Core": 7314}[name], checked, 3, "as measured, give or take one group of base64")
		})
	}
}

func TestOversizeIsAnErrorOfItsOwn(t *testing.T) {
	onBoth(t, func(t *testing.T, n *fakenucleus.Nucleus) {
		cfg := config(n)
		cfg.FrameLimit = greengrass.LiteFrameLimit
		c := connect(t, cfg)
		err := c.PublishToTopic(within(t), greengrass.PublishToTopicRequest{Topic: "t", Binary: make([]byte, 8000)})
		require.ErrorIs(t, err, greengrass.ErrTooLarge)
		require.Zero(t, n.Counts().Requests["PublishToTopic"])
		publish(t, c, "t", "small") // and the stream ids are still in order
		require.Zero(t, n.Counts().Dropped)

		if n.Kind() == fakenucleus.Java {
			big := connect(t, config(n))
			require.NoError(t, big.PublishToTopic(within(t), greengrass.PublishToTopicRequest{Topic: "t", Binary: make([]byte, 8<<20)}))
		}
	})
}

func TestLocalJSONOnLite(t *testing.T) {
	keys := func(n int) string {
		var pairs []string
		for i := range n {
			pairs = append(pairs, fmt.Sprintf(`"k%d":1`, i))
		}
		return "{" + strings.Join(pairs, ",") + "}"
	}
	detections := func(n int) string {
		return `{"detections":[` + strings.TrimSuffix(strings.Repeat(`{"label":"person","box":[1,2,3,4]},`, n), ",") + `]}`
	}
	for name, c := range map[string]struct {
		passes, deafens string
	}{
		"keys":       {keys(23), keys(24)},
		"numbers":    {`{"k":[` + manyNumbers(42) + `]}`, `{"k":[` + manyNumbers(43) + `]}`},
		"detections": {detections(4), detections(5)},
	} {
		t.Run(name, func(t *testing.T) {
			_, client := connected(t, fakenucleus.Lite)
			s := subscribe(t, client, "a")
			send := func(text string) error {
				return client.PublishToTopic(within(t), greengrass.PublishToTopicRequest{Topic: "a", JSON: json.RawMessage(text)})
			}
			require.NoError(t, send(c.passes))
			require.JSONEq(t, c.passes, string(next(t, s).Payload))
			require.NoError(t, send(c.deafens), "the publisher hears nothing of it")
			require.NoError(t, send(`{}`))
			require.Equal(t, uint64(1), s.Stats().Received)
			require.ErrorIs(t, send(keys(120)), greengrass.ErrService)
		})
	}
	// The cure.
	_, client := connected(t, fakenucleus.Lite)
	s := subscribe(t, client, "a")
	publish(t, client, "a", keys(100))
	require.JSONEq(t, keys(100), string(next(t, s).Payload))
}

func TestInboundOnLite(t *testing.T) {
	n, c := connected(t, fakenucleus.Lite)
	s, err := c.SubscribeToIoTCore(within(t), "a", greengrass.AtLeastOnce)
	require.NoError(t, err)
	n.Deliver("a", make([]byte, 4900), nil)
	require.Len(t, next(t, s).Payload, 4900)
	n.Deliver("a", make([]byte, 5100), nil)
	n.Deliver("a", nil, nil)
	require.NoError(t, s.Renew(within(t)))
	require.Equal(t, uint64(1), s.Stats().Received)
	n.Deliver("a", []byte("heard"), nil)
	require.Equal(t, "heard", string(next(t, s).Payload))
}

func TestConfigurationOfManyCamerasOnLite(t *testing.T) {
	cameras := func(count int) json.RawMessage {
		all := map[string]any{}
		for i := range count {
			camera := map[string]any{}
			for key := range 6 {
				camera[fmt.Sprint("key", key)] = "v"
			}
			all[fmt.Sprint("camera", i)] = camera
		}
		text, err := json.Marshal(map[string]any{"cameras": all})
		require.NoError(t, err)
		return text
	}
	n, c := connected(t, fakenucleus.Lite)
	read := func(path ...string) error {
		_, err := c.GetConfiguration(within(t), greengrass.GetConfigurationRequest{KeyPath: path})
		return err
	}
	require.NoError(t, n.Deploy(component, cameras(17)))
	require.NoError(t, read("cameras"))
	require.NoError(t, n.Deploy(component, cameras(18)))
	require.ErrorIs(t, read("cameras"), greengrass.ErrService)
	require.NoError(t, read("cameras", "camera17"), "the cure")
}

func TestOffline(t *testing.T) {
	onBoth(t, func(t *testing.T, n *fakenucleus.Nucleus) {
		c := connect(t, config(n))
		send := func(text string, qos greengrass.QoS) error {
			return c.PublishToIoTCore(within(t), greengrass.IoTCoreMessage{Topic: "a", Payload: []byte(text)}, qos)
		}
		n.SetOnline(false)
		kept, dropped := send("kept", greengrass.AtLeastOnce), send("dropped", greengrass.AtMostOnce)
		n.SetOnline(true)
		if n.Kind() == fakenucleus.Java {
			require.NoError(t, kept)
			require.NoError(t, dropped)
			require.Len(t, n.Published(), 1)
			return
		}
		require.ErrorIs(t, kept, greengrass.ErrService)
		require.NotErrorIs(t, kept, greengrass.ErrUnsupported, "it says why")
		require.ErrorIs(t, dropped, greengrass.ErrService)
		require.Empty(t, n.Published())
		require.NoError(t, send("again", greengrass.AtLeastOnce))
	})
}

func TestWindowOnLite(t *testing.T) {
	for name, c := range map[string]struct{ size, fit int }{"ten messages": {1, 10}, "15,000 bytes": {5000, 3}} {
		t.Run(name, func(t *testing.T) {
			n, client := connected(t, fakenucleus.Lite)
			n.HoldAcknowledgments(true)
			send := func() error {
				return client.PublishToIoTCore(within(t), greengrass.IoTCoreMessage{Topic: "a", Payload: make([]byte, c.size)}, greengrass.AtLeastOnce)
			}
			for range c.fit {
				require.NoError(t, send())
			}
			require.ErrorIs(t, send(), greengrass.ErrService)
			n.HoldAcknowledgments(false)
			require.NoError(t, send())
		})
	}
}

func TestHundredSubscriptionsOnLite(t *testing.T) {
	_, c := connected(t, fakenucleus.Lite)
	for range 99 {
		subscribe(t, c, "a")
	}
	last := subscribe(t, c, "a")
	_, err := c.SubscribeToTopic(within(t), greengrass.SubscribeToTopicRequest{Filter: "a"})
	require.ErrorIs(t, err, greengrass.ErrService)
	require.NoError(t, last.Close())
	subscribe(t, c, "a")
}
