package producer_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesisvideo"
	"github.com/aws/aws-sdk-go-v2/service/kinesisvideoarchivedmedia"
	"github.com/stretchr/testify/require"

	"porchlight/internal/kvs/producer"
	"porchlight/internal/media"
	"porchlight/internal/media/mediatest"
	"porchlight/internal/recording"
)

// childVariable tells a child its folder.
const childVariable = "PORCHLIGHT_PRODUCER_CHILD"

// gateway is a process with a camera, recordings and a producer.
type gateway struct {
	cmd    *exec.Cmd
	stdin  *os.File
	exited chan struct{}

	mu    sync.Mutex
	says  map[string]string
	lines []string
}

// newGateway starts a child on a folder, to which a killed one's successor
// comes back.
func (c *cloud) newGateway(t *testing.T, dir string, quick bool) *gateway {
	t.Helper()
	g := &gateway{exited: make(chan struct{}), says: map[string]string{}}
	read, write, err := os.Pipe()
	require.NoError(t, err)
	g.stdin = write
	g.cmd = exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestGateway$", "-test.timeout=0")
	g.cmd.Stdin = read
	g.cmd.Env = append(os.Environ(), childVariable+"="+dir, "ENDPOINT="+c.net.url(), "KEY="+c.keys.AccessKeyID, "SECRET="+c.keys.SecretAccessKey)
	if quick {
		g.cmd.Env = append(g.cmd.Env, "QUICK=1")
	}
	out, err := g.cmd.StdoutPipe()
	require.NoError(t, err)
	g.cmd.Stderr = g.cmd.Stdout
	require.NoError(t, g.cmd.Start())
	read.Close()
	go func() {
		defer close(g.exited)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			g.mu.Lock()
			if name, value, ok := strings.Cut(lines.Text(), "="); ok && !strings.Contains(name, " ") {
				g.says[name] = value
			} else {
				g.lines = append(g.lines, lines.Text())
			}
			g.mu.Unlock()
		}
		_ = g.cmd.Wait()
	}()
	t.Cleanup(g.kill)
	return g
}

func (g *gateway) kill() {
	_ = g.cmd.Process.Kill()
	<-g.exited
	g.stdin.Close()
}

// leave ends the process in good order.
func (g *gateway) leave() {
	g.stdin.Close()
	<-g.exited
}

// end ends the event.
func (g *gateway) end(t *testing.T) {
	_, err := g.stdin.WriteString("end\n")
	require.NoError(t, err)
}

func (g *gateway) said(name string) string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.says[name]
}

func (g *gateway) log() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return strings.Join(g.lines, "\n")
}

func libraryOf(dir string) (*recording.Library, error) {
	return recording.Open(recording.LibraryConfig{
		Dir: filepath.Join(dir, "recordings"), Free: func(string) (int64, error) { return 1 << 40, nil }, Log: slog.New(slog.DiscardHandler),
	})
}

// TestGateway is the child's part.
func TestGateway(t *testing.T) {
	dir := os.Getenv(childVariable)
	if dir == "" {
		t.Skip("part of TestOutage")
	}
	say := func(name string, value any) { fmt.Fprintf(os.Stdout, "%s=%v\n", name, value) }
	log := slog.New(slog.NewTextHandler(os.Stdout, nil))
	library, err := libraryOf(dir)
	require.NoError(t, err)
	ring := media.NewRing(media.RingConfig{Keep: 5 * time.Second, Log: log})
	recorder, err := recording.New(recording.Config{
		Camera: stream, Ring: ring, Library: library, Log: log, Mode: recording.Always, Poll: 50 * time.Millisecond,
	})
	require.NoError(t, err)
	cfg := config(os.Getenv("ENDPOINT"), os.Getenv("KEY"), os.Getenv("SECRET"))
	control := kinesisvideo.NewFromConfig(cfg)
	pc := producer.Config{
		Camera: stream, Stream: stream, Region: region, Ring: ring, Log: log, TLS: &tls.Config{MinVersion: tls.VersionTLS12},
		Endpoints:   producer.NewStreams(producer.StreamsConfig{Client: control, Retention: 24 * time.Hour}),
		Credentials: aws.NewCredentialsCache(cfg.Credentials),
		Older:       library.Source(stream), StateFile: filepath.Join(dir, "upload.json"),
		Held: producer.Archive{Control: control, Media: kinesisvideoarchivedmedia.NewFromConfig(cfg)},
		Gap:  func(g producer.Gap) { say("gap", g) },
	}
	if os.Getenv("QUICK") != "" {
		pc.Timing = producer.Timing{RetryMax: time.Second, Reach: 2 * time.Second, Grace: time.Second, Linger: time.Second}
	}
	p := producer.New(pc)
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { recorder.Run(ctx) })
	running.Go(func() { _ = p.Run(ctx) })
	var last atomic.Int64
	running.Go(func() { film(ctx, t, ring, &last) })
	running.Go(func() {
		for ctx.Err() == nil {
			s := p.Stats()
			say("persisted", s.Persisted)
			say("events", s.Events)
			say("state", fmt.Sprintf("%+v", s))
			time.Sleep(20 * time.Millisecond)
		}
	})
	if p.Stats().Events == 0 {
		now := time.Now()
		require.NoError(t, p.Begin(producer.Event{ID: "E", From: now, Until: now.Add(24 * time.Hour)}))
		say("from", now.UnixMilli())
	}
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		if lines.Text() == "end" {
			at := time.UnixMilli(last.Load())
			require.True(t, p.End("E", at))
			say("until", at.UnixMilli())
		}
	}
	cancel()
	running.Wait()
	require.NoError(t, library.Close())
}

// film films ten pictures a second, and a keyframe each second, as time passes.
func film(ctx context.Context, t *testing.T, ring *media.Ring, last *atomic.Int64) {
	clip := mediatest.Encode(t, append(mediatest.Scene("160x120", "10", "10", false),
		"-c:v", "libx264", "-preset", "ultrafast", "-g", "10", "-x264-params", "scenecut=0")...)
	began := time.Now()
	for n := 0; ctx.Err() == nil; n++ {
		p := *clip.Packets[n%len(clip.Packets)]
		p.PTS = time.Duration(n) * 100 * time.Millisecond
		p.Time = began.Add(p.PTS)
		time.Sleep(time.Until(p.Time))
		ring.Put(&p)
		last.Store(p.Time.UnixMilli())
	}
}
