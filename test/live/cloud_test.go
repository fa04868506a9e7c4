// Package live tests live view as an owner has it: a whole device with
// simulated cameras, the signaling and the relay of one machine, and viewers
// that are made of another implementation than the page in a browser.
package live

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kinesisvideo"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	client "porchlight/internal/kvs/signaling"
	"porchlight/internal/live/livetest"
	"porchlight/internal/localcloud/frontdoor"
	"porchlight/internal/localcloud/kvs"
	"porchlight/internal/localcloud/kvs/signaling"
	"porchlight/internal/localcloud/sts"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	region   = "us-east-1"
	account  = "000000000000"
	patience = 90 * time.Second // only ever reached by a failing test
)

// everyone may do everything; what a device may is tested with the template.
type everyone struct{}

func (everyone) Authorize(sts.Principal, string, string) error { return nil }

// cloud is Kinesis Video Streams with its signaling behind a front door.
type cloud struct {
	t         *testing.T
	server    *httptest.Server
	signaling *signaling.Service
	keys      *sts.Service
	broken    atomic.Bool // nothing is answered
	pictures  sync.Map    // by path: what was put there
}

func newCloud(t *testing.T) *cloud {
	t.Helper()
	dir, log := t.TempDir(), slog.New(slog.DiscardHandler)
	c := &cloud{t: t, server: httptest.NewUnstartedServer(nil)}
	endpoint := "http://" + c.server.Listener.Addr().String()
	var err error
	c.keys, err = sts.Open(sts.Config{Dir: filepath.Join(dir, "sts"), AccountID: account})
	require.NoError(t, err)
	c.signaling, err = signaling.Open(t.Context(), signaling.Config{
		Dir: filepath.Join(dir, "signaling"), Region: region, AccountID: account, Endpoint: endpoint, Relay: "127.0.0.1:0", Logger: log,
	})
	require.NoError(t, err)
	video, err := kvs.Open(kvs.Config{
		Dir: filepath.Join(dir, "video"), Region: region, AccountID: account, Endpoint: endpoint, Signaling: c.signaling, Logger: log,
	})
	require.NoError(t, err)
	handler, err := frontdoor.New(frontdoor.Config{
		Region: region, AccountID: account, Keys: c.keys, Logger: log, Authorizer: everyone{},
		Handlers: map[string]http.Handler{"kinesisvideo": video}, StreamARN: video.StreamARN, ChannelARN: c.signaling.ChannelARN,
	})
	require.NoError(t, err)
	c.server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case c.broken.Load():
			panic(http.ErrAbortHandler)
		case strings.HasPrefix(r.URL.Path, "/pictures/"):
			c.pictures.Store(r.URL.Path, true)
		default:
			handler.ServeHTTP(w, r)
		}
	})
	c.server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	c.server.Start()
	t.Cleanup(func() {
		require.NoError(t, c.signaling.Close())
		c.server.CloseClientConnections()
		c.server.Close()
		require.NoError(t, video.Close())
	})
	return c
}

func (c *cloud) credentials() aws.CredentialsProvider {
	k := c.keys.Admin()
	return credentials.NewStaticCredentialsProvider(k.AccessKeyID, k.SecretAccessKey, k.SessionToken)
}

// master waits until a camera is on its channel, or is not.
func (c *cloud) master(camera string, there bool) {
	c.t.Helper()
	eventually(c.t, camera+" on its channel", func() bool {
		master, _ := c.signaling.Connected(camera)
		return master == there
	})
}

// watch joins a camera and leaves when the test ends.
func (c *cloud) watch(camera string, change func(*livetest.Config)) *watcher {
	c.t.Helper()
	control := kinesisvideo.New(kinesisvideo.Options{
		Region: region, BaseEndpoint: aws.String(c.server.URL), Credentials: c.credentials(),
		HTTPClient: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}},
	})
	cfg := livetest.Config{Signaling: client.Config{
		Channel: camera, Region: region, Credentials: c.credentials(), Log: slog.New(slog.DiscardHandler),
		Directory: client.NewChannels(client.ChannelsConfig{Client: control}),
	}}
	if change != nil {
		change(&cfg)
	}
	ctx, cancel := context.WithTimeout(c.t.Context(), patience)
	defer cancel()
	v, err := livetest.New(ctx, cfg)
	require.NoError(c.t, err)
	c.t.Cleanup(v.Close)
	return &watcher{v, c.t}
}

// watcher is a viewer in a test.
type watcher struct {
	*livetest.Viewer
	t *testing.T
}

// sees waits for so many more pictures.
func (w *watcher) sees(n int) *watcher {
	w.t.Helper()
	want := w.Pictures() + n
	eventually(w.t, "pictures", func() bool { return w.Pictures() >= want })
	return w
}

// asks sends a command on the data channel and returns the reply.
func (w *watcher) asks(text string) string {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	require.NoError(w.t, w.Ask(ctx, text))
	return w.told(`"type":"reply"`)
}

// told waits for a text on the data channel that holds what.
func (w *watcher) told(what string) string {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	text, err := w.Told(ctx, what)
	require.NoError(w.t, err)
	return text
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	require.Eventually(t, ok, patience, 20*time.Millisecond, what)
}

// channels are the names of all that exist.
func (c *cloud) channels() (names []string) {
	control := kinesisvideo.New(kinesisvideo.Options{
		Region: region, BaseEndpoint: aws.String(c.server.URL), Credentials: c.credentials(),
		HTTPClient: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}},
	})
	out, err := control.ListSignalingChannels(c.t.Context(), &kinesisvideo.ListSignalingChannelsInput{})
	require.NoError(c.t, err)
	for _, channel := range out.ChannelInfoList {
		names = append(names, *channel.ChannelName)
	}
	return names
}
