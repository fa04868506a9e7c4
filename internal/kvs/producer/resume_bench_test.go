package producer

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// BenchmarkResume cuts the TCP connection in the middle of a fragment, over TLS
// and again and again. resume-ms is from the cut to the same fragment on the
// next connection; the service sees to it that nothing it has persisted comes
// again. Call it with -benchtime 200x.
func BenchmarkResume(b *testing.B) {
	r := newRig(b, func(c *Config) {
		c.TLS = &tls.Config{InsecureSkipVerify: true} //nolint:gosec // a test on loopback
		c.Timing = Timing{Pace: time.Nanosecond}
	})
	r.service.web.Close()
	r.service.web = httptest.NewUnstartedServer(http.HandlerFunc(r.service.putMedia))
	r.service.web.Config.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		return context.WithValue(ctx, wire{}, c)
	}
	r.service.web.StartTLS()
	b.Cleanup(r.service.web.Close)
	r.cfg.Endpoints = fixed{url: r.service.web.URL}

	var mu sync.Mutex
	var at time.Time // of the cut
	var took []time.Duration
	r.service.onBegin = func(*moment) error {
		mu.Lock()
		defer mu.Unlock()
		if !at.IsZero() {
			took = append(took, time.Since(at))
			at = time.Time{}
		}
		return nil
	}
	r.service.onBlock = func(m *moment, n int) error {
		if n != 5 || m.fragment%3 != 0 {
			return nil
		}
		m.settle()
		mu.Lock()
		defer mu.Unlock()
		at = time.Now()
		return errCut
	}
	ctx, cancel := context.WithCancel(b.Context())
	done := make(chan struct{})
	go func() { defer close(done); _ = r.Run(ctx) }()
	require.NoError(b, r.Begin(r.camera.always()))
	want := int64(0)
	for b.Loop() {
		for range 2 { // fragments, of which one is begun twice
			for range 10 {
				r.camera.frame(len(r.camera.keys) == 0 || r.camera.frames%10 == 0)
				time.Sleep(2 * time.Millisecond)
			}
			want++
		}
	}
	r.camera.frame(true)
	r.until("all", func(s Stats) bool { return s.Persisted >= want })
	cancel()
	<-done
	require.Zero(b, r.Stats().Lost+r.Stats().Dropped)
	require.Empty(b, r.service.breaches)
	mu.Lock()
	defer mu.Unlock()
	if len(took) == 0 {
		return
	}
	slices.Sort(took)
	milliseconds := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1e3 }
	b.ReportMetric(milliseconds(took[len(took)/2]), "resume-ms")
	b.ReportMetric(milliseconds(took[len(took)*95/100]), "resume-p95-ms")
	b.ReportMetric(milliseconds(took[len(took)-1]), "resume-max-ms")
	b.ReportMetric(float64(len(took)), "cuts")
}
