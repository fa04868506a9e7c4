package playback

import (
	"sync"
	"time"

	"porchlight/internal/localcloud/kvs/fragments"
)

// window is the part of a session that a playlist shows.
type window struct {
	list     []fragments.Fragment
	breaks   []bool // a discontinuity before the fragment of this index
	sequence uint64 // of the first
	broken   uint64 // discontinuities before the first
	ended    bool   // nothing will follow
	target   int64  // seconds; no fragment is longer
}

const (
	// maxLives bounds the live sessions remembered; the oldest are forgotten,
	// and begin anew when they are asked for again.
	maxLives = 500
	// tolerance is how far fragments may lie apart or overlap and still be
	// continuous, by the documentation of ON_DISCONTINUITY.
	tolerance = 50 * time.Millisecond
	// replayPage bounds what is read of a long recording at one time.
	replayPage = 500
)

// window returns what a session shows now.
func (p *Player) window(s session) (window, error) {
	switch s.Mode {
	case modeLive:
		return p.live(s).update(p, s)
	case modeReplay:
		return p.replay(s)
	}
	found, err := p.cfg.Store.Find(s.query(s.Max))
	w := window{ended: true}
	for _, f := range found {
		w.add(s, f)
	}
	return w, err
}

// add appends a fragment.
func (w *window) add(s session, f fragments.Fragment) {
	broken := false
	if n := len(w.list); n > 0 {
		last := w.list[n-1]
		gap := f.Start(s.Clock).Sub(last.Start(s.Clock).Add(last.Length))
		broken = s.Breaks == "ALWAYS" || f.Codec != last.Codec || s.Breaks == "ON_DISCONTINUITY" && gap.Abs() > tolerance
	}
	w.list, w.breaks = append(w.list, f), append(w.breaks, broken)
	w.target = max(w.target, int64((f.Length+time.Second-1)/time.Second), 1)
}

// trim keeps the newest n fragments.
func (w *window) trim(n int) {
	for len(w.list) > n {
		if w.breaks[0] {
			w.broken++
		}
		w.list, w.breaks = w.list[1:], w.breaks[1:]
		w.sequence++
	}
}

// replay plays a recording as if it were live: it begins with as many
// fragments as a playlist holds and goes on as time does.
func (p *Player) replay(s session) (window, error) {
	var w window
	left := time.Duration(p.cfg.Now().UnixMilli()-s.Created) * time.Millisecond
	q := s.query(replayPage)
	for seen := 0; ; {
		found, err := p.cfg.Store.Find(q)
		if err != nil {
			return w, err
		}
		for _, f := range found {
			if seen++; seen > s.Max {
				left -= f.Length
			}
			if left < 0 {
				w.trim(s.Max)
				return w, nil
			}
			w.add(s, f)
		}
		w.trim(s.Max)
		if len(found) < replayPage {
			w.ended = s.To != 0
			return w, nil
		}
		q.After = &found[len(found)-1]
	}
}

// live is a live session as it was last shown: numbers in playlists must stay
// what they were.
type live struct {
	mu    sync.Mutex
	used  time.Time
	newst fragments.Fragment // by the server's time, shown or not
	shown window
}

func (p *Player) live(s session) *live {
	p.mu.Lock()
	defer p.mu.Unlock()
	l, ok := p.lives[s.token]
	if !ok {
		l = &live{}
		p.lives[s.token] = l
	}
	l.used = p.cfg.Now()
	for len(p.lives) > maxLives {
		var oldest string
		for token, other := range p.lives {
			if oldest == "" || other.used.Before(p.lives[oldest].used) {
				oldest = token
			}
		}
		delete(p.lives, oldest)
	}
	return l
}

// update adds what came since. A fragment that came late, from before the
// newest one shown, is left out, as the real service does.
func (l *live) update(p *Player, s session) (window, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fresh, err := l.fresh(p, s)
	if err != nil {
		return window{}, err
	}
	for _, f := range fresh {
		if f.Number > l.newst.Number {
			l.newst = f
		}
		if n := len(l.shown.list); n > 0 && !f.Start(s.Clock).After(l.shown.list[n-1].Start(s.Clock)) {
			continue
		}
		if len(l.shown.list) == 0 {
			l.shown.sequence = f.Ordinal // goes on from there should the session be forgotten
		}
		l.shown.add(s, f)
	}
	l.shown.trim(s.Max)
	return window{append([]fragments.Fragment{}, l.shown.list...), append([]bool{}, l.shown.breaks...),
		l.shown.sequence, l.shown.broken, false, l.shown.target}, nil
}

func (l *live) fresh(p *Player, s session) ([]fragments.Fragment, error) {
	if l.newst.Number == "" {
		return p.cfg.Store.Latest(s.ARN, s.Clock, s.Max, false)
	}
	return p.cfg.Store.Find(fragments.Query{ARN: s.ARN, Clock: fragments.ServerTime, After: &l.newst})
}
