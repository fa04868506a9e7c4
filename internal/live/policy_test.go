package live

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/media"
)

func TestPolicy(t *testing.T) {
	stream := &media.Stream{Codec: media.H264}
	camera := glance{stream: stream, bits: 4e6, bytes: 500_000}
	sub := state{on: Sub, wish: Auto, canMain: true, canSub: true, main: camera, feedback: true, width: 5e6}
	main := sub
	main.on = Main
	with := func(s state, change func(s *state)) state { change(&s); return s }
	for name, c := range map[string]struct {
		s    state
		want move
	}{
		"wide enough":                    {sub, up},
		"very wide":                      {with(sub, func(s *state) { s.width = 100e6 }), jump},
		"very wide, but the GOP is long": {with(sub, func(s *state) { s.width = 13e6; s.main.bytes = 1 << 20 }), up},
		"too narrow":                     {with(sub, func(s *state) { s.width = 4.4e6 }), stay},
		"nothing known yet":              {with(sub, func(s *state) { s.feedback = false }), stay},
		"lossy":                          {with(sub, func(s *state) { s.loss = 0.05 }), stay},
		"a queue":                        {with(sub, func(s *state) { s.standing = 100 * time.Millisecond }), stay},
		"without feedback":               {with(sub, func(s *state) { s.feedback, s.none, s.width = false, true, 0 }), up},
		"without feedback, low estimate": {with(sub, func(s *state) { s.feedback, s.none, s.remb = false, true, 1e6 }), stay},
		"the viewer wants main":          {with(sub, func(s *state) { s.wish, s.width = Main, 1e6 }), jump},
		"the viewer wants sub":           {with(sub, func(s *state) { s.wish = Sub }), stay},
		"sub is gone":                    {with(sub, func(s *state) { s.canSub, s.width = false, 1e6 }), jump},
		"main cannot be shown":           {with(sub, func(s *state) { s.canMain = false }), stay},
		"main is silent":                 {with(sub, func(s *state) { s.main = glance{} }), stay},

		"main, all well":             {main, stay},
		"main, lossy":                {with(main, func(s *state) { s.loss = 0.2 }), down},
		"main, a queue":              {with(main, func(s *state) { s.standing = time.Second }), down},
		"main, low estimate":         {with(main, func(s *state) { s.remb = 2e6 }), down},
		"main, no sub":               {with(main, func(s *state) { s.loss, s.canSub = 0.2, false }), stay},
		"main, the viewer wants sub": {with(main, func(s *state) { s.wish = Sub }), down},
		"main, the viewer insists":   {with(main, func(s *state) { s.wish, s.loss = Main, 0.2 }), stay},
		"main breaks":                {with(main, func(s *state) { s.canMain = false }), down},
	} {
		now := time.Unix(1_790_000_000, 0)
		p := policy{since: now.Add(-10 * time.Second)}
		require.Equal(t, c.want, p.decide(c.s, now), name)
	}
}

// TestTrialsGetRarer: after each mistake the next trial is later, until main
// has been fine for a while.
func TestTrialsGetRarer(t *testing.T) {
	now := time.Unix(1_790_000_000, 0)
	var p policy
	sub := state{on: Sub, wish: Auto, canMain: true, canSub: true, main: glance{stream: &media.Stream{}, bits: 4e6}, feedback: true, width: 5e6}
	bad := sub
	bad.on, bad.standing = Main, time.Second
	var waits []time.Duration
	for range 6 {
		began := now
		for p.decide(sub, now) == stay {
			now = now.Add(tickEvery)
		}
		waits = append(waits, now.Sub(began).Round(time.Second))
		p.moved(now)
		require.Equal(t, stay, p.decide(bad, now), "not before it has settled")
		now = now.Add(settle)
		require.Equal(t, down, p.decide(bad, now))
		p.moved(now)
	}
	require.Equal(t, []time.Duration{0, 10 * time.Second, 20 * time.Second, 40 * time.Second, 80 * time.Second, 120 * time.Second}, waits)
	now = now.Add(longestRetry)
	p.moved(now)
	good := sub
	good.on = Main
	require.Equal(t, stay, p.decide(good, now.Add(provenAfter+time.Second)))
	require.Equal(t, down, p.decide(bad, now.Add(provenAfter+time.Second)))
	require.Equal(t, firstRetry, p.retry)
}

func TestHistory(t *testing.T) {
	var h history
	now := time.Unix(1_790_000_000, 0)
	_, ok := h.again(7, now)
	require.False(t, ok, "nothing sent")
	for n := range uint16(kept + 100) {
		h.add(packetAt{sequence: n + 65000, payload: []byte{byte(n)}})
	}
	last := uint16(65000 & 0xffff)
	last += kept + 99
	for range maxAgain {
		p, ok := h.again(last, now)
		require.True(t, ok)
		require.Equal(t, last, p.sequence)
		_, ok = h.again(last, now)
		require.False(t, ok, "just sent")
		now = now.Add(resendEvery)
	}
	_, ok = h.again(last, now)
	require.False(t, ok, "often enough")
	_, ok = h.again(last-kept, now)
	require.False(t, ok, "too old")
	_, ok = h.again(last+1, now)
	require.False(t, ok, "not sent yet")

	now = now.Add(time.Minute)
	sent := 0
	for n := range uint16(kept) {
		if _, ok := h.again(last-n, now); ok {
			sent++
		}
	}
	require.Equal(t, maxResendRate, sent)
}
