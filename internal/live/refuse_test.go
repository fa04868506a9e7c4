package live_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"
	"github.com/stretchr/testify/require"

	"porchlight/internal/live"
	"porchlight/internal/media"
	"porchlight/internal/media/mediatest"
)

// refusedWith waits for an answer that turns all down, and why.
func refusedWith(t testing.TB, a webrtc.SessionDescription, code string) {
	t.Helper()
	require.Contains(t, a.SDP, "a=x-porchlight-refused:"+code+" ")
	for line := range strings.Lines(a.SDP) {
		if strings.HasPrefix(line, "m=") {
			require.Equal(t, "0", strings.Fields(line)[1], line)
		}
	}
}

func TestFull(t *testing.T) {
	m, w := show(t, live.Config{Main: play(t, small(t)).ring, MaxViewers: 2})
	var in []*watcher
	for n := range 2 {
		v := newWatcher(t, w, fmt.Sprint("viewer-", n), nil)
		v.watch()
		v.sees(1)
		in = append(in, v)
	}
	late := newWatcher(t, w, "late", nil)
	refusedWith(t, late.watch(), live.CodeFull)
	require.EqualValues(t, 1, m.Stats().Refused)
	in[0].leave()
	require.Eventually(t, func() bool { return len(m.Stats().Viewers) == 1 }, patience, time.Millisecond)
	again := newWatcher(t, w, "again", nil)
	again.watch()
	again.sees(1)
}

// TestPrivate: all viewers are gone at once, are told why, and nobody gets in.
func TestPrivate(t *testing.T) {
	m, w := show(t, live.Config{Main: play(t, small(t)).ring})
	v := newWatcher(t, w, "ann", nil)
	v.watch()
	v.sees(1)
	<-v.opened
	m.SetPrivate(true)
	require.Contains(t, v.told(`"state":"ended"`), `"code":"private"`)
	require.Eventually(t, func() bool { return len(m.Stats().Viewers) == 0 }, patience, time.Millisecond)
	require.Eventually(t, func() bool { return v.pc.ConnectionState() == webrtc.PeerConnectionStateClosed }, patience, time.Millisecond)

	other := newWatcher(t, w, "bob", nil)
	refusedWith(t, other.watch(), live.CodePrivate)
	m.SetPrivate(false)
	third := newWatcher(t, w, "cyd", nil)
	third.watch()
	third.sees(1)
}

func TestForbidden(t *testing.T) {
	_, w := show(t, live.Config{Main: play(t, small(t)).ring, Authorize: func(client string) live.Role {
		if client == "stranger" {
			return live.Nobody
		}
		return live.Watcher
	}})
	refusedWith(t, newWatcher(t, w, "stranger", nil).watch(), live.CodeForbidden)
	v := newWatcher(t, w, "ann", nil)
	v.watch()
	v.sees(1)
}

func TestBFrames(t *testing.T) {
	t.Parallel()
	bad := mediatest.Encode(t, append(mediatest.Scene("320x240", "25", "4", false), "-c:v", "libx264", "-preset", "medium", "-bf", "2", "-g", "50")...).Packets
	good := clip(t, "160x120", "10", "8", "-g", "20")
	_, w := show(t, live.Config{Main: play(t, bad).ring})
	a := newWatcher(t, w, "ann", nil).watch()
	refusedWith(t, a, live.CodeBFrames)
	require.Contains(t, a.SDP, "turn B-frames off in the camera")

	// The other stream has none: it is shown, and only that one.
	m, w := show(t, live.Config{Main: play(t, bad).ring, Sub: play(t, good).ring})
	v := newWatcher(t, w, "bob", nil)
	v.watch()
	v.sees(40)
	decodable(t, v, good)
	require.Equal(t, live.Sub, m.Stats().Viewers[0].On)
}

// TestTheCameraTurnsBad: a viewer that watches is told when the camera begins
// to send what cannot be shown.
func TestTheCameraTurnsBad(t *testing.T) {
	t.Parallel()
	bad := mediatest.Encode(t, append(mediatest.Scene("320x240", "25", "4", false), "-c:v", "libx264", "-preset", "medium", "-bf", "2", "-g", "50")...).Packets
	film := small(t)
	ring := media.NewRing(media.RingConfig{Log: quiet()})
	_, w := show(t, live.Config{Main: ring})
	now := time.Now()
	put := func(packets []*media.Packet) {
		for _, p := range packets {
			q := *p
			q.Time = now.Add(p.PTS)
			ring.Put(&q)
		}
	}
	put(film[:20])
	v := newWatcher(t, w, "ann", nil)
	v.watch()
	v.sees(10)
	<-v.opened
	now = now.Add(time.Second)
	put(bad[:40])
	require.Contains(t, v.told(`"state":"ended"`), `"code":"b_frames"`)
}

