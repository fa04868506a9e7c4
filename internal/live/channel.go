package live

import (
	"encoding/json"
	"sync"
	"time"

	"github.com/pion/webrtc/v4"
	"golang.org/x/time/rate"
)

// Bounds of the data channel of one viewer.
const (
	maxChannels   = 2
	commandRate   = 10 // messages a second
	commandBurst  = 20
	maxExcess     = 200      // messages above the rate, after which nobody listens any more
	maxUnread     = 64 << 10 // bytes of replies that the viewer has not taken
	commandWithin = 10 * time.Second
	flushWithin   = 200 * time.Millisecond
)

// channels are the data channels of one viewer.
type channels struct {
	mu     sync.Mutex
	open   []*webrtc.DataChannel
	count  int
	excess int
	limit  *rate.Limiter
	last   []byte // the newest status, for channels that open later
}

// open takes a data channel of the viewer, whatever its name.
func (v *viewer) open(d *webrtc.DataChannel) {
	c := &v.channel
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.count++; c.count > maxChannels {
		d.OnOpen(func() { _ = d.Close() }) // the viewer's own loss
		return
	}
	if c.limit == nil {
		c.limit = rate.NewLimiter(commandRate, commandBurst)
	}
	d.OnOpen(func() {
		c.mu.Lock()
		c.open = append(c.open, d)
		last := c.last
		c.mu.Unlock()
		if last != nil {
			v.send(d, last)
		}
	})
	// Messages of a channel come one at a time, so a slow command holds the
	// viewer's next ones up and nobody else's.
	d.OnMessage(func(m webrtc.DataChannelMessage) { v.asked(d, m) })
}

// asked answers one message.
func (v *viewer) asked(d *webrtc.DataChannel, m webrtc.DataChannelMessage) {
	c := &v.channel
	c.mu.Lock()
	allowed := c.limit.Allow()
	if !allowed {
		c.excess++
	}
	excess := c.excess
	c.mu.Unlock()
	if excess > maxExcess || v.ctx.Err() != nil {
		return
	}
	r, err := parseRequest(m.Data)
	switch {
	case !allowed && excess == maxExcess:
		err = faultf(CodeRate, "far too many messages; nothing is answered any more on this connection")
	case !allowed:
		err = faultf(CodeRate, "%d messages a second are answered", commandRate)
	}
	var result any
	if err == nil {
		result, err = v.execute(r)
	}
	v.send(d, answerTo(r, result, err))
}

// send sends a message, unless the viewer does not take what was sent before.
func (v *viewer) send(d *webrtc.DataChannel, text []byte) {
	if d.BufferedAmount() > maxUnread {
		return
	}
	if err := d.SendText(string(text)); err != nil {
		v.log.Debug("a message to a viewer is lost", "error", err)
	}
}

// say tells the viewer a state that is news to it.
func (v *viewer) say(state, text string) {
	s := status{Version: commandVersion, Type: "status", State: state, Text: text}
	if v.reader != nil {
		s.Quality = v.reader.feed.quality
	}
	if key := state + string(s.Quality); key != v.said {
		v.said = key
		v.broadcast(s)
	}
}

func (v *viewer) broadcast(s status) []*webrtc.DataChannel {
	data, err := json.Marshal(s)
	if err != nil {
		return nil
	}
	c := &v.channel
	c.mu.Lock()
	c.last = data
	open := append([]*webrtc.DataChannel(nil), c.open...)
	c.mu.Unlock()
	for _, d := range open {
		v.send(d, data)
	}
	return open
}

// tell says farewell, and gives it a moment to arrive.
func (v *viewer) tell(why *Fault) {
	if why.Code == CodeEnded || why.Code == CodeLost || why.Code == CodeTimeout {
		return // nobody is there to hear it
	}
	open := v.broadcast(status{Version: commandVersion, Type: "status", State: "ended", Code: why.Code, Text: why.Text})
	deadline := time.Now().Add(flushWithin)
	for _, d := range open {
		for d.BufferedAmount() > 0 && time.Now().Before(deadline) {
			time.Sleep(time.Millisecond)
		}
	}
}
