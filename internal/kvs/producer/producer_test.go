package producer

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/media"
	"porchlight/internal/media/matroska"
	"porchlight/internal/media/mediatest"
)

// TestEvent uploads what an event wants, with what came before it, and no
// more, and others' software decodes it.
func TestEvent(t *testing.T) {
	clip := mediatest.Encode(t, append(mediatest.Scene("320x240", "10", "10", true),
		"-c:v", "libx264", "-preset", "ultrafast", "-g", "10", "-x264-params", "scenecut=0")...)
	r := newRig(t, func(c *Config) { c.ImagePrefix, c.Timing.Grace = "front", 2*time.Second })
	base := time.UnixMilli(1_790_000_000_000)
	var lead time.Duration // of the sound
	for _, p := range clip.Packets {
		if p.Key {
			lead = p.PTS
			break
		}
	}
	feed := func(from, to time.Duration) {
		for _, p := range clip.Packets {
			if p.PTS-lead >= from && p.PTS-lead < to {
				later := *p
				later.Time = base.Add(p.PTS - lead)
				r.ring.Put(&later)
			}
		}
	}
	at := func(s float64) time.Time { return base.Add(time.Duration(s * float64(time.Second))) }
	r.service.keep = true
	r.start()
	feed(0, 4*time.Second)
	require.NoError(t, r.Begin(Event{
		ID: "01EVENT", From: at(2.5), Until: at(4), Images: true, Notify: true, Tags: []matroska.Tag{{Name: "label", Value: "person"}},
	}))
	r.until("the pre-roll", func(s Stats) bool { return s.Persisted >= 1 })
	feed(4*time.Second, 6*time.Second)
	require.True(t, r.Extend("01EVENT", at(5.2)))
	require.True(t, r.Extend("01EVENT", at(4.2)), "that is no news")
	feed(6*time.Second, 8*time.Second)
	r.until("all", func(s Stats) bool { return s.Persisted == 4 && s.State == Idle })
	r.service.clean()
	require.Equal(t, []int64{at(2).UnixMilli(), at(3).UnixMilli(), at(4).UnixMilli(), at(5).UnixMilli()}, r.starts())

	for _, f := range r.service.list() {
		require.Equal(t, map[string]string{
			matroska.TagImages: "", matroska.TagImagePrefix: "front", matroska.TagNotify: "", TagEvents: "01EVENT", "label": "person",
		}, f.tags)
		require.True(t, f.ended)
		require.Equal(t, 10, f.tracks[1])
		require.Equal(t, 10, mediatest.Decode(t, f.data))
		require.Contains(t, mediatest.Probe(t, f.data, "-show_entries", "stream=codec_name"), "codec_name=aac")
	}
	feed(8*time.Second, 10*time.Second)
	r.until("no event", func(s Stats) bool { return s.Events == 0 })
	require.False(t, r.End("01EVENT", at(9)), "it is done and forgotten")
	s := r.Stats()
	require.EqualValues(t, 4, s.Sent)
	require.Zero(t, s.Resent+s.Dropped+s.Lost+s.Retries)
	require.EqualValues(t, 1, s.Connections)
	require.Zero(t, s.Unpersisted+s.Events)
	r.until("the end of the connection", func(Stats) bool { return r.service.idle() })
	mediatest.Validate(t, r.service.bodies[0].Bytes())
}

// TestLastSecond ends an event in the middle of a GOP of a camera that then
// sends nothing: what there is goes out at once.
func TestLastSecond(t *testing.T) {
	r := newRig(t, func(c *Config) { c.Timing.Tail = 100 * time.Millisecond })
	r.start()
	r.camera.gops(1)
	for range 12 {
		r.camera.frame(false)
	}
	e := r.camera.always()
	require.NoError(t, r.Begin(e))
	r.until("two under way", func(s Stats) bool { return s.Persisted == 1 && s.Unpersisted == 1 })
	require.True(t, r.End(e.ID, r.camera.at.Add(-300*time.Millisecond)))
	r.until("the end", func(s Stats) bool { return s.Persisted == 2 })
	got := r.service.list()[1]
	require.True(t, got.ended)
	require.Equal(t, 13, got.tracks[1])
	r.service.clean()
}

