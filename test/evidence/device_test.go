package evidence

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mochi-mqtt/server/v2/packets"
	"github.com/stretchr/testify/require"

	"porchlight/internal/config"
	"porchlight/internal/edge"
	"porchlight/internal/edge/update"
	"porchlight/internal/event"
	"porchlight/internal/iot/iottest"
	"porchlight/internal/logtest"
)

// reds finds what is red and calls it a person.
type reds struct{}

func (reds) Close() error { return nil }

func (reds) Detect(_ context.Context, f *event.Frame) ([]event.Detection, error) {
	x0, y0, x1, y1 := f.Width, f.Height, 0, 0
	for y := range f.Height {
		for x := range f.Width {
			if p := f.Pix[(y*f.Width+x)*3:]; p[2] > 180 && p[0] < 80 && p[1] < 80 {
				x0, y0, x1, y1 = min(x0, x), min(y0, y), max(x1, x+1), max(y1, y+1)
			}
		}
	}
	if x1 == 0 {
		return nil, nil
	}
	w, h := float64(f.Width), float64(f.Height)
	return []event.Detection{{Label: "person", Score: 0.9, Box: event.Box{
		X0: float64(x0) / w, Y0: float64(y0) / h, X1: float64(x1) / w, Y1: float64(y1) / h,
	}}}, nil
}

// device is the whole component, with a broker and a cloud around it.
type device struct {
	t       *testing.T
	broker  *iottest.Broker
	log     *logtest.Memory
	tree    map[string]any
	changes chan map[string]any
	cancel  context.CancelFunc
	ended   chan error

	mu      sync.Mutex
	events  []event.Event
	replies []event.Reply
	status  event.Status
}

// newDevice runs a device with these cameras, until the test ends.
func newDevice(t *testing.T, c *cloud, cameras map[string]any) *device {
	t.Helper()
	d := &device{t: t, broker: iottest.New(t, nil), log: &logtest.Memory{}, changes: make(chan map[string]any, 1), ended: make(chan error, 1)}
	d.broker.Arrived = d.take
	d.broker.Up()
	secure := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		keys, err := c.credentials().Retrieve(r.Context())
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"credentials": map[string]string{
			"accessKeyId": keys.AccessKeyID, "secretAccessKey": keys.SecretAccessKey, "sessionToken": keys.SessionToken,
			"expiration": "2090-01-01T00:00:00Z",
		}})
	}))
	pair := d.broker.Issue("127.0.0.1", nil)
	secure.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	secure.StartTLS()
	t.Cleanup(secure.Close)
	certificate, key, ca := d.broker.Files(d.broker.Issue("home", nil))
	d.tree = map[string]any{
		"thing": "home", "state_dir": filepath.Join(t.TempDir(), "state"),
		"iot": map[string]any{
			"endpoint": d.broker.Addr(), "credentials_endpoint": strings.TrimPrefix(secure.URL, "https://"), "role_alias": "device",
			"certificate": certificate, "private_key": key, "ca": ca,
		},
		"cloud":   map[string]any{"region": region, "endpoint": c.server.URL, "thumbnail_bucket": "pictures"},
		"video":   map[string]any{"retention": "1h"},
		"cameras": cameras,
	}
	ctx, cancel := context.WithCancel(context.Background())
	d.cancel = cancel
	go func() {
		d.ended <- edge.Run(ctx, edge.Options{
			Version: "1", Log: d.log.Logger(), Watch: d.watch,
			Open: func(*config.Config, update.ModelRef) (*edge.Eyes, error) {
				return &edge.Eyes{Detector: reds{}, Info: event.Detector{Model: "red"}}, nil
			},
		})
	}()
	t.Cleanup(func() { d.end() })
	return d
}

func (d *device) end() {
	d.cancel()
	if err, open := <-d.ended; open {
		require.NoError(d.t, err)
		close(d.ended)
	}
}

func (d *device) watch(ctx context.Context, use func(map[string]any) error) error {
	if err := use(d.tree); err != nil {
		return err
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case tree := <-d.changes:
			if err := use(tree); err != nil {
				return err
			}
		}
	}
}

