package live

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v4"

	"porchlight/internal/media"
)

// maxBlind is the most that is sent at once to a viewer whose link may be
// thin, in bytes: 0.4 s of 5 Mbit/s. When the newest GOP is larger, only its
// keyframe is sent, and the rest of the picture moves at the next.
const maxBlind = 256 << 10

// tickEvery is how often the choice of stream is thought over.
const tickEvery = 200 * time.Millisecond

// serveKeyEvery is how often a viewer can have a keyframe at most.
const serveKeyEvery = 500 * time.Millisecond

// guess is a link's width when a burst's time has to be judged and nothing is
// known yet, in bits a second.
const guess = 20e6

// viewer is one who watches. Its media state belongs to the goroutine of run.
type viewer struct {
	m      *Master
	client string
	role   Role
	log    *slog.Logger
	pc     *webrtc.PeerConnection
	track  *track
	link   *link
	policy policy

	ctx       context.Context
	end       context.CancelCauseFunc
	tasks     sync.WaitGroup // besides run
	outbox    chan Message
	connected chan struct{}
	once      sync.Once
	reports   chan []rtcp.Packet
	wishes    chan Quality
	channel   channels

	wish    Quality
	reader  *reader // nil until the camera sends something
	next    *reader // of the main stream, until its next keyframe
	backlog []*unit // to be sent as a burst
	ticks   int64   // of the next unit of it
	step    int64
	served  time.Time // the last keyframe out of turn
	direct  bool      // no relay and no translation in between
	said    string    // the code of the last status

	stats tally
}

// run serves the viewer until it leaves, is dropped or the context ends, and
// returns why.
func (v *viewer) run() *Fault {
	defer v.release()
	give := time.NewTimer(v.m.connectWithin)
	defer give.Stop()
	for _, c := range []<-chan struct{}{v.connected, v.track.bound} {
		select {
		case <-c:
		case <-give.C:
			return faultf(CodeTimeout, "no connection within %s; a firewall may be in between", v.m.connectWithin)
		case <-v.ctx.Done():
			return asFault(context.Cause(v.ctx))
		}
	}
	v.direct = direct(v.pc)
	v.stats.path(v.direct)
	tick := time.NewTicker(tickEvery)
	defer tick.Stop()
	err := v.tick(time.Now())
	for err == nil {
		err = v.turn(tick.C)
	}
	if v.ctx.Err() != nil {
		err = context.Cause(v.ctx)
	}
	return asFault(err)
}

// turn does the next thing there is to do.
func (v *viewer) turn(tick <-chan time.Time) error {
	var units, upper <-chan *unit
	var more <-chan struct{}
	if v.next != nil {
		upper = v.next.queue
	}
	if len(v.backlog) > 0 {
		if err := v.burst(); err != nil {
			return err
		}
	}
	if len(v.backlog) > 0 {
		more = v.m.always
	} else if v.reader != nil {
		units = v.reader.queue
	}
	select {
	case <-v.ctx.Done():
		return context.Cause(v.ctx)
	case <-more:
		return nil
	case u := <-units:
		return v.write(u)
	case u := <-upper:
		v.take(v.next)
		v.next = nil
		return v.write(u)
	case packets := <-v.reports:
		return v.heed(packets, time.Now())
	case v.wish = <-v.wishes:
		return v.tick(time.Now())
	case now := <-tick:
		return v.tick(now)
	}
}

// burst sends the next unit of the backlog.
func (v *viewer) burst() error {
	u := v.backlog[0]
	v.backlog = v.backlog[1:]
	ticks := v.ticks
	v.ticks += v.step
	return v.sent(u, v.track.write(u, ticks))
}

// write sends a unit as it comes from the camera.
func (v *viewer) write(u *unit) error {
	if !v.track.carries(u.stream.Codec) {
		return v.tick(time.Now()) // the camera has been set to another codec
	}
	return v.sent(u, v.track.follow(u))
}

// sent keeps count of a unit.
func (v *viewer) sent(u *unit, err error) error {
	if err != nil {
		if errors.Is(err, context.Canceled) || v.ctx.Err() != nil {
			return context.Cause(v.ctx)
		}
		return &Fault{Code: CodeLost, Text: "the connection was lost: " + err.Error()}
	}
	if v.stats.sent(u) {
		v.link.watch, v.link.watched = v.track.next-1, false
		v.stats.firstKey(v.track.sequence - 1)
	}
	return nil
}

// take makes a reader the viewer's own in place of the one before.
func (v *viewer) take(r *reader) {
	if v.reader != nil {
		v.stats.switched()
		v.reader.leave()
	}
	v.reader, v.backlog = r, nil
	v.policy.moved(time.Now())
	v.stats.on(r.feed.quality)
}

// enter goes to a feed and shows its newest picture at once: the newest GOP
// is sent in a burst whose timestamps end at now, so that the decoder hurries
// to the last picture, and then lives on from there.
func (v *viewer) enter(f *feed) {
	r, units := f.join(true)
	if v.next != nil {
		v.next.leave()
		v.next = nil
	}
	v.take(r)
	if len(units) == 0 {
		f.wantKey()
		return
	}
	if v.link.width == 0 && !v.direct && size(units) > maxBlind {
		units = units[:1]
		r.skipToKey()
		f.wantKey()
	}
	v.backlog = units
	v.ticks, v.step = v.track.burst(units)
	v.served = time.Now()
}

func size(units []*unit) (n int) {
	for _, u := range units {
		n += u.bytes
	}
	return n
}

// repair gives a viewer that cannot decode any more a keyframe: the newest
// GOP again, or the next one if that is sooner.
func (v *viewer) repair(now time.Time) {
	if v.reader == nil || now.Sub(v.served) < serveKeyEvery {
		return
	}
	v.served = now
	f := v.reader.feed
	f.wantKey()
	g := look(f.ring)
	width := v.link.width
	if width == 0 {
		width = guess
	}
	if wait := g.length - g.age; g.length > 0 && float64(g.bytes)*8/width > wait.Seconds() {
		v.backlog = nil
		v.reader.skipToKey()
		return
	}
	v.enter(f)
}

// release gives everything back.
func (v *viewer) release() {
	if v.reader != nil {
		v.reader.leave()
	}
	if v.next != nil {
		v.next.leave()
	}
}

// direct reports whether viewer and camera reach each other without a relay
// or a router that translates addresses.
func direct(pc *webrtc.PeerConnection) bool {
	pair, err := pc.SCTP().Transport().ICETransport().GetSelectedCandidatePair()
	if err != nil || pair == nil || pair.Local == nil || pair.Remote == nil {
		return false
	}
	private := isPrivate(pair.Remote.Address)
	return pair.Local.Typ == webrtc.ICECandidateTypeHost && private &&
		(pair.Remote.Typ == webrtc.ICECandidateTypeHost || pair.Remote.Typ == webrtc.ICECandidateTypePrflx)
}

// playable reports whether the viewer can show what a stream carries, and why
// not.
func (v *viewer) playable(g glance) *Fault {
	return playable(g, v.track.carries)
}

func playable(g glance, carries func(media.Codec) bool) *Fault {
	switch {
	case g.stream == nil:
		return nil
	case !carries(g.stream.Codec):
		return faultf(CodeCodec, "the camera sends %s, which this viewer cannot decode; set one of the camera's streams to H.264", describe(g.stream))
	case g.reorders:
		return faultf(CodeBFrames, "the camera's %s has B-frames, which live view cannot show; turn B-frames off in the camera, or use its baseline profile", describe(g.stream))
	}
	return nil
}