// TestTLS speaks HTTP/1.1 even to a server that has HTTP/2 to offer.
func TestTLS(t *testing.T) {
	roots := x509.NewCertPool()
	r := newRig(t, func(c *Config) { c.TLS = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12} })
	r.service.web.Close()
	r.service.web = httptest.NewUnstartedServer(http.HandlerFunc(r.service.putMedia))
	r.service.web.EnableHTTP2 = true
	r.service.web.StartTLS()
	t.Cleanup(r.service.web.Close)
	roots.AddCert(r.service.web.Certificate())
	r.cfg.Endpoints = fixed{url: r.service.web.URL}
	r.start()
	want := r.camera.gops(3)
	require.NoError(t, r.Begin(r.camera.always()))
	r.until("all", func(s Stats) bool { return s.Persisted == 3 })
	require.Equal(t, want, r.starts())
	r.service.clean()
}

func TestSilentCameraEndsItsFragment(t *testing.T) {
	r := newRig(t, func(c *Config) { c.Timing.Silence = 50 * time.Millisecond })
	r.start()
	r.camera.gops(1)
	require.NoError(t, r.Begin(r.camera.always()))
	r.until("all there is", func(s Stats) bool { return s.Persisted == 2 })
	require.Equal(t, 1, r.service.list()[1].tracks[1])
	r.service.clean()
}

func TestEventsTouchAndDoNot(t *testing.T) {
	r := newRig(t, nil)
	all := r.camera.gops(10)
	at := func(i int, more time.Duration) time.Time { return time.UnixMilli(all[i]).Add(more) }
	const half = 500 * time.Millisecond
	require.NoError(t, r.Begin(Event{ID: "a", From: at(1, half), Until: at(2, half)}))
	require.NoError(t, r.Begin(Event{ID: "b", From: at(2, half), Until: at(4, half), Images: true}))
	require.NoError(t, r.Begin(Event{ID: "c", From: at(7, 0), Until: at(7, half)}))
	r.start()
	r.until("all", func(s Stats) bool { return s.Persisted == 5 })
	require.Equal(t, []int64{all[1], all[2], all[3], all[4], all[7]}, r.starts())
	got := r.service.list()
	require.Equal(t, map[string]string{TagEvents: "a"}, got[0].tags)
	require.Equal(t, map[string]string{TagEvents: "a,b", matroska.TagImages: ""}, got[1].tags)
	require.Equal(t, map[string]string{TagEvents: "c"}, got[4].tags)
	r.service.clean()
}

func TestBeginRefuses(t *testing.T) {
	r := newRig(t, nil)
	now := time.Now()
	for name, e := range map[string]Event{
		"no id":     {From: now, Until: now},
		"comma":     {ID: "a,b", From: now, Until: now},
		"no start":  {ID: "a", Until: now},
		"backwards": {ID: "a", From: now, Until: now.Add(-time.Second)},
		"bad tag":   {ID: "a", From: now, Until: now, Tags: []matroska.Tag{{Name: "AWS_X"}}},
	} {
		require.ErrorIs(t, r.Begin(e), ErrEvent, name)
	}
	require.False(t, r.Extend("a", now))
	for i := range maxEvents + 5 {
		require.NoError(t, r.Begin(Event{ID: string(rune('A' + i)), From: now, Until: now}))
	}
	require.Equal(t, maxEvents, r.Stats().Events)
}

// TestShortGOPsAreJoined makes fragments of about a second.
func TestShortGOPsAreJoined(t *testing.T) {
	r := newRig(t, func(c *Config) { c.Timing.Shortest = time.Second })
	for range 31 { // keyframes only, ten a second
		r.camera.frame(true)
	}
	require.NoError(t, r.Begin(Event{ID: "a", From: r.camera.origin, Until: r.camera.origin.Add(2950 * time.Millisecond)}))
	r.start()
	r.until("all", func(s Stats) bool { return s.Persisted == 3 })
	for i, f := range r.service.list() {
		require.Equal(t, r.camera.keys[10*i], f.timecode)
		require.Equal(t, 10, f.tracks[1])
	}
	r.service.clean()
}