func (d *device) take(m iottest.Message) packets.Code {
	_, channel, err := event.SplitTopic(m.Topic)
	if err != nil {
		return packets.CodeSuccess
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	switch channel {
	case event.ChannelEvents:
		if e, err := event.Parse(m.Payload); err == nil {
			d.events = append(d.events, *e)
		}
	case event.ChannelReplies:
		if r, err := event.ParseReply(m.Payload); err == nil {
			d.replies = append(d.replies, *r)
		}
	case event.ChannelStatus:
		if s, err := event.ParseStatus(m.Payload); err == nil {
			d.status = *s
		}
	}
	return packets.CodeSuccess
}

// is waits until a camera is in a state.
func (d *device) is(camera string, want event.CameraState) {
	d.t.Helper()
	eventually(d.t, camera+" is never "+string(want), func() bool {
		d.mu.Lock()
		defer d.mu.Unlock()
		for _, c := range d.status.Cameras {
			if c.Camera == camera && c.State == want {
				return true
			}
		}
		return false
	})
}

// asks sends a command and returns the reply.
func (d *device) asks(name event.CommandName, camera string, args map[string]any) (reply event.Reply) {
	d.t.Helper()
	c := event.Command{RequestID: event.NewID(time.Now()), Command: name, Camera: camera, ExpiresAt: event.At(time.Now().Add(2 * patience / 3)), Args: args}
	payload, err := c.Marshal()
	require.NoError(d.t, err)
	d.broker.Send(event.Topic("home", event.ChannelCommands), payload)
	eventually(d.t, "nobody answers", func() bool {
		d.mu.Lock()
		defer d.mu.Unlock()
		for _, r := range d.replies {
			if r.RequestID == c.RequestID {
				reply = r
				return true
			}
		}
		return false
	})
	return reply
}

// happened waits for an event of a camera in a state that began after a time.
func (d *device) happened(camera string, state event.State, after time.Time) (found event.Event) {
	d.t.Helper()
	eventually(d.t, "nothing happens", func() bool {
		d.mu.Lock()
		defer d.mu.Unlock()
		for _, e := range d.events {
			if e.Camera == camera && e.State == state && e.StartedAt.After(after) {
				found = e
				return true
			}
		}
		return false
	})
	return found
}

// The whole way through the component: from a picture on RTSP to fragments in
// the cloud that an event names; commands; privacy; a change of settings.
func TestDevice(t *testing.T) {
	t.Parallel()
	c, camera := newCloud(t), newWalk(t)
	source := func(more map[string]any) map[string]any {
		all := map[string]any{"source": camera.URL(), "fps": 5, "quiet": "1s"}
		for k, v := range more {
			all[k] = v
		}
		return all
	}
	off := map[string]any{"mode": "off"}
	cameras := map[string]any{
		"door": source(map[string]any{"record": map[string]any{"pre_roll": "2s", "post_roll": "1s"}}),
		"yard": source(map[string]any{"upload": off}),
		"shed": source(map[string]any{"upload": off, "record": off}),
		"room": source(map[string]any{"privacy": true}),
		"gate": source(map[string]any{"record": map[string]any{"source": newCamera(t).URL(), "pre_roll": "1s", "post_roll": "1s"}}),
	}
	d := newDevice(t, c, cameras)
	for _, name := range []string{"door", "yard", "shed", "gate"} {
		d.is("home."+name, event.CameraRunning)
	}
	running := time.Now() // what was before may have begun before the video did
	e := d.happened(door, event.Ended, running)
	require.NotNil(t, e.Clip)
	require.Equal(t, door, e.Clip.Stream)
	eventually(t, "the event's video", func() bool { return c.covers(e.StartedAt.Time, e.Clip.To.Time) })
	e = d.happened("home.gate", event.Ended, running)
	require.NotNil(t, e.Clip, "of the main stream")
	eventually(t, "its main stream's video", func() bool { return c.has("home.gate", e.StartedAt.Time, e.Clip.To.Time) })
	require.Nil(t, d.happened("home.yard", event.Ended, time.Time{}).Clip)
	require.Nil(t, d.happened("home.shed", event.Ended, time.Time{}).Clip)

	r := d.asks(event.CommandRecord, door, map[string]any{"seconds": 600})
	require.Equal(t, event.ReplyDone, r.State, r.Message)
	require.Equal(t, door, r.Result["stream"])
	require.Contains(t, r.Result, "from")
	r = d.asks(event.CommandStop, door, nil)
	require.Equal(t, event.ReplyDone, r.State, r.Message)
	r = d.asks(event.CommandRecord, "home.yard", nil)
	require.Equal(t, event.ReplyDone, r.State, r.Message)
	require.NotContains(t, r.Result, "stream", "it stays at home")
	for camera, why := range map[string]string{"home.shed": "upload.mode", "home.room": "privacy mode", "home.attic": "no camera"} {
		r = d.asks(event.CommandRecord, camera, nil)
		require.Equal(t, event.ReplyRejected, r.State, camera)
		require.Contains(t, r.Message, why)
	}
	require.Equal(t, event.ReplyRejected, d.asks(event.CommandRecord, door, map[string]any{"seconds": 3601}).State)
	require.Equal(t, event.ReplyRejected, d.asks(event.CommandStop, door, nil).State)

	change := func(name string, more map[string]any) {
		next := map[string]any{}
		for k, v := range d.tree {
			next[k] = v
		}
		changed := map[string]any{}
		for k, v := range cameras {
			changed[k] = v
		}
		changed[name] = source(more)
		cameras, next["cameras"] = changed, changed
		d.tree = next
		d.changes <- next
	}
	change("door", map[string]any{"privacy": true})
	d.is(door, event.CameraPrivate)
	private := time.Now()
	require.Equal(t, event.ReplyRejected, d.asks(event.CommandRecord, door, nil).State)
	before := c.fragments(door)
	opened := time.Now()
	change("door", map[string]any{"upload": map[string]any{"mode": "continuous"}})
	d.is(door, event.CameraRunning)
	eventually(t, "an upload", func() bool { return len(c.fragments(door)) > len(before)+2 })
	for _, f := range c.fragments(door) {
		require.False(t, f.from.After(private) && f.from.Before(opened), "nothing was seen in privacy mode")
	}
	require.NotContains(t, d.log.String(), "in use by another process")

	// Another life takes the same recordings.
	lives := strings.Count(d.log.String(), "starting anew")
	next := map[string]any{}
	for k, v := range d.tree {
		next[k] = v
	}
	next["spool"] = map[string]any{"max_age": "2h"}
	d.tree = next
	d.changes <- next
	eventually(t, "another life", func() bool { return strings.Count(d.log.String(), "starting anew") > lives })
	again := time.Now()
	e = d.happened(door, event.Ended, again)
	require.NotNil(t, e.Clip)
	eventually(t, "the event's video", func() bool { return c.covers(e.StartedAt.Time, e.Clip.To.Time) })
	require.NotContains(t, d.log.String(), "in use by another process")
	d.end()
}
