package producer

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"porchlight/internal/media"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds waits that end early when all is well.
const patience = 60 * time.Second

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }

// quick are timings for a service next door that never sleeps. What bounds a
// fault is long, so that a busy machine makes no faults of its own.
var quick = Timing{
	Linger: 100 * time.Millisecond, RetryMin: time.Millisecond, RetryMax: 50 * time.Millisecond,
	RetrySlow: 20 * time.Millisecond, Late: 10 * time.Millisecond, Pace: time.Nanosecond, Finish: 20 * time.Second,
	Stall: patience, Persist: 2 * patience, Silence: 2 * patience,
}

// fixed is an endpoint that never changes.
type fixed struct {
	url     string
	renewed chan struct{}
}

func (f fixed) Endpoint(_ context.Context, _ string, renew bool) (string, error) {
	if renew && f.renewed != nil {
		select {
		case f.renewed <- struct{}{}:
		default:
		}
	}
	return f.url, nil
}

var static = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: "AKID", SecretAccessKey: "secret", SessionToken: "token"}, nil
})

// rig is a camera, a producer and a service.
type rig struct {
	*Producer
	t       testing.TB
	ring    *media.Ring
	service *service
	camera  *camera
}

// newRig starts nothing; change tunes the configuration.
func newRig(t testing.TB, change func(*Config)) *rig {
	t.Helper()
	r := &rig{t: t, service: newService(t)}
	cfg := Config{
		Camera: "home.door", Stream: "door", Region: "eu-central-1",
		Ring:      media.NewRing(media.RingConfig{Keep: time.Hour, Log: discard()}),
		Endpoints: fixed{url: r.service.web.URL}, Credentials: static, Log: discard(), Timing: quick,
	}
	if change != nil {
		change(&cfg)
	}
	r.ring = cfg.Ring
	r.camera = newCamera(r.ring)
	r.Producer = New(cfg)
	r.service.persists = func() int64 { return r.Stats().Persisted }
	return r
}

// start runs the producer until the test ends.
func (r *rig) start() {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = r.Run(ctx)
	}()
	r.t.Cleanup(func() {
		cancel()
		<-done
	})
}

// until waits for a condition.
func (r *rig) until(what string, ok func(Stats) bool) {
	r.t.Helper()
	for deadline := time.Now().Add(patience); !ok(r.Stats()); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			require.Fail(r.t, what, "%+v", r.Stats())
		}
	}
}

// starts are the times at which the service has fragments begin.
func (r *rig) starts() (out []int64) {
	for _, f := range r.service.list() {
		out = append(out, f.timecode)
	}
	return out
}

// camera sends H.264 that looks right to a muxer, one picture each 100 ms.
type camera struct {
	ring   *media.Ring
	stream *media.Stream
	sound  *media.Stream
	at     time.Time // of the next picture
	origin time.Time
	skew   time.Duration // of the clock
	keys   []int64       // milliseconds since 1970
	frames int
	size   int // of a picture, 400 when 0
}

var (
	spsA = []byte{0x67, 0x42, 0xc0, 0x0d, 0xda, 0x05, 0x07, 0xe8, 0x40, 0x00, 0x00, 0x03, 0x00, 0x40, 0x00, 0x00, 0x05, 0x03, 0xc5, 0x0a, 0xa8}
	ppsA = []byte{0x68, 0xce, 0x0f, 0xc8}
)

func newCamera(ring *media.Ring) *camera {
	began := time.UnixMilli(time.Now().UnixMilli())
	return &camera{
		ring: ring, at: began, origin: began,
		stream: &media.Stream{Codec: media.H264, SPS: spsA, PPS: ppsA, Width: 320, Height: 240, ClockRate: 90000},
	}
}

// gops sends whole GOPs of a second each, and the keyframe that ends the last.
// The times at which they begin are returned.
func (c *camera) gops(n int) []int64 {
	from := len(c.keys)
	if from > 0 {
		from-- // the one under way
	}
	for range n {
		if len(c.keys) == 0 {
			c.frame(true)
		}
		for range 9 {
			c.frame(false)
		}
		c.frame(true)
	}
	return append([]int64(nil), c.keys[from:len(c.keys)-1]...)
}

func (c *camera) frame(key bool) {
	nal := make([]byte, max(c.size, 400))
	for i := range nal {
		nal[i] = byte(c.frames + i)
	}
	nal[0] = 0x41
	if key {
		nal[0] = 0x65
		c.keys = append(c.keys, c.at.Add(c.skew).UnixMilli())
	}
	c.ring.Put(&media.Packet{Stream: c.stream, PTS: c.at.Sub(c.origin), Time: c.at.Add(c.skew), Key: key, AU: [][]byte{nal}})
	if c.sound != nil {
		c.ring.Put(&media.Packet{Stream: c.sound, PTS: c.at.Sub(c.origin), Time: c.at.Add(c.skew), AU: [][]byte{{0x21, 0x10}}})
	}
	c.frames++
	c.at = c.at.Add(100 * time.Millisecond)
}

// always is an event that holds all there is.
func (c *camera) always() Event {
	return Event{ID: "01A", From: c.origin, Until: c.origin.Add(24 * time.Hour), Images: true}
}