// TestNewParameters begins a connection of its own for new parameter sets, as
// for sound that comes or goes.
func TestNewParameters(t *testing.T) {
	r := newRig(t, nil)
	r.start()
	require.NoError(t, r.Begin(r.camera.always()))
	r.camera.gops(2)
	other := *r.camera.stream
	r.camera.stream = &other // reconnected: the same parameters
	r.camera.gops(2)
	changed := *r.camera.stream
	changed.PPS = []byte{0x68, 0xce, 0x0f, 0xc9}
	r.camera.stream = &changed
	r.camera.gops(2)
	sound, err := media.NewAACStream([]byte{0x14, 0x08})
	require.NoError(t, err)
	r.camera.sound = sound
	r.camera.gops(3)
	r.until("all", func(s Stats) bool { return s.Persisted >= int64(len(r.camera.keys)-1) })
	r.service.clean()
	connections, _ := r.service.count()
	require.Equal(t, 3, connections)
	codecs := map[int]bool{}
	for _, f := range r.service.list() {
		codecs[f.connection] = f.header.sound
	}
	require.Equal(t, map[int]bool{1: false, 2: false, 3: true}, codecs)
}

// TestClockSteps: all is uploaded whatever the clock does; times that go far
// back begin a connection of their own.
func TestClockSteps(t *testing.T) {
	r := newRig(t, func(c *Config) { c.Timing.Shortest = 500 * time.Millisecond })
	r.start()
	e := r.camera.always()
	e.From = e.From.Add(-2 * time.Hour)
	require.NoError(t, r.Begin(e))
	for _, step := range []time.Duration{0, time.Hour, -time.Second, -2 * time.Hour, 0} {
		r.camera.skew += step
		r.camera.gops(3)
		r.until("all", func(s Stats) bool { return s.Persisted >= int64(len(r.camera.keys)-1) })
	}
	r.service.clean()
	require.Len(t, r.starts(), len(r.camera.keys)-1)
	connections, _ := r.service.count()
	require.Equal(t, 2, connections)
	s := r.Stats()
	require.Zero(t, s.Lost+s.Resent, "%+v", s)
}

// TestMissingSoundIsFilled: every fragment has a frame of every track.
func TestMissingSoundIsFilled(t *testing.T) {
	r := newRig(t, nil)
	sound, err := media.NewAACStream([]byte{0x14, 0x08})
	require.NoError(t, err)
	r.camera.sound = sound
	r.camera.gops(1)
	r.camera.sound = nil
	r.camera.gops(1)
	require.NoError(t, r.Begin(r.camera.always()))
	r.start()
	r.until("both", func(s Stats) bool { return s.Persisted == 2 })
	r.service.clean()
	require.Equal(t, map[byte]int{1: 10, 2: 1}, r.service.list()[1].tracks)
}

func TestConnectionIsReplacedInTime(t *testing.T) {
	r := newRig(t, func(c *Config) { c.Timing.Connection = 20 * time.Millisecond })
	r.start()
	require.NoError(t, r.Begin(r.camera.always()))
	for n := int64(1); n < 2000; n++ {
		r.camera.gops(1)
		r.until("one more", func(s Stats) bool { return s.Persisted >= n })
		if connections, _ := r.service.count(); connections >= 4 {
			r.service.clean()
			require.Zero(t, r.Stats().Retries+r.Stats().Resent)
			require.Equal(t, r.camera.keys[:n], r.starts())
			return
		}
	}
	t.Fatal("the connection stayed")
}

func TestUnkeptStreams(t *testing.T) {
	r := newRig(t, func(c *Config) { c.Unkept = true })
	r.service.onEnd = func(m *moment) (bool, error) {
		m.ack("RECEIVED", m.timecode, "")
		return true, nil
	}
	r.start()
	r.camera.gops(3)
	require.NoError(t, r.Begin(r.camera.always()))
	r.until("all", func(s Stats) bool { return s.Persisted == 3 && s.Unpersisted <= 1 })
	r.service.clean()
}

// TestEndsWell completes the fragment under way when it is stopped.
func TestEndsWell(t *testing.T) {
	r := newRig(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- r.Run(ctx) }()
	r.camera.gops(1)
	r.camera.frame(false)
	require.NoError(t, r.Begin(r.camera.always()))
	r.until("one and a bit", func(s Stats) bool { return s.Persisted == 1 && s.Unpersisted == 1 })
	require.Eventually(t, func() bool { _, n := r.service.count(); return n == 2 }, patience, time.Millisecond)
	cancel()
	require.NoError(t, <-done)
	got := r.service.list()
	require.Len(t, got, 2)
	require.True(t, got[1].ended)
	r.service.clean()
}
