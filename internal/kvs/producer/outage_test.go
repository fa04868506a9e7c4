package producer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/stretchr/testify/require"

	"porchlight/internal/media"
)

// expiring hands out credentials that change.
type expiring struct {
	given int
	life  time.Duration
}

func (e *expiring) Retrieve(context.Context) (aws.Credentials, error) {
	if e.given == 0 {
		e.given = 1
	}
	return aws.Credentials{
		AccessKeyID: fmt.Sprintf("AKID%d", e.given), SecretAccessKey: "secret", CanExpire: true, Expires: time.Now().Add(e.life),
	}, nil
}

func (e *expiring) Invalidate() { e.given++ }

// TestCredentials: those that are refused are replaced, and the endpoint is
// asked for again.
func TestCredentials(t *testing.T) {
	creds := &expiring{life: time.Hour}
	renewed := make(chan struct{}, 1)
	r := newRig(t, func(c *Config) { c.Credentials = creds })
	r.cfg.Endpoints = fixed{url: r.service.web.URL, renewed: renewed}
	r.service.secrets["AKID1"], r.service.secrets["AKID2"] = "secret", "secret"
	r.service.onRequest = func(m *moment) bool {
		return m.connection == 1 && m.reject(http.StatusUnauthorized, "NotAuthorizedException")
	}
	r.start()
	require.NoError(t, r.Begin(r.camera.always()))
	want := r.camera.gops(3)
	r.until("all", func(s Stats) bool { return s.Persisted == 3 })
	require.Equal(t, want, r.starts())
	require.Equal(t, 2, creds.given)
	<-renewed
	r.service.clean()
}

// TestConnectionEndsBeforeCredentials computes when; waiting for it would take
// a test ten seconds.
func TestConnectionEndsBeforeCredentials(t *testing.T) {
	for life, want := range map[time.Duration]time.Duration{
		time.Hour: 38 * time.Minute, 10 * time.Minute: 10*time.Minute - 30*time.Second, time.Second: 10 * time.Second,
	} {
		r := newRig(t, func(c *Config) { c.Credentials = &expiring{life: life} })
		r.camera.gops(1)
		r.service.secrets["AKID1"] = "secret"
		require.NoError(t, r.Begin(r.camera.always()))
		f, g := r.pick(t.Context(), 0)
		c, err := r.connect(t.Context(), f, g, false)
		require.NoError(t, err)
		require.InDelta(t, want.Seconds(), c.retire.Sub(c.opened).Seconds(), 5)
		c.abort(errRetired)
	}
}

// recording is an older recording: what the ring had, for as long as it lasts.
type recording struct {
	mu   sync.Mutex
	gops []*media.GOP
}

func (r *recording) set(gops []*media.GOP) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.gops = gops
}

func (r *recording) GOP(_ context.Context, from, before int64) (*media.GOP, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, g := range r.gops {
		if g.Start >= from && g.Start < before {
			return g, nil
		}
	}
	return nil, io.EOF
}

// record copies a ring's complete GOPs as if from disk.
func record(ring *media.Ring) (out []*media.GOP) {
	for g, ok := ring.After(0); ok; g, ok = ring.After(g.Number) {
		if samples, complete := g.Samples(0); complete {
			out = append(out, media.NewGOP(g.Video, g.Audio, samples))
		}
	}
	return out
}

// TestOlderRecording: what the ring drops during an outage comes from the
// recording, both what was sent already and what was not.
func TestOlderRecording(t *testing.T) {
	for _, recorded := range []bool{true, false} {
		t.Run(fmt.Sprint(recorded), func(t *testing.T) {
			older := &recording{}
			r := newRig(t, func(c *Config) {
				c.Ring = media.NewRing(media.RingConfig{Keep: 3 * time.Second, Log: discard()})
				c.Older = older
			})
			back := make(chan struct{})
			r.service.onEnd = func(m *moment) (bool, error) {
				if m.connection == 1 && m.fragment == 2 { // 1 is persisted, 2 is not
					m.settle()
					return true, errCut
				}
				return false, nil
			}
			r.service.onRequest = func(m *moment) bool {
				if m.connection > 1 {
					<-back
				}
				return m.connection == 2 && m.reject(http.StatusServiceUnavailable, "")
			}
			all := media.NewRing(media.RingConfig{Keep: time.Hour, Log: discard()})
			require.NoError(t, r.Begin(r.camera.always()))
			want := r.camera.gops(2)
			r.start()
			require.Eventually(t, func() bool { n, _ := r.service.count(); return n == 2 }, patience, time.Millisecond)

			// When the service is back the ring has let go of all that.
			want = append(want, r.camera.gops(8)...)
			if recorded {
				again := newCamera(all)
				again.at, again.origin = r.camera.origin, r.camera.origin
				again.gops(10)
				older.set(record(all))
			}
			close(back)
			if recorded {
				r.until("all", func(s Stats) bool { return s.Persisted == 10 })
				require.Equal(t, want, r.starts())
				require.Zero(t, r.Stats().Lost)
			} else {
				r.until("the rest", func(s Stats) bool { return s.Persisted == 4 })
				require.Equal(t, append(want[:1:1], want[7:]...), r.starts())
				// The second fragment, the third if it had been begun, and a stretch of
				// others, once the recording has had its time.
				for n := int64(5); r.Stats().Lost < 2; n++ {
					require.Less(t, n, int64(5000))
					r.camera.gops(1)
					r.until("one more", func(s Stats) bool { return s.Persisted >= n })
				}
			}
			r.service.clean()
		})
	}
}

func TestEndpointFaults(t *testing.T) {
	r := newRig(t, nil)
	failing := &flaky{url: r.service.web.URL, errs: []error{
		fmt.Errorf("%w: no", ErrStream), errors.New("no network"),
	}}
	r.cfg.Endpoints = failing
	r.start()
	require.NoError(t, r.Begin(r.camera.always()))
	want := r.camera.gops(2)
	r.until("all", func(s Stats) bool { return s.Persisted == 2 })
	require.Equal(t, want, r.starts())
	require.EqualValues(t, 2, r.Stats().Retries)
}

type flaky struct {
	url  string
	errs []error
}

func (f *flaky) Endpoint(context.Context, string, bool) (string, error) {
	if len(f.errs) > 0 {
		err := f.errs[0]
		f.errs = f.errs[1:]
		return "", err
	}
	return f.url, nil
}

// TestStopsWhileConnecting: being stopped does not wait for a service that
// does not answer.
func TestStopsWhileConnecting(t *testing.T) {
	r := newRig(t, nil)
	over, asked := make(chan struct{}), make(chan struct{})
	t.Cleanup(func() { close(over) })
	r.service.onRequest = func(m *moment) bool {
		close(asked)
		<-over
		return true
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); _ = r.Run(ctx) }()
	require.NoError(t, r.Begin(r.camera.always()))
	r.camera.gops(1)
	<-asked
	cancel()
	<-done
	require.Zero(t, r.Stats().Persisted)
}
