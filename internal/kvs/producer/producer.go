// Package producer uploads video of events to Kinesis Video Streams with
// PutMedia
// (https://docs.aws.amazon.com/kinesisvideostreams/latest/dg/API_dataplane_PutMedia.html),
// straight from a camera's ring and as it happens.
//
// A fragment counts as safe when the service has persisted it, and is sent
// again, on a new connection, until then; one that is persisted is never sent
// again. Nothing is copied aside for that: what is sent again comes from the
// ring, or from an older recording once the ring has dropped it.
package producer

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"porchlight/internal/media"
)

// Endpoints knows where to upload to. Streams is one.
type Endpoints interface {
	// Endpoint returns the base URL for PutMedia. renew asks the service again
	// instead of remembering.
	Endpoint(ctx context.Context, stream string, renew bool) (string, error)
}

// Source gives back video that the ring has dropped, such as the recording on
// this machine's disk.
type Source interface {
	// GOP returns the first whole GOP that starts in from <= start < before, in
	// milliseconds since 1970 as in the ring, and io.EOF when there is none.
	GOP(ctx context.Context, from, before int64) (*media.GOP, error)
}

// Config describes one camera's upload. Those below Log have defaults.
type Config struct {
	Camera      string // id, for logs
	Stream      string // name of the Kinesis video stream
	Region      string
	Ring        *media.Ring
	Endpoints   Endpoints
	Credentials aws.CredentialsProvider // asked before every connection; Invalidate is called if it has that
	Log         *slog.Logger

	Older       Source // may be nil: what leaves the ring unsent is lost
	TLS         *tls.Config
	ImagePrefix string // of the keys of pictures in S3, at most 256 bytes
	// Unkept says that the stream keeps nothing (retention 0), so that a
	// fragment is done with once it is received.
	Unkept bool

	Timing Timing
}

// Timing are the durations of a producer. Zero ones have defaults, which suit
// the limits of the service
// (https://docs.aws.amazon.com/kinesisvideostreams/latest/dg/limits.html).
type Timing struct {
	Shortest   time.Duration // a fragment; shorter GOPs are joined; 1 s
	Connection time.Duration // is replaced after this; 38 min, as the service ends it at about 45
	Linger     time.Duration // the connection waits this long for the next event; 15 s
	Stall      time.Duration // without progress the connection is dead; 4 s
	Persist    time.Duration // from the end of a fragment; 30 s
	Silence    time.Duration // a camera without packets ends its fragment after this; 10 s
	Tail       time.Duration // an event's last GOP is sent this far beyond its end; 3 s
	Grace      time.Duration // an event that has ended can still be extended; 10 s
	Finish     time.Duration // waiting for the last acknowledgements; 10 s
	RetryMin   time.Duration // 250 ms
	RetryMax   time.Duration // 30 s
	RetrySlow  time.Duration // for what only a person can cure; 1 min
	Pace       time.Duration // in which at most maxBurst fragments begin; 1 s
}

// maxBurst is how many fragments may begin in Timing.Pace.
const maxBurst = 5

func (t Timing) withDefaults() Timing {
	return Timing{
		Shortest:   cmp.Or(t.Shortest, time.Second),
		Connection: cmp.Or(t.Connection, 38*time.Minute),
		Linger:     cmp.Or(t.Linger, 15*time.Second),
		Stall:      cmp.Or(t.Stall, 4*time.Second),
		Persist:    cmp.Or(t.Persist, 30*time.Second),
		Silence:    cmp.Or(t.Silence, 10*time.Second),
		Tail:       cmp.Or(t.Tail, 3*time.Second),
		Grace:      cmp.Or(t.Grace, 10*time.Second),
		Finish:     cmp.Or(t.Finish, 10*time.Second),
		RetryMin:   cmp.Or(t.RetryMin, 250*time.Millisecond),
		RetryMax:   cmp.Or(t.RetryMax, 30*time.Second),
		RetrySlow:  cmp.Or(t.RetrySlow, time.Minute),
		Pace:       cmp.Or(t.Pace, time.Second),
	}
}

