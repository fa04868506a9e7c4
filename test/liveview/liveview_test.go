package liveview_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesisvideo"
	"github.com/gorilla/websocket"
	"github.com/pion/turn/v5"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"porchlight/internal/cloud/api"
	domain "porchlight/internal/cloud/live"
	"porchlight/internal/event"
	"porchlight/internal/kvs/signaling"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// dial connects as a browser does: with the URL and nothing else.
func dial(t *testing.T, address string) (*websocket.Conn, int, string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	conn, resp, err := websocket.DefaultDialer.DialContext(ctx, address, nil)
	require.NotNil(t, resp, err)
	defer resp.Body.Close() // of a connection that came about there is none
	body, _ := io.ReadAll(resp.Body)
	return conn, resp.StatusCode, string(body)
}

func connect(t *testing.T, address string) *websocket.Conn {
	t.Helper()
	conn, status, body := dial(t, address)
	require.NotNil(t, conn, "%d %s", status, body)
	t.Cleanup(func() { conn.Close() })
	require.NoError(t, conn.SetReadDeadline(time.Now().Add(patience)))
	return conn
}

func receive(t *testing.T, master *signaling.Client) signaling.Message {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	m, err := master.Receive(ctx)
	require.NoError(t, err)
	return m
}

// talk sends an offer and gets the answer of the master.
func talk(t *testing.T, s api.LiveSession, master *signaling.Client) {
	t.Helper()
	conn := connect(t, s.Url)
	const offer, answer = `{"type":"offer","sdp":"v=0"}`, `{"type":"answer","sdp":"v=0"}`
	require.NoError(t, conn.WriteJSON(map[string]string{"action": "SDP_OFFER", "messagePayload": base64.StdEncoding.EncodeToString([]byte(offer))}))
	m := receive(t, master)
	require.Equal(t, signaling.Message{Client: s.ClientId, Kind: signaling.Offer, Payload: []byte(offer)}, m)
	require.NoError(t, master.Send(t.Context(), signaling.Message{Client: m.Client, Kind: signaling.Answer, Payload: []byte(answer)}))
	var told struct{ MessageType, MessagePayload string }
	require.NoError(t, conn.ReadJSON(&told))
	payload, err := base64.StdEncoding.DecodeString(told.MessagePayload)
	require.NoError(t, err)
	require.Equal(t, "SDP_ANSWER "+answer, told.MessageType+" "+string(payload))
}

