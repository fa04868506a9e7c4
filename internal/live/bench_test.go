package live_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v5/pkg/format/rtph264"
	"github.com/pion/webrtc/v4"
	"github.com/stretchr/testify/require"

	"porchlight/internal/live"
	"porchlight/internal/media"
)

// benchViewers in the environment makes the test binary so many viewers for
// BenchmarkViewers, so that only the sender's work is measured. Signaling goes
// over standard input and output.
const benchViewers = "PORCHLIGHT_BENCH_VIEWERS"

func TestWatchBenchmark(t *testing.T) {
	var count int
	if _, err := fmt.Sscan(os.Getenv(benchViewers), &count); err != nil {
		t.Skip("part of BenchmarkViewers")
	}
	w := newWire()
	go func() {
		for m := range w.in {
			line, _ := json.Marshal(m)
			fmt.Fprintf(os.Stdout, "viewer %s\n", line)
		}
	}()
	var viewers []*watcher
	for n := range count {
		v := newWatcher(t, w, fmt.Sprint("viewer-", n), nil)
		_, err := v.pc.AddTransceiverFromKind(webrtc.RTPCodecTypeVideo, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly})
		require.NoError(t, err)
		viewers = append(viewers, v)
		v.offer(nil)
	}
	go func() {
		for _, v := range viewers {
			v.sees(1)
		}
		fmt.Fprintln(os.Stdout, "viewer all")
	}()
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var m live.Message
		if json.Unmarshal(lines.Bytes(), &m) == nil {
			_ = w.Send(t.Context(), m)
		}
	}
}

// crowd starts viewers in a process of their own and returns once all watch.
func crowd(b *testing.B, count int, w *wire) {
	b.Helper()
	self, err := os.Executable()
	require.NoError(b, err)
	child := exec.CommandContext(b.Context(), self, "-test.run=^TestWatchBenchmark$", "-test.v")
	child.Env = append(os.Environ(), fmt.Sprintf("%s=%d", benchViewers, count))
	stdin, err := child.StdinPipe()
	require.NoError(b, err)
	stdout, err := child.StdoutPipe()
	require.NoError(b, err)
	require.NoError(b, child.Start())
	b.Cleanup(func() {
		stdin.Close()
		_, _ = io.Copy(io.Discard, stdout)
		_ = child.Wait()
	})
	var writing sync.Mutex
	for n := range count {
		w.listen(fmt.Sprint("viewer-", n), func(m live.Message) {
			line, _ := json.Marshal(m)
			writing.Lock()
			defer writing.Unlock()
			fmt.Fprintf(stdin, "%s\n", line)
		})
	}
	all := make(chan struct{})
	go func() {
		lines := bufio.NewScanner(stdout)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			_, line, ok := strings.Cut(lines.Text(), "viewer ")
			var m live.Message
			switch {
			case !ok:
			case line == "all":
				close(all)
			case json.Unmarshal([]byte(line), &m) == nil:
				w.in <- m
			}
		}
	}()
	select {
	case <-all:
	case <-time.After(2 * patience):
		require.FailNow(b, "not all viewers see something")
	}
}

