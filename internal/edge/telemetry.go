package edge

import (
	"context"
	"fmt"
	"maps"
	"os"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"time"

	"porchlight/internal/edge/disk"
	"porchlight/internal/edge/evidence"
	"porchlight/internal/edge/liveview"
	"porchlight/internal/edge/sensors"
	"porchlight/internal/event"
	"porchlight/internal/iot"
	"porchlight/internal/iot/spool"
	"porchlight/internal/pipeline"
)

// telemetryEvery is how often a device says how it fares. What could not be
// sent is not sent later: the next one says the same better.
const telemetryEvery = time.Minute

// tally counts for each camera. It is safe for concurrent use.
type tally struct {
	mu      sync.Mutex
	cameras map[string]event.CameraTelemetry // by id
}

func (t *tally) count(camera string, stats pipeline.Stats, fed, spared int64) {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.cameras == nil {
		t.cameras = map[string]event.CameraTelemetry{}
	}
	t.cameras[camera] = event.CameraTelemetry{
		Camera: camera, Frames: stats.Frames, Inferences: stats.Inferences, Events: stats.Events, Decoded: fed, Spared: spared,
	}
}

func (t *tally) forget(camera string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.cameras, camera)
}

func (t *tally) all() map[string]event.CameraTelemetry {
	t.mu.Lock()
	defer t.mu.Unlock()
	return maps.Clone(t.cameras)
}

// meter makes telemetry of what it reads; each reading is compared with the
// one before.
type meter struct {
	version, stateDir string
	tally             *tally
	spools            map[string]*spool.Spool
	session           func() iot.Stats // nil: the nucleus has the session
	sensors           func() []sensors.Status
	video             func() map[string]evidence.Stats // by camera; nil: none is kept
	live              func() map[string]liveview.Stats // by camera; nil: none is shown
	born              time.Time

	last    time.Time
	lastCPU time.Duration
	before  map[string]event.CameraTelemetry
}

func (m *meter) read(now time.Time) event.Telemetry {
	t := event.Telemetry{
		At: event.At(now), Version: m.version, Uptime: now.Sub(m.born).Seconds(), Memory: resident(),
		Goroutines: runtime.NumGoroutine(),
	}
	if free, err := disk.Free(m.stateDir); err == nil {
		t.DiskFree = free
	}
	passed, cpu := now.Sub(m.last).Seconds(), used()
	if passed > 0 && !m.last.IsZero() {
		t.CPU = (cpu - m.lastCPU).Seconds() / passed
	}
	for _, name := range slices.Sorted(maps.Keys(m.spools)) {
		s := m.spools[name].Stats()
		t.Spools = append(t.Spools, event.SpoolTelemetry{
			Name: name, Depth: s.Depth, Bytes: s.Bytes, InMemory: s.InMemory, Dropped: s.Dropped, SetAside: s.SetAside,
		})
	}
	if m.session != nil {
		s := m.session()
		t.Reconnects, t.Unheard = max(s.Connects-1, 0), s.Dropped
		if !s.CertificateExpires.IsZero() {
			expires := event.At(s.CertificateExpires)
			t.Certificate = &expires
		}
	}
	for _, s := range m.sensors() {
		sensor := event.SensorTelemetry{Sensor: s.Name, Available: s.Available}
		if !s.LastSeen.IsZero() {
			seen := event.At(s.LastSeen)
			sensor.Seen = &seen
		}
		t.Sensors = append(t.Sensors, sensor)
	}
	cameras, kept, shown := m.tally.all(), map[string]evidence.Stats{}, map[string]liveview.Stats{}
	if m.video != nil {
		kept = m.video()
	}
	if m.live != nil {
		shown = m.live()
	}
	for _, id := range slices.Sorted(maps.Keys(cameras)) {
		c := cameras[id]
		if frames := c.Frames - m.before[id].Frames; passed > 0 && frames >= 0 && !m.last.IsZero() {
			c.FPS = float64(frames) / passed
		}
		if v, ok := kept[id]; ok {
			c.Video = v.Telemetry()
		}
		if l, ok := shown[id]; ok {
			c.Live = l.Telemetry()
		}
		t.Cameras = append(t.Cameras, c)
	}
	m.last, m.lastCPU, m.before = now, cpu, cameras
	return t
}

// telemetry says every so often how the device fares, until ctx ends.
func (r *rooms) telemetry(ctx context.Context) {
	topic, log := event.Topic(r.cfg.Thing, event.ChannelTelemetry), r.agent.Log
	m := &meter{
		version: r.agent.Version, stateDir: r.cfg.StateDir, tally: r.tally, session: r.link.stats,
		sensors: r.gateway.Sensors, video: r.locker.All, live: r.studio.All, born: time.Now(),
		spools: map[string]*spool.Spool{"events": r.up.events, "thumbnails": r.up.thumbnails},
	}
	m.read(time.Now())
	ticker := time.NewTicker(telemetryEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-ticker.C:
			payload, err := m.read(now).Marshal()
			if err == nil {
				patience, cancel := context.WithTimeout(ctx, telemetryEvery/2)
				err = r.link.Publish(patience, topic, payload)
				cancel()
			}
			if err != nil && ctx.Err() == nil {
				log.Debug("no telemetry went out this time", "error", err)
			}
		}
	}
}

// used is the CPU time of the process and of its children that have ended.
func used() (total time.Duration) {
	for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
		var u syscall.Rusage
		if syscall.Getrusage(who, &u) == nil {
			total += time.Duration(u.Utime.Nano() + u.Stime.Nano())
		}
	}
	return total
}

// resident is the process' memory in bytes, 0 when not known.
func resident() int64 {
	data, err := os.ReadFile("/proc/self/statm") // proc(5)
	if err != nil {
		return 0
	}
	var size, pages int64
	if n, _ := fmt.Sscan(string(data), &size, &pages); n != 2 {
		return 0
	}
	return pages * int64(os.Getpagesize())
}