func TestLiveView(t *testing.T) {
	w := newWorld(t)
	alice, bob := w.newOwner("alice", "porch"), w.newOwner("bob", "shed")
	master, stop := alice.camera("porch.front")
	alice.camera("porch.back")

	t.Run("the answer is enough", func(t *testing.T) {
		asked := time.Now()
		s := alice.view("porch.front")
		require.Equal(t, "porch.front", s.Channel)
		require.LessOrEqual(t, s.ExpiresAt.Sub(asked), 5*time.Minute+time.Since(asked))
		require.True(t, s.ExpiresAt.After(asked))
		talk(t, s, master)

		require.Eventually(t, func() bool { // who looked is on record
			for line := range strings.Lines(w.log()) {
				if strings.Contains(line, `"live view"`) && strings.Contains(line, "log.owner="+alice.sub) &&
					strings.Contains(line, "log.camera=porch.front") && strings.Contains(line, "log.client_id="+s.ClientId) {
					return true
				}
			}
			return false
		}, patience, 10*time.Millisecond)
		u, err := url.Parse(s.Url)
		require.NoError(t, err)
		for _, secret := range []string{u.Query().Get("X-Amz-Signature"), u.Query().Get("X-Amz-Security-Token"), s.IceServers[0].Credential, alice.token} {
			require.NotEmpty(t, secret)
			require.NotContains(t, w.log(), secret)
		}
	})
	t.Run("relays", func(t *testing.T) { relayed(t, w, alice.view("porch.front")) })
	t.Run("altered", func(t *testing.T) { altered(t, alice) })
	t.Run("expired", func(t *testing.T) { expired(t, w) })
	t.Run("of others", func(t *testing.T) { others(t, alice, bob) })
	t.Run("not to be seen", func(t *testing.T) {
		for _, c := range []struct {
			presence event.Presence
			camera   event.CameraState
			says     string
		}{
			{event.Online, event.CameraPrivate, "privacy mode"},
			{event.Offline, event.CameraRunning, "not connected"},
		} {
			alice.says(c.presence, c.camera)
			p := alice.refused("porch.front", http.StatusNotFound)
			require.Equal(t, "no-live", p.Type)
			require.Contains(t, p.Detail, c.says)
		}
		alice.says(event.Online, event.CameraRunning)
	})
	t.Run("a channel made anew", func(t *testing.T) {
		require.Equal(t, "no-live", bob.refused("shed.front", http.StatusNotFound).Type, "never made")
		alice.view("porch.front")
		stop()
		for range 2 {
			out, err := w.control().DescribeSignalingChannel(t.Context(), &kinesisvideo.DescribeSignalingChannelInput{ChannelName: aws.String("porch.front")})
			require.NoError(t, err)
			_, err = w.control().DeleteSignalingChannel(t.Context(), &kinesisvideo.DeleteSignalingChannelInput{ChannelARN: out.ChannelInfo.ChannelARN})
			require.NoError(t, err)
			require.Contains(t, alice.refused("porch.front", http.StatusNotFound).Detail, "live view is on")
			master, stop := alice.camera("porch.front")
			talk(t, alice.view("porch.front"), master)
			stop()
		}
	})
}

// relayed allocates with each of the relay's addresses, as a browser does.
func relayed(t *testing.T, w *world, s api.LiveSession) {
	require.Len(t, s.IceServers, 1)
	server := s.IceServers[0]
	require.ElementsMatch(t, []string{"turn:" + w.cloud.Addresses().TURN + "?transport=udp", "turn:" + w.cloud.Addresses().TURN + "?transport=tcp"}, server.Urls)
	for _, uri := range server.Urls {
		address, network, _ := strings.Cut(strings.TrimPrefix(uri, "turn:"), "?transport=")
		through := func(username, password string) (net.PacketConn, error) {
			var conn net.PacketConn
			if network == "tcp" {
				inner, err := net.Dial("tcp", address)
				require.NoError(t, err)
				conn = turn.NewSTUNConn(inner)
			} else {
				var err error
				conn, err = net.ListenPacket("udp4", "127.0.0.1:0")
				require.NoError(t, err)
			}
			client, err := turn.NewClient(&turn.ClientConfig{
				STUNServerAddr: address, TURNServerAddr: address, Conn: conn, Username: username, Password: password,
			})
			require.NoError(t, err)
			t.Cleanup(func() {
				client.Close()
				conn.Close()
			})
			require.NoError(t, client.Listen())
			return client.Allocate()
		}
		_, err := through(server.Username, "another")
		require.Error(t, err)
		relay, err := through(server.Username, server.Credential)
		require.NoError(t, err)
		require.NoError(t, relay.Close())
	}
}

