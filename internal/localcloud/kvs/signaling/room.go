package signaling

import (
	"slices"
	"time"

	"github.com/gorilla/websocket"
)

// room is what is connected to one channel, and what waits for those that are
// not. It is guarded by the service's lock.
type room struct {
	master  *conn
	viewers map[string]*conn       // by client id
	waiting []letter               // oldest first
	asking  map[string]chan string // who waits for an answer without being connected, by client id
}

// letter is a message for a client that is not there.
type letter struct {
	to      string // client id; empty: the master
	event   event
	expires time.Time
}

// room returns a channel's, making it. It is called with mu held.
func (s *Service) room(arn string) *room {
	r := s.rooms[arn]
	if r == nil {
		r = &room{viewers: map[string]*conn{}, asking: map[string]chan string{}}
		s.rooms[arn] = r
	}
	return r
}

// tidy forgets what nobody waits for. It is called with mu held.
func (s *Service) tidy(arn string, r *room) {
	now := time.Now()
	r.waiting = slices.DeleteFunc(r.waiting, func(l letter) bool { return now.After(l.expires) })
	if r.master == nil && len(r.viewers) == 0 && len(r.waiting) == 0 && len(r.asking) == 0 {
		delete(s.rooms, arn)
	}
}

// client returns who has an id, the master by an empty one, nil for nobody.
func (r *room) client(id string) *conn {
	if id == "" {
		return r.master
	}
	return r.viewers[id]
}

func (r *room) everyone() []*conn {
	all := make([]*conn, 0, len(r.viewers)+1)
	if r.master != nil {
		all = append(all, r.master)
	}
	for _, c := range r.viewers {
		all = append(all, c)
	}
	return all
}

// enter puts a client into its room, in the place of one with the same id, and
// hands it what has waited for it. It is called with mu held.
func (r *room) enter(c *conn) {
	old := r.client(c.id)
	if c.id == "" {
		r.master = c
	} else {
		r.viewers[c.id] = c
	}
	now := time.Now()
	r.waiting = slices.DeleteFunc(r.waiting, func(l letter) bool {
		if l.to != c.id {
			return false
		}
		if now.Before(l.expires) && len(c.out) < cap(c.out) {
			c.push(l.event)
		}
		return true
	})
	if old != nil {
		for _, e := range old.queued() {
			if e.passes() && len(c.out) < cap(c.out) {
				c.push(e)
			}
		}
		old.end(websocket.CloseNormalClosure, "a newer connection has taken the place of this one")
	}
}

// leave takes a client out of its room and passes on what it was not told.
func (s *Service) leave(c *conn, unsent []event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.room(c.channel.ARN)
	if r.client(c.id) == c {
		if c.id == "" {
			r.master = nil
		} else {
			delete(r.viewers, c.id)
		}
	}
	for _, e := range unsent {
		if e.passes() {
			s.pass(r, c.channel, c.id, e)
		}
	}
	s.tidy(c.channel.ARN, r)
}

// deliver passes a message on.
func (s *Service) deliver(c channel, to string, e event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.room(c.ARN)
	s.pass(r, c, to, e)
	s.tidy(c.ARN, r)
}

// pass gives a message to a client, or keeps it until that comes. A newer
// offer or answer takes the place of one that waits. It is called with mu held.
func (s *Service) pass(r *room, c channel, to string, e event) {
	if said := r.asking[to]; said != nil && e.MessageType == answer {
		select {
		case said <- e.MessagePayload:
		default: // one answer is enough
		}
		return
	}
	if there := r.client(to); there != nil && there.push(e) {
		return
	}
	if e.MessageType != candidate {
		r.waiting = slices.DeleteFunc(r.waiting, func(l letter) bool {
			return l.to == to && l.event.SenderClientID == e.SenderClientID && l.event.MessageType == e.MessageType
		})
	}
	if len(r.waiting) >= s.cfg.Limits.Retained {
		r.waiting = slices.Delete(r.waiting, 0, len(r.waiting)-s.cfg.Limits.Retained+1)
	}
	r.waiting = append(r.waiting, letter{to, e, time.Now().Add(time.Duration(c.TTL) * time.Second)})
}

// passes tells messages of clients from those of the service itself.
func (e event) passes() bool {
	return e.MessageType == offer || e.MessageType == answer || e.MessageType == candidate
}

// vacate ends all connections to a channel that is no more.
func (s *Service) vacate(arn string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.rooms[arn]; r != nil {
		r.waiting = nil
		for _, c := range r.everyone() {
			c.end(websocket.CloseGoingAway, "the signaling channel has been deleted")
		}
	}
}