func TestH265(t *testing.T) {
	t.Parallel()
	film := mediatest.Encode(t, append(mediatest.Scene("320x240", "25", "4", false), "-c:v", "libx265", "-preset", "ultrafast",
		"-x265-params", "bframes=0:keyint=50:log-level=none")...).Packets
	half := clip(t, "160x120", "10", "8", "-g", "20")
	plain := viewerOf(t, webrtc.MimeTypeH264, "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f")
	both := viewerAPI(t, nil)

	// Natively, where the viewer can.
	m, w := show(t, live.Config{Main: play(t, film).ring})
	v := newWatcher(t, w, "ann", both)
	v.watch()
	require.Eventually(t, func() bool { return v.got() > 0 || v.received() > 50 }, patience, time.Millisecond)
	require.Len(t, m.Stats().Viewers, 1)

	// Otherwise the fault says so.
	a := newWatcher(t, w, "bob", plain).watch()
	refusedWith(t, a, live.CodeCodec)
	require.Contains(t, a.SDP, "H.265 of 320x240")

	// Or the substream helps.
	m, w = show(t, live.Config{Main: play(t, film).ring, Sub: play(t, half).ring})
	v = newWatcher(t, w, "cyd", plain)
	v.watch()
	v.sees(40)
	decodable(t, v, half)
	require.Equal(t, live.Sub, m.Stats().Viewers[0].On)
}

// viewerOf makes viewers that know one codec.
func viewerOf(t testing.TB, mime, fmtp string) *webrtc.API {
	t.Helper()
	var m webrtc.MediaEngine
	require.NoError(t, m.RegisterCodec(webrtc.RTPCodecParameters{
		RTPCodecCapability: webrtc.RTPCodecCapability{
			MimeType: mime, ClockRate: 90000, SDPFmtpLine: fmtp, RTCPFeedback: []webrtc.RTCPFeedback{{Type: "nack"}},
		},
		PayloadType: 100,
	}, webrtc.RTPCodecTypeVideo))
	return viewerWith(t, &m, nil)
}

func TestCodecsThatCannotBeSent(t *testing.T) {
	_, w := show(t, live.Config{Main: play(t, small(t)).ring})
	a := newWatcher(t, w, "vp8", viewerOf(t, webrtc.MimeTypeVP8, "")).watch()
	refusedWith(t, a, live.CodeCodec)
	require.Contains(t, a.SDP, "only VP8")
	a = newWatcher(t, w, "mode0", viewerOf(t, webrtc.MimeTypeH264, "packetization-mode=0;profile-level-id=42e01f")).watch()
	refusedWith(t, a, live.CodeCodec)
	for _, profile := range []string{"42e01f", "42001f", "4d0032", "640028", "640c2a"} {
		v := newWatcher(t, w, profile, viewerOf(t, webrtc.MimeTypeH264, "packetization-mode=1;profile-level-id="+profile))
		v.watch()
		v.sees(1)
	}
}

