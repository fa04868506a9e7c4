// Package producer_test has the producer upload to the local Kinesis Video
// Streams through a network that fails, in a process that is killed.
package producer_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kinesisvideo"
	"github.com/aws/aws-sdk-go-v2/service/kinesisvideoarchivedmedia"
	"github.com/aws/aws-sdk-go-v2/service/kinesisvideoarchivedmedia/types"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"porchlight/internal/localcloud/frontdoor"
	"porchlight/internal/localcloud/kvs"
	"porchlight/internal/localcloud/sts"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	region  = "us-east-1"
	account = "000000000000"
	stream  = "home.door"
	// patience bounds waits that end early when all is well.
	patience = 2 * time.Minute
)

// anyone may do anything.
type anyone struct{}

func (anyone) Authorize(sts.Principal, string, string) error { return nil }

// cloud is the local Kinesis Video Streams behind a network.
type cloud struct {
	server *httptest.Server
	keys   sts.Credentials
	net    *network
	open   atomic.Int64 // connections
}

func newCloud(t *testing.T) *cloud {
	t.Helper()
	c, dir, log := &cloud{}, t.TempDir(), slog.New(slog.DiscardHandler)
	c.server = httptest.NewUnstartedServer(nil)
	c.net = newNetwork(t, c.server.Listener.Addr().String())
	keys, err := sts.Open(sts.Config{Dir: filepath.Join(dir, "sts"), AccountID: account})
	require.NoError(t, err)
	c.keys = keys.Admin()
	service, err := kvs.Open(kvs.Config{
		Dir: filepath.Join(dir, "video"), Region: region, AccountID: account, Endpoint: c.net.url(), Logger: log,
	})
	require.NoError(t, err)
	c.server.Config.Handler, err = frontdoor.New(frontdoor.Config{
		Region: region, AccountID: account, Keys: keys, Logger: log, Authorizer: anyone{},
		Handlers: map[string]http.Handler{"kinesisvideo": service}, StreamARN: service.StreamARN,
	})
	require.NoError(t, err)
	c.server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			c.open.Add(1)
		case http.StateClosed, http.StateHijacked:
			c.open.Add(-1)
		}
	}
	c.server.Start()
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { service.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		running.Wait()
		c.server.Close()
		require.NoError(t, service.Close())
	})
	return c
}

func config(endpoint, key, secret string) aws.Config {
	return aws.Config{
		Region: region, BaseEndpoint: &endpoint, Credentials: credentials.NewStaticCredentialsProvider(key, secret, ""),
		HTTPClient: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}},
		Retryer:    func() aws.Retryer { return aws.NopRetryer{} },
	}
}

// direct is the configuration of a client beside the network.
func (c *cloud) direct() aws.Config {
	return config(c.server.URL, c.keys.AccessKeyID, c.keys.SecretAccessKey)
}

func (c *cloud) create(t *testing.T) {
	_, err := kinesisvideo.NewFromConfig(c.direct()).CreateStream(t.Context(), &kinesisvideo.CreateStreamInput{
		StreamName: aws.String(stream), DataRetentionInHours: aws.Int32(24),
	})
	require.NoError(t, err)
}

// list is what the stream holds, in the order of the pictures.
func (c *cloud) list(t *testing.T) (all []types.Fragment) {
	t.Helper()
	pages := kinesisvideoarchivedmedia.NewListFragmentsPaginator(kinesisvideoarchivedmedia.NewFromConfig(c.direct()),
		&kinesisvideoarchivedmedia.ListFragmentsInput{StreamName: aws.String(stream), MaxResults: aws.Int64(1000)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		require.NoError(t, err)
		all = append(all, page.Fragments...)
	}
	slices.SortFunc(all, func(a, b types.Fragment) int { return a.ProducerTimestamp.Compare(*b.ProducerTimestamp) })
	return all
}

// media is the video of fragments.
func (c *cloud) media(t *testing.T, all []types.Fragment) []byte {
	t.Helper()
	var numbers []string
	for _, f := range all {
		numbers = append(numbers, *f.FragmentNumber)
	}
	client := kinesisvideoarchivedmedia.NewFromConfig(c.direct())
	var data []byte
	read := func() error {
		out, err := client.GetMediaForFragmentList(t.Context(),
			&kinesisvideoarchivedmedia.GetMediaForFragmentListInput{StreamName: aws.String(stream), Fragments: numbers})
		if err != nil {
			return err
		}
		defer out.Payload.Close()
		data, err = io.ReadAll(out.Payload)
		return err
	}
	err := read()
	for range 4 { // a download that breaks off is begun anew, as players do
		if err != nil {
			t.Log(err)
			err = read()
		}
	}
	require.NoError(t, err)
	return data
}

// network carries bytes to the cloud and back until it is cut: then they go
// nowhere, and connections neither open nor close, as on a dead line.
type network struct {
	listener net.Listener
	to       string
	up, down gate
	running  sync.WaitGroup
}

func newNetwork(t *testing.T, to string) *network {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	n := &network{listener: l, to: to}
	n.up.open()
	n.down.open()
	ctx, cancel := context.WithCancel(context.Background())
	n.running.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			n.running.Go(func() { n.carry(ctx, c) })
		}
	})
	t.Cleanup(func() {
		cancel()
		l.Close()
		n.running.Wait()
	})
	return n
}

func (n *network) url() string { return "http://" + n.listener.Addr().String() }

// cut has nothing arrive any more; settled is called when nothing goes up and
// answers still come down.
func (n *network) cut(settled func()) {
	n.up.shut()
	settled()
	n.down.shut()
}

func (n *network) restore() {
	n.up.open()
	n.down.open()
}

func (n *network) carry(ctx context.Context, near net.Conn) {
	defer near.Close()
	if n.up.pass(ctx) != nil {
		return // whoever called has hung up since
	}
	far, err := (&net.Dialer{}).DialContext(ctx, "tcp", n.to)
	if err != nil {
		return
	}
	defer far.Close()
	stop := context.AfterFunc(ctx, func() {
		near.Close()
		far.Close()
	})
	defer stop()
	var both sync.WaitGroup
	both.Go(func() { pump(ctx, far, near, &n.up) })
	both.Go(func() { pump(ctx, near, far, &n.down) })
	both.Wait()
}

// pump copies one way. A connection that a cut has caught is broken off when
// the network is back, as its other end has long given it up.
func pump(ctx context.Context, to, from net.Conn, g *gate) {
	defer from.Close()
	defer to.Close()
	buf := make([]byte, 16<<10)
	for {
		n, err := from.Read(buf)
		if g.pass(ctx) != nil {
			_ = to.(*net.TCPConn).SetLinger(0)
			return
		}
		if _, failed := to.Write(buf[:n]); failed != nil || err != nil {
			return
		}
	}
}

// gate lets through or holds back. The zero gate is shut.
type gate struct {
	mu      sync.Mutex
	opening chan struct{} // closed while open
}

func (g *gate) channel() chan struct{} {
	if g.opening == nil {
		g.opening = make(chan struct{})
	}
	return g.opening
}

func (g *gate) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	select {
	case <-g.channel():
	default:
		close(g.opening)
	}
}

func (g *gate) shut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.opening = make(chan struct{})
}

// errCaught is of what has had to wait.
var errCaught = errors.New("caught by a cut")

// pass waits while the gate is shut, and fails if it had to.
func (g *gate) pass(ctx context.Context) error {
	g.mu.Lock()
	c := g.channel()
	g.mu.Unlock()
	select {
	case <-c:
		return nil
	default:
	}
	select {
	case <-c:
	case <-ctx.Done():
	}
	return errCaught
}
