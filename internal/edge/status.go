package edge

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"porchlight/internal/event"
)

// statusBoard knows how each camera is and tells the cloud, on every connect
// and on every change.
type statusBoard struct {
	thing, version string
	detector       event.Detector
	log            *slog.Logger
	changed        chan struct{}
	told           func(event.Status) // of every change, also while there is no session; nil: nobody

	mu      sync.Mutex
	session string // of the present MQTT session; empty before the first
	cameras map[string]event.CameraStatus
	notes   map[noteOf]string // what is missing while a camera runs
}

func newStatusBoard(thing, version string, detector event.Detector, log *slog.Logger) *statusBoard {
	return &statusBoard{
		thing: thing, version: version, detector: detector, log: log,
		changed: make(chan struct{}, 1), cameras: map[string]event.CameraStatus{}, notes: map[noteOf]string{},
	}
}

func (b *statusBoard) set(camera string, state event.CameraState, message string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	next := event.CameraStatus{Camera: camera, State: state, Message: clip(message)}
	if b.cameras[camera] == next {
		return
	}
	b.cameras[camera] = next
	b.wake()
}

// topic of a note: each has one about a camera.
type topic int

// The topics, the most important first.
const (
	aboutVideo topic = iota
	aboutLive
	topics
)

type noteOf struct {
	camera string
	about  topic
}

// note returns what says what is missing of a camera that runs; empty: nothing.
func (b *statusBoard) note(about topic) func(camera, message string) {
	return func(camera, message string) {
		b.mu.Lock()
		defer b.mu.Unlock()
		of := noteOf{camera, about}
		if b.notes[of] == message {
			return
		}
		b.notes[of] = message
		b.wake()
	}
}

// noted is all that is missing of a camera. It is called with mu held.
func (b *statusBoard) noted(camera string) string {
	var all []string
	for about := range topics {
		if message := b.notes[noteOf{camera, about}]; message != "" {
			all = append(all, message)
		}
	}
	return clip(strings.Join(all, "; "))
}

// blind returns a camera whose frames arrive and cannot be looked at, if there
// is one.
func (b *statusBoard) blind() (camera, message string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for id, status := range b.cameras {
		if status.State == event.CameraFailed && strings.HasPrefix(status.Message, "detect:") {
			return id, status.Message
		}
	}
	return "", ""
}

// keep forgets the cameras that are not to stay.
func (b *statusBoard) keep(stays func(camera string) bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for camera := range b.cameras {
		if !stays(camera) {
			delete(b.cameras, camera)
			maps.DeleteFunc(b.notes, func(of noteOf, _ string) bool { return of.camera == camera })
			b.wake()
		}
	}
}

// detect notes the detector in use.
func (b *statusBoard) detect(d event.Detector) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.detector = d
	b.wake()
}

// connected notes that a new session is up and has to be told everything.
func (b *statusBoard) connected(_ context.Context, session string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.session = session
	b.wake()
}

// will is what the broker publishes when the session breaks.
func (b *statusBoard) will(session string) (topic string, payload []byte) {
	return b.topic(), b.marshal(event.Status{State: event.Offline, Session: session, Version: b.version, At: event.At(time.Now())})
}

// run publishes the board whenever it changes, until ctx ends.
func (b *statusBoard) run(ctx context.Context, mqtt publisher) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-b.changed:
		}
		if b.told != nil {
			b.told(b.status(event.Online))
		}
		for payload := b.current(event.Online); payload != nil; payload = nil {
			if err := mqtt.Publish(ctx, b.topic(), payload); err != nil && ctx.Err() == nil {
				b.log.Warn("cannot publish status", "error", err)
				// The next session publishes it anew; within a session, try again.
				time.AfterFunc(5*time.Second, b.wake)
			}
		}
	}
}

// goodbye says offline before an orderly end, for then no will is published.
func (b *statusBoard) goodbye(ctx context.Context, mqtt publisher) {
	if payload := b.current(event.Offline); payload != nil {
		if err := mqtt.Publish(ctx, b.topic(), payload); err != nil {
			b.log.Warn("cannot publish that this device goes offline", "error", err)
		}
	}
}

// current returns the status to publish, or nil before the first session.
func (b *statusBoard) current(presence event.Presence) []byte {
	status := b.status(presence)
	if status.Session == "" {
		return nil
	}
	return b.marshal(status)
}

// status is what the board says now.
func (b *statusBoard) status(presence event.Presence) event.Status {
	b.mu.Lock()
	defer b.mu.Unlock()
	status := event.Status{
		State: presence, Session: b.session, Version: b.version, At: event.At(time.Now()),
	}
	if d := b.detector; d.Model != "" {
		status.Detector = &d
	}
	for _, c := range b.cameras {
		if c.State == event.CameraRunning && c.Message == "" {
			c.Message = b.noted(c.Camera)
		}
		status.Cameras = append(status.Cameras, c)
	}
	slices.SortFunc(status.Cameras, func(x, y event.CameraStatus) int { return strings.Compare(x.Camera, y.Camera) })
	return status
}

// marshal drops the messages when a gateway has so many cameras in trouble
// that they do not fit.
func (b *statusBoard) marshal(s event.Status) []byte {
	payload, err := s.Marshal()
	if err != nil {
		b.log.Warn("status is too large and goes without its messages", "error", err)
		for i := range s.Cameras {
			s.Cameras[i].Message = ""
		}
		if payload, err = s.Marshal(); err != nil {
			b.log.Error("cannot publish status", "error", err)
			return nil
		}
	}
	return payload
}

func (b *statusBoard) topic() string { return event.Topic(b.thing, event.ChannelStatus) }

func (b *statusBoard) wake() {
	select {
	case b.changed <- struct{}{}:
	default:
	}
}

// clip keeps a message within what a status has room for.
func clip(message string) string {
	const most = 240
	if r := []rune(message); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return message
}
