package shadow

import (
	"net/http"

	bolt "go.etcd.io/bbolt"
)

// update changes a shadow, or makes it, and publishes what became of it. It
// returns the accepted answer.
func (s *Service) update(k Key, c change, qos byte) ([]byte, error) {
	if err := s.check(k); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	var before, after document
	var touched object
	err := s.db.Update(func(tx *bolt.Tx) error {
		var found bool
		var err error
		if before, found, err = load(tx, k, now); err != nil {
			return err
		}
		if c.version != nil && *c.version != before.Version {
			return refuse(http.StatusConflict, "Version conflict")
		}
		if !found {
			if err := makeRoom(tx, k.Thing, now); err != nil {
				return err
			}
		}
		if after, _, err = load(tx, k, now); err != nil {
			return err
		}
		touched = after.apply(c, now)
		if err := checkSize(after.State); err != nil {
			return err
		}
		return save(tx, k, after)
	})
	if err != nil {
		return nil, err
	}
	accepted, err := encodeWith(object{"state": c.state, "metadata": touched, "version": after.Version, "timestamp": now}, c.clientToken)
	if err != nil {
		return nil, err
	}
	s.cfg.Publish(k.topics()+"update/accepted", accepted, qos)
	return accepted, s.announce(k, before, after, c.clientToken, qos, now)
}

// checkSize counts the state as it is written without spaces.
func checkSize(state object) error {
	raw, err := encode(state)
	if err == nil && len(raw) > maxState {
		return errTooLarge()
	}
	return err
}

// announce publishes the delta, where there is one, and both documents.
func (s *Service) announce(k Key, before, after document, token string, qos byte, now int64) error {
	if state, metadata := after.delta(); len(state) > 0 {
		delta, err := encodeWith(object{"state": state, "metadata": metadata, "version": after.Version, "timestamp": now}, token)
		if err != nil {
			return err
		}
		s.cfg.Publish(k.topics()+"update/delta", delta, qos)
	}
	side := func(d document) object {
		return object{"state": d.State, "metadata": d.Metadata, "version": d.Version}
	}
	both, err := encodeWith(object{"previous": side(before), "current": side(after), "timestamp": now}, token)
	if err != nil {
		return err
	}
	s.cfg.Publish(k.topics()+"update/documents", both, qos)
	return nil
}

// remove deletes a shadow; its version goes on for another 48 hours.
func (s *Service) remove(k Key, token string, qos byte) ([]byte, error) {
	if err := s.check(k); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	var version int64
	err := s.db.Update(func(tx *bolt.Tx) error {
		d, found, err := load(tx, k, now)
		if err != nil {
			return err
		}
		if !found || d.Deleted != 0 {
			return errNone(k)
		}
		version = d.Version
		gone := emptyDocument(version)
		gone.Deleted = now
		return save(tx, k, gone)
	})
	if err != nil {
		return nil, err
	}
	answer, err := encodeWith(object{"version": version, "timestamp": now}, token)
	if err == nil {
		s.cfg.Publish(k.topics()+"delete/accepted", answer, qos)
	}
	return answer, err
}
