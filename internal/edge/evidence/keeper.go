package evidence

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"porchlight/internal/config"
	"porchlight/internal/event"
	"porchlight/internal/kvs/producer"
	"porchlight/internal/media"
	"porchlight/internal/pipeline"
	"porchlight/internal/recording"
)

// Keeper keeps the evidence of one camera. Its methods may be called from any
// goroutine; those of a nil keeper do nothing, as there is none at a camera of
// which nothing is kept.
type Keeper struct {
	camera string
	locker *Locker
	log    *slog.Logger
	bus    *media.Bus
	ring   *media.Ring
	rec    *recording.Recorder // nil: nothing is recorded
	up     *producer.Producer  // nil: nothing is uploaded
	most   int64               // bytes uploaded a day; 0: no limit
	file   string              // of the note
	health health

	filling work // of the ring
	working work // of recorder, producer and clock

	mu      sync.Mutex
	desk    desk
	note    note
	noted   note   // as it is in the file
	counted int64  // bytes of the producer that the note has
	stream  string // what is wrong with the stream that is kept
	closed  bool
}

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
	k.filling.start(func(ctx context.Context) { k.ring.Follow(ctx, k.bus) })
	if k.up != nil {
		if k.desk.over {
			k.up.Pause()
		}
		k.working.startUpload(camera, k.up)
		k.working.start(k.prepare)
	}
	k.working.start(k.tick)
	if k.rec != nil {
		k.working.start(k.rec.Run)
	}
}

// Bus takes the camera's video, nil when nothing of it is kept.
func (k *Keeper) Bus() *media.Bus {
	if k == nil {
		return nil
	}
	return k.bus
}

// Plays says what the stream does that is kept, where that is not the one that
// is looked at.
func (k *Keeper) Plays(state event.CameraState, message string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.stream = ""
	if state == event.CameraFailed {
		k.stream = message
	}
}

// happens takes a state of an event and returns where its video is uploaded
// to, nil when it is not.
func (k *Keeper) happens(e event.Event) *event.Clip {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.closed {
		return nil
	}
	return k.desk.happens(e, k.locker.cfg.Now())
}

// View takes what the pipeline saw in a frame.
func (k *Keeper) View(v *pipeline.View) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.closed {
		k.desk.sees(v.Found, v.Frame.Time)
	}
}

// OnView is View, nil when nobody has to be told.
func (k *Keeper) OnView() func(*pipeline.View) {
	if k == nil || k.up == nil || len(k.desk.wishes.upload.Seen) == 0 {
		return nil
	}
	return k.View
}

// every is how often a keeper looks at the clock.
const every = time.Second

// tick does what time asks for until ctx ends.
func (k *Keeper) tick(ctx context.Context) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		now := k.locker.cfg.Now()
		stats := k.state()
		k.mu.Lock()
		before := k.desk.over
		over := k.over(stats.Upload.Bytes, now)
		k.desk.tick(now, over)
		k.keepNote(false)
		stats.Over, stats.Stream = over, k.stream
		k.mu.Unlock()
		if over != before {
			k.stopUpload(over)
		}
		if message, changed := k.health.judge(stats, now); changed {
			k.locker.cfg.Note(k.camera, message)
		}
	}
}

// over counts what the producer has uploaded by now, and tells whether it is
// all that may be uploaded today.
func (k *Keeper) over(sent int64, now time.Time) bool {
	today := k.note.spend(sent-k.counted, now)
	k.counted = sent
	return k.most > 0 && today >= k.most
}

// stopUpload stops uploading because the day's bytes are used up, or goes on.
func (k *Keeper) stopUpload(over bool) {
	if over {
		k.up.Pause()
		k.log.Warn("nothing more is uploaded today: upload.daily_bytes are used up; what happens stays on the disk", "daily_bytes", k.most)
		return
	}
	k.up.Resume()
	k.log.Info("video is uploaded again")
}

// noteEvery is how many bytes may be uploaded until they are noted.
const noteEvery = 1 << 20

// keepNote writes the note when enough of it is new.
func (k *Keeper) keepNote(all bool) {
	k.note.Manual = nil
	if m := k.desk.manual; m != nil {
		k.note.Manual = &manual{Begin: m.begin, Until: m.until}
	}
	same := k.note.Day == k.noted.Day && sameManual(k.note.Manual, k.noted.Manual)
	if same && (k.note.Bytes == k.noted.Bytes || !all && k.note.Bytes-k.noted.Bytes < noteEvery) {
		return
	}
	if err := k.note.write(k.file); err != nil {
		k.log.Warn("what was uploaded today is not noted and would count anew after a restart", "error", err)
	}
	k.noted = k.note
}

func sameManual(a, b *manual) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Until.Equal(b.Until)
}

// Close ends all that is kept of the camera, of which no more video comes. It
// waits a while for the last acknowledgements.
func (k *Keeper) Close() {
	if k == nil {
		return
	}
	k.filling.end()
	k.mu.Lock()
	k.closed = true
	k.desk.close(k.locker.cfg.Now())
	k.mu.Unlock()
	k.locker.leave(k)
	k.working.end()
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.up != nil {
		k.over(k.up.Stats().Bytes, k.locker.cfg.Now())
	}
	k.keepNote(true)
}
