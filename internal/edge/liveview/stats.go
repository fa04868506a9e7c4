package liveview

import (
	"slices"
	"sync"
	"time"

	"porchlight/internal/event"
	"porchlight/internal/kvs/signaling"
	"porchlight/internal/live"
)

// Stats is how the live view of a camera fares.
type Stats struct {
	Signaling signaling.Stats
	Live      live.Stats
	Join      live.Join // half of the newest viewers were there sooner, phase by phase; zero: nobody was
}

// Stats returns how the camera's live view fares.
func (w *Show) Stats() Stats {
	if w == nil {
		return Stats{}
	}
	s := Stats{Signaling: w.line.Stats(), Live: w.master.Stats()}
	s.Join = w.joins.median(s.Live.Viewers)
	return s
}

// Telemetry is what is said of it to the cloud.
func (s Stats) Telemetry() *event.LiveTelemetry {
	t := &event.LiveTelemetry{
		Signaling: string(s.Signaling.State), Viewers: len(s.Live.Viewers),
		Joined: s.Live.Joined, Refused: s.Live.Refused, Dropped: s.Live.Dropped,
	}
	for _, v := range s.Live.Viewers {
		t.Bits += int64(v.Bits)
		t.Loss = max(t.Loss, v.Loss)
		t.RTT = max(t.RTT, v.RTT.Milliseconds())
	}
	if s.Join != (live.Join{}) {
		t.Join = &event.JoinTelemetry{
			Answered: s.Join.Answered.Milliseconds(), Connected: s.Join.DTLS.Milliseconds(), Picture: s.Join.Keyframe.Milliseconds(),
		}
	}
	return t
}

// mostJoins is how many viewers the medians are of.
const mostJoins = 20

// joins remembers how long viewers that have left had taken to join. It is
// safe for concurrent use.
type joins struct {
	mu   sync.Mutex
	last []live.Join // newest last
}

func (j *joins) left(v live.ViewerStats) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.last = append(j.last, v.Join)
	j.last = j.last[max(0, len(j.last)-mostJoins):]
}

// median is that of the newest viewers, those that watch among them. Phases
// that a viewer has not reached do not count.
func (j *joins) median(watching []live.ViewerStats) live.Join {
	j.mu.Lock()
	all := slices.Clone(j.last)
	j.mu.Unlock()
	for _, v := range watching {
		all = append(all, v.Join)
	}
	all = all[max(0, len(all)-mostJoins):]
	phase := func(of func(live.Join) time.Duration) time.Duration {
		var times []time.Duration
		for _, one := range all {
			if d := of(one); d > 0 {
				times = append(times, d)
			}
		}
		if len(times) == 0 {
			return 0
		}
		slices.Sort(times)
		return times[len(times)/2]
	}
	return live.Join{
		Answered: phase(func(j live.Join) time.Duration { return j.Answered }),
		ICE:      phase(func(j live.Join) time.Duration { return j.ICE }),
		DTLS:     phase(func(j live.Join) time.Duration { return j.DTLS }),
		FirstRTP: phase(func(j live.Join) time.Duration { return j.FirstRTP }),
		Keyframe: phase(func(j live.Join) time.Duration { return j.Keyframe }),
	}
}
