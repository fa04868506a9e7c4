// Package producer uploads video of events to Kinesis Video Streams with
// PutMedia
// (https://docs.aws.amazon.com/kinesisvideostreams/latest/dg/API_dataplane_PutMedia.html),
// straight from a camera's ring and as it happens.
//
// A fragment counts as safe when the service has persisted it, and is sent
// again, on a new connection, until then; one that is persisted is never sent
// again. Nothing is copied aside for that: what is sent again comes from the
// ring, or from an older recording once the ring has dropped it. What an
// outage leaves behind is sent when nothing happens, the newest event first,
// and a state file carries it over a restart.
package producer

import (
	"context"
	"crypto/tls"
	"log/slog"
	"math"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"golang.org/x/time/rate"

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

	Older     Source // may be nil: what leaves the ring unsent is lost
	TLS       *tls.Config
	Held      Held      // may be nil: after a restart the state file is all that is known
	StateFile string    // events in work survive a restart in it; none when empty
	Gap       func(Gap) // told of video that is lost; may be nil; must not wait
	// BackfillRate bounds what is left of an outage, in bytes a second; 0 is as
	// fast as it goes. Events whose video arrives now are not bound by it.
	BackfillRate int

	ImagePrefix string // of the keys of pictures in S3, at most 256 bytes
	// Unkept says that the stream keeps nothing (retention 0), so that a
	// fragment is done with once it is received.
	Unkept bool

	Timing Timing
}

// Producer uploads the events of one camera. Its methods may be called from
// any goroutine.
type Producer struct {
	cfg     Config
	timing  Timing
	log     *slog.Logger
	tls     *tls.Config
	changed chan struct{} // the plan or the ledger has
	unsaved chan struct{} // something the state file has to know
	limiter *rate.Limiter // of the past; nil for none
	born    int64         // milliseconds since 1970

	// Of Run.
	buf    []byte
	starts []time.Time // of the newest fragments
	turns  turns
	unread struct { // of the older recording
		times int
		until time.Time
	}

	mu       sync.Mutex
	plan     plan
	ledger   ledger
	done     times           // that are safe, or of which there is no video
	taken    map[uint64]bool // GOPs of the ring that fragments have
	seen     *media.GOP      // the newest of the ring
	edge     int64           // where the ring begins, milliseconds since 1970
	oldest   uint64          // number of the ring's first GOP
	first    int64           // of all that was ever in the ring, likewise; 0 when not known
	late     []awaited
	unsure   bool // what the stream holds from before the restart
	paused   bool
	muted    bool          // the service did not take the sound
	trouble  string        // since the last fragment was persisted
	patience time.Duration // for the service's first word about a fragment
	stats    Stats
}

// New returns a producer that takes up what waited in the state file; Run
// does the work.
func New(cfg Config) *Producer {
	p := &Producer{
		cfg: cfg, timing: cfg.Timing.withDefaults(),
		log:     cfg.Log.With("camera", cfg.Camera, "stream", cfg.Stream),
		tls:     newTLS(cfg.TLS),
		changed: make(chan struct{}, 1), unsaved: make(chan struct{}, 1),
		limiter: newLimiter(cfg.BackfillRate),
		born:    time.Now().UnixMilli(), taken: make(map[uint64]bool), first: math.MaxInt64,
	}
	p.edge = p.born
	p.patience = p.timing.Stall
	p.stats.State = Idle
	p.restore()
	return p
}

// Begin has an event's video uploaded, from before it if the ring goes back
// that far. Told again it takes what is new. It fails with ErrEvent.
func (p *Producer) Begin(e Event) error {
	p.mu.Lock()
	dropped, err := p.plan.begin(e)
	p.mu.Unlock()
	if err != nil {
		return err
	}
	if dropped != "" {
		p.log.Warn("too many events wait for upload; the oldest is given up", "event", dropped)
	}
	p.dirty()
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
	p.dirty()
	p.wake()
	return ok
}

func (p *Producer) wake() {
	select {
	case p.changed <- struct{}{}:
	default:
	}
}
