package signaling_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/stretchr/testify/require"

	client "porchlight/internal/kvs/signaling"
	"porchlight/internal/localcloud/kvs/signaling"
)

func TestOfferAndAnswer(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	camera := w.master(nil)
	viewers := []*running{w.watch("anna", nil), w.watch("ben", nil)}
	for _, v := range viewers {
		// As browsers do: candidates may be under way before the offer is.
		v.send(message(client.Candidate, "", `{"candidate":"first"}`))
		v.send(message(client.Offer, "", `{"type":"offer","sdp":"`+v.ClientID()+`"}`))
		v.send(message(client.Candidate, "", `{"candidate":"second"}`))
		offer := camera.receive()
		require.Equal(t, client.Message{Client: v.ClientID(), Kind: client.Offer, Payload: []byte(`{"type":"offer","sdp":"` + v.ClientID() + `"}`)}, offer)
		for _, which := range []string{"first", "second"} {
			require.Equal(t, message(client.Candidate, v.ClientID(), `{"candidate":"`+which+`"}`), camera.receive())
		}
		camera.send(message(client.Answer, v.ClientID(), `{"type":"answer"}`))
		camera.send(message(client.Candidate, v.ClientID(), `{"candidate":"host"}`))
	}
	for _, v := range viewers {
		require.Equal(t, message(client.Answer, "", `{"type":"answer"}`), v.receive())
		require.Equal(t, message(client.Candidate, "", `{"candidate":"host"}`), v.receive())
	}
	master, ids := w.service.Connected("home.porch")
	require.True(t, master)
	require.ElementsMatch(t, []string{"anna", "ben"}, ids)
}

// An offer waits for a camera that is just connecting again.
func TestMessagesWait(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	camera := w.master(nil)
	viewer := w.watch("anna", nil)
	camera.stop()
	require.Eventually(t, func() bool { m, _ := w.service.Connected("home.porch"); return !m }, patience, time.Millisecond)
	viewer.send(message(client.Offer, "", `{"sdp":"old"}`))
	viewer.send(message(client.Offer, "", `{"sdp":"new"}`))
	viewer.send(message(client.Candidate, "", `{"candidate":"c"}`))
	camera = w.master(nil)
	require.JSONEq(t, `{"sdp":"new"}`, string(camera.receive().Payload), "an offer takes the place of one that nobody got")
	require.Equal(t, client.Candidate, camera.receive().Kind)
}

func TestPlannedReconnection(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*client.Config){
		"life": func(c *client.Config) { c.Timing.Life = 50 * time.Millisecond },
		"idle": func(c *client.Config) { c.Timing.Idle = 20 * time.Millisecond },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := start(t, nil)
			camera, viewer := w.master(change), w.watch("anna", change)
			for i := range 50 {
				want := fmt.Sprintf(`{"sdp":"%d"}`, i)
				viewer.send(message(client.Offer, "", want))
				m := camera.receive()
				require.Equal(t, want, string(m.Payload))
				camera.send(message(client.Answer, m.Client, want))
				require.Equal(t, want, string(viewer.receive().Payload), "connections come and go, messages do not")
			}
			camera.connected(4)
			require.Zero(t, camera.Stats().Lost, "the service had nothing to end")
			require.Zero(t, camera.Stats().Replaced)
		})
	}
}

// The service's own limits, short, with a client that does not plan ahead.
func TestServiceEndsConnections(t *testing.T) {
	t.Parallel()
	for name, limits := range map[string]signaling.Limits{
		"go away": {Life: time.Hour, Grace: time.Hour - 50*time.Millisecond},
		"life":    {Life: 100 * time.Millisecond, Grace: time.Nanosecond},
		"idle":    {Idle: 100 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			limits.Connects, limits.SDP = 1e6, 1e6
			w := start(t, func(c *signaling.Config) { c.Limits = limits })
			camera := w.master(nil).connected(3)
			require.Zero(t, camera.Stats().Replaced)
			viewer := w.watch("anna", nil)
			viewer.send(message(client.Offer, "", `{"sdp":"a"}`))
			require.Equal(t, client.Offer, camera.receive().Kind)
			if name == "go away" {
				require.Zero(t, camera.Stats().Lost)
			}
		})
	}
}

// Two cameras with one channel: the newer one has it, and the older one leaves
// it alone.
func TestReplacedMasterStandsBy(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	older := w.master(nil)
	newer := w.master(nil)
	require.Eventually(t, func() bool { return older.Stats().State == client.StandingBy }, patience, time.Millisecond)
	viewer := w.watch("anna", nil)
	for i := range 20 {
		viewer.send(message(client.Offer, "", fmt.Sprintf(`{"sdp":"%d"}`, i)))
		require.Equal(t, client.Offer, newer.receive().Kind)
	}
	require.EqualValues(t, 1, older.Stats().Connects)
	require.EqualValues(t, 1, newer.Stats().Connects)
	require.Contains(t, w.logs.String(), "another has taken this client's place")
}

func TestReplacedMasterComesBack(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	older := w.master(func(c *client.Config) { c.Timing.Standby = 200 * time.Millisecond })
	newer := w.master(nil)
	require.Eventually(t, func() bool { return older.Stats().Replaced == 1 }, patience, time.Millisecond)
	newer.stop()
	older.connected(2)
}

