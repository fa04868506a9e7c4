package producer

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/media"
)

// benchService in the environment makes the test binary a service for
// BenchmarkUpload, so that only the producer's work is measured.
const benchService = "PORCHLIGHT_BENCH_SERVICE"

func TestServeBenchmark(t *testing.T) {
	if os.Getenv(benchService) == "" {
		t.Skip("part of BenchmarkUpload")
	}
	s := &service{t: t, told: make(map[int64]bool), secrets: map[string]string{"AKID": "secret"}}
	s.web = httptest.NewUnstartedServer(http.HandlerFunc(s.putMedia))
	s.web.StartTLS()
	sink, err := tls.Listen("tcp", "127.0.0.1:0", s.web.TLS)
	require.NoError(t, err)
	go func() {
		for {
			c, err := sink.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(io.Discard, c) }()
		}
	}()
	_, _ = io.WriteString(os.Stdout, "serving "+s.web.URL+" "+sink.Addr().String()+"\n")
	_, _ = io.Copy(io.Discard, os.Stdin)
	sink.Close()
	s.web.CloseClientConnections()
	s.web.Close()
}

// cpu is what this process has used so far.
func cpu() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// memory is what this process holds now and the most it has held, in megabytes.
func memory(b *testing.B) (now, most float64) {
	data, err := os.ReadFile("/proc/self/status")
	if err != nil {
		b.Log(err) // not Linux
	}
	for line := range strings.Lines(string(data)) {
		_, _ = fmt.Sscanf(line, "VmRSS: %f kB", &now)
		_, _ = fmt.Sscanf(line, "VmHWM: %f kB", &most)
	}
	return now / 1024, most / 1024
}

// BenchmarkUpload uploads 1080p30 at 4 Mbit/s with a keyframe every two
// seconds, twenty times as fast as real time and frame by frame, beside the
// same bytes written to a bare TLS connection. cpu-ms/s is per second of video:
// 10 are one percent of a core. rss-MB is what the process grows by, its ring of
// 15 seconds included. Call it with -benchtime 60x.
func BenchmarkUpload(b *testing.B) {
	self, err := os.Executable()
	require.NoError(b, err)
	child := exec.CommandContext(b.Context(), self, "-test.run=^TestServeBenchmark$", "-test.v")
	child.Env = append(os.Environ(), benchService+"=1")
	stdin, err := child.StdinPipe()
	require.NoError(b, err)
	stdout, err := child.StdoutPipe()
	require.NoError(b, err)
	require.NoError(b, child.Start())
	defer func() {
		stdin.Close()
		_ = child.Wait()
	}()
	var endpoint, sink string
	for lines := bufio.NewScanner(stdout); lines.Scan(); {
		if _, rest, ok := strings.Cut(lines.Text(), "serving "); ok {
			endpoint, sink, _ = strings.Cut(rest, " ")
			break
		}
	}
	insecure := &tls.Config{InsecureSkipVerify: true} //nolint:gosec // a test on loopback
	const frame = time.Second / 30 / 20
	sizes := func(n int) int { // a keyframe weighs as much as fifteen others
		if n%60 == 0 {
			return 1_000_000 * 15 / 74
		}
		return 1_000_000 / 74
	}

	base, _ := memory(b)
	b.Run("porchlight", func(b *testing.B) {
		ring := media.NewRing(media.RingConfig{Log: discard()})
		p := New(Config{
			Camera: "home.door", Stream: "door", Region: "eu-central-1", Ring: ring, Endpoints: fixed{url: endpoint},
			Credentials: static, TLS: insecure, Log: discard(),
		})
		ctx, cancel := context.WithCancel(b.Context())
		done := make(chan struct{})
		go func() { defer close(done); _ = p.Run(ctx) }()
		cam := newCamera(ring)
		require.NoError(b, p.Begin(cam.always()))
		b.ReportAllocs()
		before, n := cpu(), 0
		for b.Loop() {
			for range 30 {
				nal := make([]byte, sizes(n))
				nal[0] = 0x41
				if n%60 == 0 {
					nal[0] = 0x65
				}
				ring.Put(&media.Packet{Stream: cam.stream, PTS: cam.at.Sub(cam.origin), Time: cam.at, Key: n%60 == 0, AU: [][]byte{nal}})
				cam.at = cam.at.Add(time.Second / 30)
				n++
				time.Sleep(frame)
			}
		}
		b.ReportMetric(float64((cpu()-before).Microseconds())/1e3/float64(b.N), "cpu-ms/s")
		_, most := memory(b)
		b.ReportMetric(most-base, "rss-MB")
		s := p.Stats()
		b.ReportMetric(float64(s.Latency.Microseconds())/1e3, "persist-ms")
		require.Zero(b, s.Retries+s.Lost+s.Dropped)
		cancel()
		<-done
	})
	b.Run("bare TLS", func(b *testing.B) {
		raw, err := (&net.Dialer{}).DialContext(b.Context(), "tcp", sink)
		require.NoError(b, err)
		c := tls.Client(raw, insecure)
		defer c.Close()
		b.ReportAllocs()
		before, n := cpu(), 0
		for b.Loop() {
			for range 30 {
				_, err := c.Write(make([]byte, sizes(n)))
				require.NoError(b, err)
				n++
				time.Sleep(frame)
			}
		}
		b.ReportMetric(float64((cpu()-before).Microseconds())/1e3/float64(b.N), "cpu-ms/s")
	})
}
