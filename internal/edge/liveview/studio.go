// Package liveview shows the cameras of this device to their owner, wherever
// they are: each camera is the master of a signaling channel of Kinesis Video
// Streams that has its id, and of the WebRTC connections that come about
// through it.
//
// A Studio is what the cameras have in common, a Show is one camera. Neither
// ever holds up a camera, and without a cloud they do nothing but try again.
package liveview

import (
	"context"
	"log/slog"
	"net"
	"net/url"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/kinesisvideo"
	"golang.org/x/time/rate"

	"porchlight/internal/config"
	"porchlight/internal/kvs/signaling"
	"porchlight/internal/live"
)

// Config of a studio. Thing, Cloud, Credentials and Log are required.
type Config struct {
	Thing       string
	Cloud       config.Cloud
	Credentials aws.CredentialsProvider
	// Snapshot takes a picture of a camera for a viewer and says where it is;
	// nil: there are none.
	Snapshot func(ctx context.Context, camera string) (map[string]any, error)
	// Note is told why a camera has not been open to viewers for long; empty
	// when it is again. May be nil.
	Note func(camera, message string)
	Log  *slog.Logger
}

// Studio is the live view of all cameras. It is safe for concurrent use.
type Studio struct {
	cfg       Config
	engine    *live.Engine
	directory *signaling.Channels
	turn      *rate.Limiter // to connect for the first time

	mu    sync.Mutex
	shows map[string]*Show // by camera
}

// Cameras connect one after the other, the first two at once, so that the
// start of a gateway is no burst of requests.
const (
	connectEvery  = 250 * time.Millisecond
	connectBurst  = 2
	connectJitter = 100 * time.Millisecond
)

// Open prepares the live view. When that fails it is said, and there is none:
// the studio is nil, and so are the shows that it opens.
func Open(cfg Config) *Studio {
	if cfg.Note == nil {
		cfg.Note = func(string, string) {}
	}
	engine, err := live.NewEngine(live.EngineConfig{Loopback: oneMachine(cfg.Cloud.Endpoint), Log: cfg.Log})
	if err != nil {
		cfg.Log.Error("no camera can be watched live", "error", err)
		return nil
	}
	return &Studio{
		cfg: cfg, engine: engine, turn: rate.NewLimiter(rate.Every(connectEvery), connectBurst), shows: map[string]*Show{},
		directory: signaling.NewChannels(signaling.ChannelsConfig{
			Client: newClient(cfg.Cloud, cfg.Credentials), Create: true, Tags: map[string]string{"porchlight": cfg.Thing},
		}),
	}
}

// Close lets go of what the cameras have in common. The shows have to be closed.
func (s *Studio) Close() error {
	if s == nil {
		return nil
	}
	return s.engine.Close()
}

// All returns how the live view of all cameras fares, by camera.
func (s *Studio) All() map[string]Stats {
	all := map[string]Stats{}
	if s == nil {
		return all
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for camera, show := range s.shows {
		all[camera] = show.Stats()
	}
	return all
}

func (s *Studio) enter(show *Show) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shows[show.camera] = show
}

func (s *Studio) leave(show *Show) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.shows[show.camera] == show {
		delete(s.shows, show.camera)
	}
}

// oneMachine tells whether the cloud is on this machine, and so its viewers.
func oneMachine(endpoint string) bool {
	u, err := url.Parse(endpoint)
	if err != nil {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
}

// newClient calls the control plane of Kinesis Video Streams.
func newClient(cloud config.Cloud, credentials aws.CredentialsProvider) *kinesisvideo.Client {
	return kinesisvideo.New(kinesisvideo.Options{
		Region: cloud.Region, Credentials: credentials,
		HTTPClient: awshttp.NewBuildableClient().WithTimeout(30 * time.Second),
	}, func(o *kinesisvideo.Options) {
		if cloud.Endpoint != "" {
			o.BaseEndpoint = aws.String(cloud.Endpoint)
		}
	})
}