// The network goes and comes for a while. Nothing is told twice, and all is
// well thereafter.
func TestDroppedAgainAndAgain(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	camera, viewer := w.master(nil), w.watch("anna", nil)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	cutting := make(chan struct{})
	go func() {
		defer close(cutting)
		for range 60 {
			time.Sleep(5 * time.Millisecond)
			w.service.Cut("home.porch")
		}
	}()
	go func() {
		for i := 0; ctx.Err() == nil; i++ {
			_ = viewer.Send(ctx, message(client.Offer, "", fmt.Sprintf(`{"n":%d}`, i)))
			time.Sleep(time.Millisecond)
		}
	}()
	seen := map[string]bool{}
	for more := 100; more > 0; {
		m := camera.receive()
		require.False(t, seen[string(m.Payload)], "%s was told twice", m.Payload)
		seen[string(m.Payload)] = true
		select {
		case <-cutting:
			more-- // all is well again
		default:
		}
	}
	cancel()
	require.Greater(t, camera.Stats().Connects, int64(1))
	require.Zero(t, camera.Stats().Replaced, "a client does not take itself for another")
	camera.send(message(client.Answer, "anna", `{"sdp":"last"}`))
	require.JSONEq(t, `{"sdp":"last"}`, string(viewer.receive().Payload))
}

func TestServiceSaysNonsense(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	camera := w.master(nil)
	for _, text := range []string{
		" ", "null", "[]", "{", `{"messageType":7}`, `{"messageType":"FUTURE","messagePayload":"e30="}`, `{"messageType":"SDP_OFFER"}`,
		`{"messageType":"SDP_OFFER","messagePayload":"!"}`, `{"messageType":"SDP_OFFER","messagePayload":"Yg=="}`,
		`{"messageType":"SDP_OFFER","messagePayload":"e30=","senderClientId":"a b"}`, strings.Repeat("x", 40_000),
	} {
		require.Equal(t, 1, w.service.Say("home.porch", text))
	}
	require.Equal(t, 1, w.service.Say("home.porch", `{"messageType":"SDP_OFFER","messagePayload":"e30=","senderClientId":"anna"}`))
	require.Equal(t, message(client.Offer, "anna", `{}`), camera.receive())
	require.EqualValues(t, 11, camera.Stats().Discarded)
	require.EqualValues(t, 1, camera.Stats().Connects)
}

func TestRefusedMessage(t *testing.T) {
	t.Parallel()
	w := start(t, func(c *signaling.Config) { c.Limits.Payload = 100 })
	w.master(nil)
	viewer := w.watch("anna", nil)
	m := message(client.Offer, "", `{"sdp":"`+strings.Repeat("x", 100)+`"}`)
	m.CorrelationID = "first"
	viewer.send(m)
	got := viewer.receive()
	require.Equal(t, client.Refused, got.Kind)
	require.Equal(t, "first", got.CorrelationID)
	require.Contains(t, got.Reason, "InvalidArgumentException")
}

func TestICEServers(t *testing.T) {
	t.Parallel()
	w := start(t, func(c *signaling.Config) { c.Limits.Credentials = time.Hour })
	camera := w.master(nil)
	servers, err := camera.ICEServers(t.Context())
	require.NoError(t, err)
	require.Len(t, servers, 1)
	require.Equal(t, []string{"turn:" + w.service.RelayAddress() + "?transport=udp", "turn:" + w.service.RelayAddress() + "?transport=tcp"}, servers[0].URLs)
	require.WithinDuration(t, time.Now().Add(time.Hour), servers[0].Expires, 10*time.Minute)
	again, err := camera.ICEServers(t.Context())
	require.NoError(t, err)
	require.Equal(t, servers, again, "kept")

	w.service.Say("home.porch", `{"messageType":"RECONNECT_ICE_SERVER"}`)
	require.Equal(t, client.RenewICE, camera.receive().Kind)
	renewed, err := camera.ICEServers(t.Context())
	require.NoError(t, err)
	require.NotEqual(t, servers[0].Username, renewed[0].Username)
}

// ICE servers are renewed before they expire, without anyone asking.
func TestICEServersAreKeptFresh(t *testing.T) {
	t.Parallel()
	w := start(t, func(c *signaling.Config) { c.Limits.Credentials = 2 * time.Second })
	camera := w.master(nil)
	first, err := camera.ICEServers(t.Context())
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		now, err := camera.ICEServers(t.Context())
		return err == nil && now[0].Username != first[0].Username
	}, patience, 10*time.Millisecond)
}

func TestRights(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	w.master(nil).stop()
	for name, c := range map[string]*client.Client{
		"another's channel": client.NewMaster(w.config(w.device("away"))),
		"master as viewer":  client.NewMaster(w.known(w.viewer())),
		"viewer as master":  client.NewViewer(w.known(w.device("home"))),
	} {
		t.Run(name, func(t *testing.T) {
			r := run(t, c)
			require.Eventually(t, func() bool { return strings.Contains(w.logs.String(), "no signaling: viewers cannot connect") }, patience, time.Millisecond)
			require.Zero(t, r.Stats().Connects)
		})
	}
}

// known is the configuration of a client that knows the endpoints already.
func (w *world) known(keys aws.CredentialsProvider) client.Config {
	cfg := w.config(keys)
	cfg.Directory = w.directory(w.device("home"))
	return cfg
}
