package edge

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"porchlight/internal/config"
	"porchlight/internal/event"
	"porchlight/internal/iot/spool"
)

// uplink takes events and thumbnails to the cloud through two spools, so that
// a slow upload of a picture never holds up an event.
type uplink struct {
	thing      string
	events     *spool.Spool
	thumbnails *spool.Spool
	open       *openEvents
	log        *slog.Logger
	onEvent    func(event.Event)
	told       func(e event.Event, thumbnail []byte) // for the home; nil: nobody
	pictured   sync.Map                              // by camera: the event that has a thumbnail
}

// publisher sends an MQTT message and returns once it is acknowledged.
type publisher interface {
	Publish(ctx context.Context, topic string, payload []byte) error
}

// uploader puts one object where thumbnails are kept.
type uploader interface {
	Upload(ctx context.Context, key string, jpeg []byte) error
}

func openUplink(cfg *config.Config, log *slog.Logger, onEvent func(event.Event)) (*uplink, error) {
	open := func(name string) (*spool.Spool, error) {
		return spool.Open(spool.Config{
			Path:     filepath.Join(cfg.StateDir, name),
			MaxBytes: cfg.Spool.MaxBytes / 2, MaxAge: cfg.Spool.MaxAge, Log: log,
		})
	}
	events, err := open("events.spool")
	if err != nil {
		return nil, err
	}
	thumbnails, err := open("thumbnails.spool")
	if err != nil {
		return nil, errors.Join(err, events.Close())
	}
	return &uplink{
		thing: cfg.Thing, events: events, thumbnails: thumbnails,
		open: &openEvents{dir: filepath.Join(cfg.StateDir, "open")}, log: log, onEvent: onEvent,
	}, nil
}

func (u *uplink) close() error { return errors.Join(u.events.Close(), u.thumbnails.Close()) }

// Publish implements pipeline.Sink. It returns once both are on disk, or in
// memory when the disk is full, which is logged and not an error of the event.
func (u *uplink) Publish(_ context.Context, e event.Event, thumbnail []byte) error {
	key := ThumbnailKey(u.thing, e.Camera, e.EventID)
	if thumbnail != nil {
		u.pictured.Store(e.Camera, e.EventID)
	}
	if of, _ := u.pictured.Load(e.Camera); of == e.EventID {
		e.ThumbnailKey = key
	}
	log := u.log.With("camera", e.Camera, "event", e.EventID)
	payload, err := e.Marshal()
	if err != nil {
		return err
	}
	if thumbnail != nil {
		if err := u.thumbnails.Put(key, thumbnail); err != nil {
			log.Error("thumbnail is not on disk", "error", err)
		}
	}
	// The note of an open event goes before each of its states and is removed
	// after the last: whenever the power goes, the note's sequence is at least
	// the one sent, so that the end made from it counts.
	note := func() {
		if err := u.open.keep(e); err != nil {
			log.Warn("cannot note which event is open; after a power cut it would stay open", "error", err)
		}
	}
	if e.State != event.Ended {
		note()
	}
	if err := u.events.Put(event.Topic(u.thing, event.ChannelEvents), payload); err != nil {
		if errors.Is(err, spool.ErrClosed) {
			return err
		}
		log.Error("event is not on disk", "error", err)
	}
	if e.State == event.Ended {
		note()
	}
	log.Info("event", "state", e.State, "sequence", e.Sequence, "labels", e.Labels, "score", e.Score)
	if u.onEvent != nil {
		u.onEvent(e)
	}
	if u.told != nil {
		u.told(e, thumbnail)
	}
	return nil
}

// Put queues a message behind the events, for the other rooms of the device.
func (u *uplink) Put(topic string, payload []byte) error { return u.events.Put(topic, payload) }

// ThumbnailKey is the S3 key of an event's thumbnail. The thing comes first,
// because a thing's role may write below its own name only.
func ThumbnailKey(thing, camera, eventID string) string {
	return fmt.Sprintf("thumbnails/%s/%s/%s.jpg", thing, camera, eventID)
}

// leftovers returns, by camera, the events that were open when the process
// last died and whose cameras go on; it ends the others.
func (u *uplink) leftovers(ctx context.Context, cfg *config.Config) (map[string]*event.Event, error) {
	left, err := u.open.list()
	going := map[string]*event.Event{}
	for _, e := range left {
		if _, name, bad := event.SplitCamera(e.Camera); bad == nil {
			if camera, exists := cfg.Cameras[name]; exists && !camera.Privacy {
				if e.ThumbnailKey != "" {
					u.pictured.Store(e.Camera, e.EventID)
				}
				going[e.Camera] = &e
				continue
			}
		}
		end := e.UpdatedAt
		e.State, e.EndedAt = event.Ended, &end
		e.Sequence++
		err = errors.Join(err, u.Publish(ctx, e, nil))
	}
	return going, err
}

// depth is how much waits to be sent.
func (u *uplink) depth() int { return u.events.Stats().Depth + u.thumbnails.Stats().Depth }

// run sends what is spooled until ctx ends.
func (u *uplink) run(ctx context.Context, mqtt publisher, objects uploader) {
	var draining sync.WaitGroup
	draining.Go(func() {
		keepDraining(ctx, u.thumbnails, func(ctx context.Context, r spool.Record) error {
			return objects.Upload(ctx, r.Name, r.Payload)
		}, u.log)
	})
	draining.Go(func() {
		keepDraining(ctx, u.events, func(ctx context.Context, r spool.Record) error {
			return mqtt.Publish(ctx, r.Name, r.Payload)
		}, u.log)
	})
	draining.Wait()
}

// keepDraining drains a spool until ctx ends or it is closed, whatever becomes
// of its file meanwhile.
func keepDraining(ctx context.Context, s *spool.Spool, send func(context.Context, spool.Record) error, log *slog.Logger) {
	for ctx.Err() == nil {
		err := s.Drain(ctx, send)
		if ctx.Err() != nil || errors.Is(err, spool.ErrClosed) {
			return
		}
		log.Error("spool stopped, will try again", "error", err)
		select {
		case <-ctx.Done():
		case <-time.After(5 * time.Second):
		}
	}
}
