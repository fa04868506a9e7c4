package evidence

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"porchlight/internal/config"
	"porchlight/internal/event"
	"porchlight/internal/kvs/producer"
	"porchlight/internal/media"
	"porchlight/internal/recording"
)

// preMemory is how much more of a camera's video is in memory than what is
// kept from before an event: an event is known a while after its start.
const preMemory = 10 * time.Second

// Keep begins to keep the evidence of a camera, with the event of it that was
// open when the process last died, if there was one. It returns nil when
// nothing of the camera is kept. When ctx ends with ErrPrivate as its cause,
// uploading stops at once. Close has to be called in any case.
func (l *Locker) Keep(ctx context.Context, camera string, settings config.Camera, resume *event.Event) *Keeper {
	if l == nil {
		return nil
	}
	log := l.cfg.Log.With("camera", camera)
	records, missing := l.admit(camera, settings.Record)
	uploads := settings.Upload.Uploads() && l.streams != nil
	l.cfg.Note(camera, missing)
	if !records && !uploads {
		return nil
	}
	k := &Keeper{
		camera: camera, locker: l, log: log, bus: &media.Bus{}, most: settings.Upload.DailyBytes,
		file:   filepath.Join(l.cfg.Config.StateDir, "evidence", camera+".json"),
		ring:   media.NewRing(media.RingConfig{Keep: settings.Record.PreRoll + preMemory, Log: log}),
		health: health{always: missing, message: missing},
	}
	k.desk = desk{
		camera: camera, pre: settings.Record.PreRoll, post: settings.Record.PostRoll, wishes: newWishes(settings.Upload),
		flowing: func() bool { return k.ring.Stats().GOPs > 0 }, log: log, open: map[string]*stretch{},
	}
	if records {
		k.record(settings.Record)
	}
	if uploads {
		k.upload(settings.Upload)
	}
	k.run(ctx, resume)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.keepers[camera] = k
	return k
}

// admit tells whether a camera is recorded, or why not although it should be.
func (l *Locker) admit(camera string, settings config.Record) (records bool, missing string) {
	if l.library == nil {
		if settings.Records() {
			missing = fmt.Sprintf("video is not recorded: %v", l.broken)
		}
		return false, missing
	}
	if err := l.library.SetLimits(camera, limits(settings)); err != nil {
		return false, fmt.Sprintf("video is not recorded: %v", err)
	}
	return settings.Records(), ""
}

// record makes the recorder.
func (k *Keeper) record(settings config.Record) {
	mode := recording.Events
	if settings.Mode == config.VideoContinuous {
		mode = recording.Always
	}
	rec, err := recording.New(recording.Config{
		Camera: k.camera, Ring: k.ring, Library: k.locker.library, Log: k.locker.cfg.Log,
		Mode: mode, PreRoll: settings.PreRoll, PostRoll: settings.PostRoll,
	})
	if err != nil {
		k.log.Error("no video of this camera is recorded", "error", err)
		return
	}
	k.rec, k.desk.disk = rec, rec
}

// upload makes the producer.
func (k *Keeper) upload(settings config.Upload) {
	l := k.locker
	cfg := producer.Config{
		Camera: k.camera, Stream: k.camera, Region: l.cfg.Config.Cloud.Region, Ring: k.ring, Endpoints: l.streams,
		Credentials: l.credentials, Log: l.cfg.Log, ImagePrefix: ImagePrefix(l.cfg.Config.Thing),
		Unkept: l.cfg.Config.Video.Retention == 0, BackfillRate: int(settings.BackfillRate), Timing: l.cfg.Timing,
		StateFile: filepath.Join(l.cfg.Config.StateDir, "uploads", k.camera+".json"), Held: l.archive,
	}
	if cfg.Timing.Finish == 0 {
		cfg.Timing.Finish = lastAcknowledgements
	}
	if l.library != nil {
		cfg.Older = l.library.Source(k.camera)
	}
	k.up = producer.New(cfg)
	k.desk.cloud = k.up
}

// lastAcknowledgements is how long the end of a camera waits for them.
const lastAcknowledgements = 5 * time.Second

// run starts all that works in the background.
func (k *Keeper) run(camera context.Context, resume *event.Event) {
	now := k.locker.cfg.Now()
	n, err := readNote(k.file)
	if err != nil {
		k.log.Warn("what was uploaded today is not known and counts anew", "error", err)
	}
	k.note, k.noted = n, n
	k.desk.over = k.over(0, now)
	if resume != nil {
		k.desk.resume(*resume, now)
	}
	k.desk.remember(k.note.Manual, now)
	ctx := context.WithoutCancel(camera) // until Close
	k.filling.start(ctx, func(ctx context.Context) { k.ring.Follow(ctx, k.bus) })
	if k.up != nil {
		if k.desk.over {
			k.up.Pause()
		}
		k.working.startUpload(camera, k.up)
		k.working.start(ctx, k.prepare)
	}
	k.working.start(ctx, k.tick)
	if k.rec != nil {
		k.working.start(ctx, k.rec.Run)
	}
}
