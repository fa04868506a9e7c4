// Package pipeline turns the frames of one camera into events: motion decides
// when and where to look, a detector looks at those regions, a tracker
// follows, and the event recorder decides what a person would call one
// happening.
//
// It is pure Go. The detectors, which are not, come in through interfaces.
package pipeline

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"porchlight/internal/config"
	"porchlight/internal/event"
	"porchlight/internal/face"
	"porchlight/internal/motion"
	"porchlight/internal/privacy"
	"porchlight/internal/region"
	"porchlight/internal/track"
)

// Detector finds objects in a picture. It is called from one goroutine at a time.
type Detector interface {
	Detect(ctx context.Context, f *event.Frame) ([]event.Detection, error)
}

// FaceDetector finds faces in a picture of a person. Like Detector it is
// called from one goroutine at a time.
type FaceDetector interface {
	Faces(ctx context.Context, f *event.Frame) ([]face.Face, error)
}

// Identifier says whose face a crop shows: the name of an enrolled person, or
// none, and the distance to the nearest. It must not take long.
type Identifier interface {
	Identify(ctx context.Context, crop face.Crop) (name string, distance float64, err error)
}

// WeakScore is the score from which a Detector should report: what scores less
// than Config.MinScore may still continue a track.
const WeakScore = 0.2

// Sink takes what the pipeline has to say. Publish gets each state of each
// event in order, and a JPEG when there is a new best picture.
type Sink interface {
	Publish(ctx context.Context, e event.Event, thumbnail []byte) error
}

// Config of one camera's pipeline. Camera, Settings, Detector, Sink and Log are required.
type Config struct {
	Camera    string        // <thing>.<name>
	Settings  config.Camera // the owner's wishes; Source, FPS and MaxWidth are the capture's
	Detector  Detector
	Input     int          // side of the detector's input in pixels; 0: 416
	Faces     FaceDetector // nil: no faces are looked for
	Identify  Identifier   // nil: faces stay without a name
	Sink      Sink
	Model     string       // named in every event
	MinScore  float64      // from here on a detection counts, where Settings say nothing else; weaker ones only continue a track
	StateFile string       // what must survive a restart; empty: nothing does
	Resume    *event.Event // was open when the process last died; nil: none
	OnView    func(*View)  // nil: nobody watches
	Log       *slog.Logger
}

// Stats counts what a pipeline has done.
type Stats struct {
	Frames     int64
	Looks      int64 // frames in which the detector looked
	Inferences int64 // regions at which it looked
	Events     int64
}

// Pipeline of one camera. It is used by one goroutine at a time.
type Pipeline struct {
	cfg      Config
	privacy  *privacy.Mask
	motion   *motion.Detector
	ghosts   ghosts
	look     *looker
	filter   *filter
	tracker  *track.Tracker
	activity *activity
	faces    *faceWatch
	zones    *zoneWatch
	things   *thingsWatch
	recorder *recorder
	state    stateFile
	stats    Stats
	last     time.Time // of the newest frame

	facesFault time.Time // when a fault of the faces was last logged
}

// faultEvery is how often a fault that does not end anything is logged.
const faultEvery = time.Minute

// New returns a pipeline that goes on from its state file, or has seen nothing
// yet. A state file that cannot be used is logged and replaced.
func New(cfg Config) *Pipeline {
	s := cfg.Settings
	p := &Pipeline{
		cfg:      cfg,
		privacy:  privacy.New(s.PrivacyMasks),
		motion:   motion.New(motion.Config{Threshold: s.Motion.Threshold, MinArea: s.Motion.MinArea, Masks: s.Motion.Masks}),
		filter:   &filter{settings: s, minScore: cfg.MinScore},
		tracker:  track.New(trackConfig(cfg)),
		recorder: newRecorder(cfg),
		state:    stateFile{path: cfg.StateFile},
	}
	p.begin(p.restore())
	return p
}

func trackConfig(cfg Config) track.Config {
	c := track.Config{Confident: cfg.MinScore, ConfidentOf: map[string]float64{}}
	for label, o := range cfg.Settings.Objects {
		if o.MinScore > 0 {
			c.ConfidentOf[label] = o.MinScore
		}
	}
	return c
}