// film makes noise of the size of 1080p30 at 4 Mbit/s with a keyframe every
// two seconds, and hands it over as it would come from a camera.
func film(ctx context.Context, put func(p *media.Packet)) {
	stream := &media.Stream{Codec: media.H264, SPS: []byte{0x67, 0x4d, 0, 0x28, 1}, PPS: []byte{0x68, 1, 2, 3}, ClockRate: 90000}
	noise := make([]byte, 1<<20)
	for i := range noise {
		noise[i] = byte(rand.Uint32())
	}
	tick := time.NewTicker(time.Second / 30)
	defer tick.Stop()
	for n := 0; ; n++ {
		p := &media.Packet{Stream: stream, PTS: time.Duration(n) * time.Second / 30, Time: time.Now(), Key: n%60 == 0}
		size := 14_400
		if p.Key {
			size = 150_000
		}
		nal := append([]byte{0x41}, noise[n%1000*100:][:size]...)
		if p.Key {
			nal[0] = 0x65
			p.AU = [][]byte{stream.SPS, stream.PPS}
		}
		p.AU = append(p.AU, nal)
		put(p)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// cpu is what this process has used so far.
func cpu() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkViewers shows a camera of 4 Mbit/s to viewers in another process,
// beside a bare fan-out: pion's own track, written once for all. An iteration
// is a second. %core/viewer is of one core; ratio is to the bare fan-out.
func BenchmarkViewers(b *testing.B) {
	for _, count := range []int{1, 10, 50} {
		var bare float64
		b.Run(fmt.Sprintf("viewers=%d/bare", count), func(b *testing.B) {
			bare = measure(b, count, bareFanOut)
			b.ReportMetric(bare, "%core/viewer")
		})
		b.Run(fmt.Sprintf("viewers=%d/live", count), func(b *testing.B) {
			ours := measure(b, count, func(b *testing.B, ctx context.Context, w *wire) {
				ring := media.NewRing(media.RingConfig{Log: quiet()})
				var filming sync.WaitGroup
				filming.Go(func() { film(ctx, ring.Put) })
				b.Cleanup(filming.Wait)
				show(b, live.Config{Main: ring, MaxViewers: 50}, w) //nolint:contextcheck // ends with the benchmark
			})
			b.ReportMetric(ours, "%core/viewer")
			b.ReportMetric(ours/bare, "of-bare")
		})
	}
}

// measure returns what a viewer costs, in percent of a core.
func measure(b *testing.B, count int, start func(b *testing.B, ctx context.Context, w *wire)) float64 {
	b.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	b.Cleanup(cancel)
	w := newWire()
	start(b, ctx, w)
	b.Cleanup(cancel) // before what start cleans up
	crowd(b, count, w)
	time.Sleep(time.Second) // the joins are over
	before, began := cpu(), time.Now()
	for b.Loop() {
		time.Sleep(time.Second)
	}
	return 100 * (cpu() - before).Seconds() / time.Since(began).Seconds() / float64(count)
}

// bareFanOut answers offers with as little as pion allows.
func bareFanOut(b *testing.B, ctx context.Context, w *wire) {
	var engine webrtc.MediaEngine
	require.NoError(b, engine.RegisterDefaultCodecs())
	var settings webrtc.SettingEngine
	settings.SetIncludeLoopbackCandidate(true)
	settings.LoggerFactory = silent{}
	settings.SetICEMulticastDNSMode(1)
	api := webrtc.NewAPI(webrtc.WithMediaEngine(&engine), webrtc.WithSettingEngine(settings),
		webrtc.WithInterceptorRegistry(newRegistry(b, &engine)))
	track, err := webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{
		MimeType: webrtc.MimeTypeH264, ClockRate: 90000,
		SDPFmtpLine: "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f",
	}, "video", "camera")
	require.NoError(b, err)
	encoder := &rtph264.Encoder{PayloadMaxSize: 1188, PacketizationMode: 1}
	require.NoError(b, encoder.Init())
	var running sync.WaitGroup
	running.Go(func() {
		film(ctx, func(p *media.Packet) {
			packets, _ := encoder.Encode(p.AU)
			for _, r := range packets {
				r.Timestamp = uint32(p.PTS * 90 / time.Millisecond)
				_ = track.WriteRTP(r)
			}
		})
	})
	connections, early := make(map[string]*webrtc.PeerConnection), make(map[string][]webrtc.ICECandidateInit)
	running.Go(func() {
		for {
			m, err := w.Receive(ctx)
			if err != nil {
				return
			}
			if m.Kind == live.Offer {
				connections[m.Client] = bareAnswer(b, api, track, w, m) //nolint:contextcheck // sends within the process
			} else {
				var c webrtc.ICECandidateInit
				require.NoError(b, json.Unmarshal(m.Payload, &c))
				early[m.Client] = append(early[m.Client], c)
			}
			if pc := connections[m.Client]; pc != nil {
				for _, c := range early[m.Client] {
					require.NoError(b, pc.AddICECandidate(c))
				}
				early[m.Client] = nil
			}
		}
	})
	b.Cleanup(func() {
		running.Wait()
		for _, pc := range connections {
			_ = pc.GracefulClose()
		}
	})
}

func bareAnswer(b *testing.B, api *webrtc.API, track *webrtc.TrackLocalStaticRTP, w *wire, m live.Message) *webrtc.PeerConnection {
	pc, err := api.NewPeerConnection(webrtc.Configuration{})
	require.NoError(b, err)
	sender, err := pc.AddTrack(track)
	require.NoError(b, err)
	go func() {
		buf := make([]byte, 1500)
		for {
			if _, _, err := sender.Read(buf); err != nil {
				return
			}
		}
	}()
	var offer webrtc.SessionDescription
	require.NoError(b, json.Unmarshal(m.Payload, &offer))
	require.NoError(b, pc.SetRemoteDescription(offer))
	answer, err := pc.CreateAnswer(nil)
	require.NoError(b, err)
	gathered := webrtc.GatheringCompletePromise(pc)
	require.NoError(b, pc.SetLocalDescription(answer))
	<-gathered
	payload, err := json.Marshal(pc.LocalDescription())
	require.NoError(b, err)
	_ = w.Send(context.Background(), live.Message{Client: m.Client, Kind: live.Answer, Payload: payload})
	return pc
}