// altered: of a URL nothing can be changed, and it opens the one channel to
// the one viewer.
func altered(t *testing.T, alice *owner) {
	s, other := alice.view("porch.front"), alice.view("porch.back")
	theirs, err := url.Parse(other.Url)
	require.NoError(t, err)
	for name, change := range map[string]func(u *url.URL, q url.Values){
		"another channel":             func(_ *url.URL, q url.Values) { q.Set("X-Amz-ChannelARN", theirs.Query().Get("X-Amz-ChannelARN")) },
		"another channel, too":        func(_ *url.URL, q url.Values) { q.Add("X-Amz-ChannelARN", theirs.Query().Get("X-Amz-ChannelARN")) },
		"another channel's signature": func(_ *url.URL, q url.Values) { q.Set("X-Amz-Signature", theirs.Query().Get("X-Amz-Signature")) },
		"another viewer":              func(_ *url.URL, q url.Values) { q.Set("X-Amz-ClientId", other.ClientId) },
		"a longer life":               func(_ *url.URL, q url.Values) { q.Set("X-Amz-Expires", "86400") },
		"another day": func(_ *url.URL, q url.Values) {
			q.Set("X-Amz-Date", time.Now().Add(24*time.Hour).UTC().Format("20060102T150405Z"))
		},
		"no session token":         func(_ *url.URL, q url.Values) { q.Del("X-Amz-Security-Token") },
		"another session token":    func(_ *url.URL, q url.Values) { q.Set("X-Amz-Security-Token", q.Get("X-Amz-Security-Token")+"A") },
		"no signature":             func(_ *url.URL, q url.Values) { q.Del("X-Amz-Signature") },
		"as master":                func(u *url.URL, _ url.Values) { u.Path = "/signaling/master" },
		"as master, without an id": func(u *url.URL, q url.Values) { u.Path = "/signaling/master"; q.Del("X-Amz-ClientId") },
		"without its path":         func(u *url.URL, _ url.Values) { u.Path = "/" },
	} {
		t.Run(name, func(t *testing.T) {
			u, err := url.Parse(s.Url)
			require.NoError(t, err)
			q := u.Query()
			change(u, q)
			u.RawQuery = q.Encode()
			conn, status, body := dial(t, u.String())
			require.Nil(t, conn)
			require.Contains(t, []int{http.StatusBadRequest, http.StatusForbidden}, status, body)
		})
	}
	connect(t, s.Url) // as it is, it is good
}

// short are credentials that end within a minute.
type short struct{ of aws.CredentialsProvider }

func (s short) Retrieve(ctx context.Context) (aws.Credentials, error) {
	creds, err := s.of.Retrieve(ctx)
	creds.CanExpire, creds.Expires = true, past().Add(time.Minute)
	return creds, err
}

// past is a clock that is slow, by less than the service puts up with.
func past() time.Time { return time.Now().Add(-200 * time.Second) }

func expired(t *testing.T, w *world) {
	cfg := domain.Connect(aws.Config{Region: w.cloud.Region(), BaseEndpoint: aws.String(w.cloud.AWSURL()), Credentials: w.admin()})
	cfg.Credentials, cfg.Now, cfg.HTTP = short{cfg.Credentials}, past, http.DefaultClient
	var s domain.Session
	require.Eventually(t, func() bool {
		var err error
		s, err = domain.New(cfg).View(t.Context(), "porch.front")
		return !errors.Is(err, domain.ErrBusy)
	}, patience, 10*time.Millisecond)
	require.NotEmpty(t, s.URL)
	require.True(t, s.Expires.Before(time.Now()))
	conn, status, body := dial(t, s.URL)
	require.Nil(t, conn)
	require.Equal(t, http.StatusForbidden, status)
	require.Contains(t, body, "expired")
}

// others: to another owner, a camera answers like one that does not exist.
func others(t *testing.T, alice, bob *owner) {
	nowhere := bob.refused("nowhere.front", http.StatusNotFound)
	require.Empty(t, nowhere.Type)
	for _, camera := range []string{"porch.front", "porch.back", "shed.none"} {
		require.Equal(t, nowhere, bob.refused(camera, http.StatusNotFound))
	}
	require.Equal(t, nowhere, alice.refused("shed.front", http.StatusNotFound))
	status, _, _ := alice.call(http.MethodPost, live("porch.front"), "")
	require.Equal(t, http.StatusUnauthorized, status)
	status, _, body := alice.call(http.MethodGet, live("porch.front"), alice.token)
	require.Equal(t, http.StatusNotFound, status, string(body))
	var p api.Problem
	status, _, body = alice.call(http.MethodPost, live("porch.front")+"?owner="+bob.sub, alice.token)
	require.Equal(t, http.StatusBadRequest, status)
	require.NoError(t, json.Unmarshal(body, &p))
	require.Contains(t, p.Detail, "owner")
}