// Producer uploads the events of one camera. Its methods may be called from
// any goroutine.
type Producer struct {
	cfg     Config
	timing  Timing
	log     *slog.Logger
	tls     *tls.Config
	changed chan struct{} // the plan or the ledger has
	buf     []byte        // of Run
	starts  []time.Time   // of the newest fragments, of Run

	mu       sync.Mutex
	plan     plan
	ledger   ledger
	cursor   cursor
	asked    int64         // up to when the older recording has nothing more, milliseconds since 1970
	muted    bool          // the service did not take the sound
	trouble  string        // since the last fragment was persisted
	patience time.Duration // for the service's first word about a fragment
	stats    Stats
}

// New returns a producer; Run does the work.
func New(cfg Config) *Producer {
	p := &Producer{
		cfg: cfg, timing: cfg.Timing.withDefaults(),
		log:     cfg.Log.With("camera", cfg.Camera, "stream", cfg.Stream),
		tls:     newTLS(cfg.TLS),
		changed: make(chan struct{}, 1),
	}
	p.patience = p.timing.Stall
	p.stats.State = Idle
	return p
}

// Begin has an event's video uploaded, from before it if the ring goes back
// that far. Told again it takes what is new. It fails with ErrEvent.
func (p *Producer) Begin(e Event) error {
	p.mu.Lock()
	dropped, err := p.plan.begin(e)
	p.asked = min(p.asked, e.From.UnixMilli()-1)
	p.mu.Unlock()
	if err != nil {
		return err
	}
	if dropped != "" {
		p.log.Warn("too many events wait for upload; the oldest is given up", "event", dropped)
	}
	p.wake()
	return nil
}

// Extend moves an event's end later, be it over already: what has come since
// is then uploaded too. It reports whether the event is known; it is forgotten
// a while after it has ended.
func (p *Producer) Extend(id string, until time.Time) bool { return p.move(id, until, true) }

// End sets an event's end, be it earlier than foreseen.
func (p *Producer) End(id string, at time.Time) bool { return p.move(id, at, false) }

func (p *Producer) move(id string, until time.Time, later bool) bool {
	p.mu.Lock()
	ok := p.plan.move(id, until.UnixMilli(), later)
	p.mu.Unlock()
	p.wake()
	return ok
}

func (p *Producer) wake() {
	select {
	case p.changed <- struct{}{}:
	default:
	}
}

// Run uploads until ctx ends, then completes the fragment under way.
func (p *Producer) Run(ctx context.Context) error {
	watch := p.cfg.Ring.Watch()
	defer watch.Close()
	retry := backoff{min: p.timing.RetryMin, max: p.timing.RetryMax}
	renewEndpoint, refused := false, 0
	for ctx.Err() == nil {
		f, g := p.pick(ctx, 0)
		if f == nil {
			p.setState(Idle, nil)
			select {
			case <-ctx.Done():
			case <-watch.C:
			case <-p.changed:
			}
			continue
		}
		began := time.Now()
		c, err := p.upload(ctx, watch, f, g, renewEndpoint)
		if err == nil || ctx.Err() != nil {
			retry.reset()
			continue
		}
		renewEndpoint = c == nil || !c.answered()
		served := c != nil && (c.persisted.Load() || c.answered() && time.Since(began) > time.Second)
		if served {
			retry.reset()
			refused = 0
		}
		wait, grave := time.Duration(0), false
		switch r := reactionTo(err); {
		case r == reauthorize:
			if i, ok := p.cfg.Credentials.(interface{ Invalidate() }); ok {
				i.Invalidate()
			}
			refused++
			grave = refused > 1
		case r == slow:
			grave = true
		}
		switch {
		case grave:
			wait = jitter(p.timing.RetrySlow)
		case !served:
			wait = retry.delay()
		}
		p.retry(ctx, err, wait, grave)
	}
	return nil
}

// retry says what went wrong, once while it stays the same, and waits.
func (p *Producer) retry(ctx context.Context, err error, wait time.Duration, grave bool) {
	state := Waiting
	if grave {
		state = Faulty
	}
	p.setState(state, err)
	p.mu.Lock()
	p.stats.Retries++
	known := p.trouble == err.Error()
	p.trouble = err.Error()
	p.mu.Unlock()
	log := p.log.With("error", err, "in", wait.Round(time.Millisecond).String())
	switch {
	case known:
		log.Debug("upload is tried again")
	case grave:
		log.Error("upload has to wait for help")
	case errors.Is(err, ErrRefused), errors.Is(err, ErrRequest):
		log.Warn("upload is tried again")
	default:
		log.Info("upload is tried again") // networks come and go
	}
	if wait > 0 {
		pause(ctx, wait)
	}
}