// TestBadOffers: none of it hurts, and whatever can be answered is.
func TestBadOffers(t *testing.T) {
	t.Parallel()
	film := small(t)
	m, w := show(t, live.Config{Main: play(t, film).ring, ConnectWithin: 10 * time.Second})

	v := newWatcher(t, w, "no-video", nil) // but a data channel
	v.offer(nil)
	refusedWith(t, v.answered(), live.CodeNoVideo)
	v = newWatcher(t, w, "sends-only", nil)
	_, err := v.pc.AddTransceiverFromKind(webrtc.RTPCodecTypeVideo, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly})
	require.NoError(t, err)
	v.offer(nil)
	refusedWith(t, v.answered(), live.CodeNoVideo)

	good := newWatcher(t, w, "model", nil)
	_, err = good.pc.AddTransceiverFromKind(webrtc.RTPCodecTypeVideo, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly})
	require.NoError(t, err)
	offer, err := good.pc.CreateOffer(nil)
	require.NoError(t, err)
	sdp := offer.SDP
	text := func(kind webrtc.SDPType, sdp string) []byte {
		data, err := json.Marshal(webrtc.SessionDescription{Type: kind, SDP: sdp})
		require.NoError(t, err)
		return data
	}
	bad := [][]byte{
		nil, {0}, []byte("null"), []byte("[]"), []byte(`{"type":"offer"}`), []byte(`{"type":"offer","sdp":7}`),
		text(webrtc.SDPTypeOffer, "garbage"), text(webrtc.SDPTypeAnswer, sdp), text(webrtc.SDPTypeRollback, ""),
		text(webrtc.SDPTypeOffer, sdp[:len(sdp)/2]),
		text(webrtc.SDPTypeOffer, strings.ReplaceAll(sdp, "a=fingerprint", "a=finger")),
		text(webrtc.SDPTypeOffer, strings.ReplaceAll(sdp, "a=ice-ufrag", "a=ice")),
		text(webrtc.SDPTypeOffer, strings.ReplaceAll(sdp, "a=mid", "a=mud")),
		text(webrtc.SDPTypeOffer, sdp+strings.Repeat("a=x\r\n", 20_000)),
		text(webrtc.SDPTypeOffer, sdp+strings.Repeat("m=video 9 UDP/TLS/RTP/SAVPF 96\r\n", 500)),
		text(webrtc.SDPTypeOffer, strings.Repeat("\x00\xff", 1000)),
	}
	for i, payload := range bad {
		w.in <- live.Message{Client: fmt.Sprint("bad-", i), Kind: live.Offer, Payload: payload}
		w.in <- live.Message{Client: fmt.Sprint("bad-", i), Kind: live.Candidate, Payload: payload}
	}
	w.in <- live.Message{Kind: live.Offer, Payload: text(webrtc.SDPTypeOffer, sdp)}
	w.in <- live.Message{Client: strings.Repeat("x", 1000), Kind: live.Offer, Payload: text(webrtc.SDPTypeOffer, sdp)}
	w.in <- live.Message{Client: "x", Kind: live.Answer, Payload: text(webrtc.SDPTypeAnswer, sdp)}
	w.in <- live.Message{Client: "x", Kind: live.Kind(9), Payload: []byte("{}")}

	// All of it is dealt with, and viewers get in as before.
	require.Eventually(t, func() bool {
		s := m.Stats()
		return len(s.Viewers) == 0 && s.Joined+s.Refused >= int64(len(bad))
	}, patience, time.Millisecond)
	after := newWatcher(t, w, "after", nil)
	after.watch()
	after.sees(60)
	decodable(t, after, film)
}

// TestNeverConnects: who offers and does no more is dropped in time.
func TestNeverConnects(t *testing.T) {
	m, w := show(t, live.Config{Main: play(t, small(t)).ring, ConnectWithin: 300 * time.Millisecond})
	for n := range 3 {
		v := newWatcher(t, w, fmt.Sprint("gone-", n), nil)
		v.deaf = true
		_, err := v.pc.AddTransceiverFromKind(webrtc.RTPCodecTypeVideo, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly})
		require.NoError(t, err)
		v.offer(nil)
	}
	require.Eventually(t, func() bool { return m.Stats().Dropped == 3 && len(m.Stats().Viewers) == 0 }, patience, time.Millisecond)
}

// TestCandidateFlood: candidates without end hurt nobody.
func TestCandidateFlood(t *testing.T) {
	_, w := show(t, live.Config{Main: play(t, small(t)).ring})
	candidate, err := json.Marshal(webrtc.ICECandidateInit{Candidate: "candidate:1 1 udp 2130706431 192.0.2.7 9 typ host"})
	require.NoError(t, err)
	garbage := []byte(`{"candidate":"` + strings.Repeat("x", 5000) + `"}`)
	flood := func(client string) {
		for range 3000 {
			w.in <- live.Message{Client: client, Kind: live.Candidate, Payload: candidate}
			w.in <- live.Message{Client: client, Kind: live.Candidate, Payload: garbage}
		}
	}
	flood("before")
	v := newWatcher(t, w, "ann", nil)
	v.watch()
	flood("ann")
	for n := range 1000 {
		w.in <- live.Message{Client: fmt.Sprint("one-of-many-", n), Kind: live.Candidate, Payload: candidate}
	}
	v.sees(60)
}

// TestSignalingEnds: its viewers end with it.
func TestSignalingEnds(t *testing.T) {
	t.Parallel()
	m, w := show(t, live.Config{Main: play(t, small(t)).ring})
	other := newWire()
	var err error
	var done sync.WaitGroup
	done.Go(func() { err = m.Serve(context.Background(), other) })
	v := newWatcher(t, other, "ann", nil)
	v.watch()
	v.sees(1)
	stays := newWatcher(t, w, "ann", nil) // another ann
	stays.watch()
	stays.sees(1)
	require.Len(t, m.Stats().Viewers, 2)
	close(other.in)
	done.Wait()
	require.ErrorIs(t, err, io.EOF)
	require.Len(t, m.Stats().Viewers, 1)
	stays.sees(stays.got() + 30)

	m.Close()
	require.Empty(t, m.Stats().Viewers)
	require.ErrorIs(t, m.Serve(t.Context(), newWire()), live.ErrClosed)
	m.Close()
}