// Handle looks at one frame. A frame that is a little older than the last is
// taken for one of the same time; if it is older by seconds, the clock has been
// set back, and the open event ends. An error of the detector or the sink is
// returned; the pipeline can go on after it. One of the faces is only logged:
// the camera sees without them.
func (p *Pipeline) Handle(ctx context.Context, f *event.Frame) error {
	p.stats.Frames++
	f, fault := p.inTime(ctx, f)
	v := &View{}
	var clock stopwatch
	clock.time(&v.Took.Privacy, func() { v.Frame = p.privacy.Apply(f) })
	clock.time(&v.Took.Motion, func() {
		v.Motion = p.motion.Observe(v.Frame)
		v.Motion.Boxes = p.ghosts.moving(f.Time, v.Motion.Boxes)
	})
	fault = errors.Join(fault, p.see(ctx, v))
	// Also after a fault: an open event must end in its time.
	var news []news
	clock.time(&v.Took.Events, func() { news = p.record(v) })
	v.Open = p.recorder.current()
	fault = errors.Join(fault, p.publish(ctx, news))
	if p.cfg.OnView != nil {
		p.cfg.OnView(v)
	}
	if len(news) > 0 || p.state.due(f.Time) {
		p.save(f.Time)
	}
	return fault
}

// see runs the detector on the regions of this frame, if there are any, and
// tells the tracker what it found.
func (p *Pipeline) see(ctx context.Context, v *View) error {
	f := v.Frame
	if !f.Whole() {
		v.Tracks = unseen(p.tracker.Predict(f.Time))
		return fmt.Errorf("frame of %dx%d pixels has %d bytes", f.Width, f.Height, len(f.Pix))
	}
	var clock stopwatch
	var regions []region.Region
	clock.time(&v.Took.Regions, func() { regions = p.look.regions(v, p.tracker.Predict(f.Time), p.recorder.open != nil) })
	if len(regions) == 0 {
		v.Tracks = unseen(p.tracker.Predict(f.Time))
		return nil
	}
	p.stats.Looks++
	var looks []region.Look
	var fault error
	clock.time(&v.Took.Detect, func() {
		for _, r := range regions {
			p.stats.Inferences++
			found, err := p.cfg.Detector.Detect(ctx, region.Crop(f, r))
			if err != nil {
				fault = fmt.Errorf("detect: %w", err)
				return
			}
			p.filter.rename(found)
			looks = append(looks, region.Look{Region: r, Found: found})
			v.Regions = append(v.Regions, r.Box(f.Width, f.Height))
		}
	})
	if fault != nil {
		v.Tracks = unseen(p.tracker.Predict(f.Time))
		return fault
	}
	clock.time(&v.Took.Track, func() {
		v.Found, v.Ignored = p.filter.sort(region.Merge(f.Width, f.Height, looks))
		v.Tracks = p.tracker.Update(track.Sight{Frame: f, Looked: v.Regions, Found: v.Found})
		p.look.learn(f.Time, v)
	})
	clock.time(&v.Took.Faces, func() { v.Faces, fault = p.faces.observe(ctx, f, v.Tracks) })
	if fault != nil && ctx.Err() == nil && f.Time.Sub(p.facesFault) >= faultEvery {
		p.facesFault = f.Time
		p.cfg.Log.Warn("a face cannot be looked at; events go on without", "camera", p.cfg.Camera, "error", fault)
	}
	return nil
}

func unseen(tracks []track.Track) []track.Track {
	for i := range tracks {
		tracks[i].Seen = false
	}
	return tracks
}

// record tells the recorder what happens in this frame and returns what is to
// be published.
func (p *Pipeline) record(v *View) []news {
	p.zones.observe(v.Frame.Time, v.Tracks)
	return p.recorder.observe(moment{
		view: v, active: p.activity.observe(v), zones: p.zones.of, name: p.faces.name,
		changes: p.things.observe(v, p.tracker.Changes()), pending: p.things.pending(),
	})
}

// Close ends the event that is open, if one is, and keeps what must survive a restart.
func (p *Pipeline) Close(ctx context.Context) error {
	fault := p.publish(ctx, p.recorder.close(p.last))
	p.save(p.last)
	return fault
}

// Stats returns what has been done so far.
func (p *Pipeline) Stats() Stats { return p.stats }

// Busy tells whether every picture of the source is wanted: something moves,
// or an object is being followed. Otherwise keyframes will do.
func (p *Pipeline) Busy() bool { return p.look.busy(p.last) }

// publish says all there is to say: an event without its picture is better
// than none.
func (p *Pipeline) publish(ctx context.Context, news []news) (faults error) {
	for _, n := range news {
		if n.event.State == event.Started {
			p.stats.Events++
		}
		var thumbnail []byte
		if n.picture != nil {
			var err error
			if thumbnail, err = Thumbnail(n.picture); err != nil {
				faults = errors.Join(faults, fmt.Errorf("thumbnail of event %s: %w", n.event.EventID, err))
			}
		}
		if err := p.cfg.Sink.Publish(ctx, n.event, thumbnail); err != nil {
			faults = errors.Join(faults, fmt.Errorf("publish event %s: %w", n.event.EventID, err))
		}
	}
	return faults
}

// stopwatch times the stages.
type stopwatch struct{}

func (stopwatch) time(into *time.Duration, stage func()) {
	began := time.Now()
	stage()
	*into = time.Since(began)
}
