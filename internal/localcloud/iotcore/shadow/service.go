package shadow

import (
	"bytes"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

	bolt "go.etcd.io/bbolt"
)

// Config of the shadows. All fields are required except Now.
type Config struct {
	Path  string // the database file, made if missing
	Known func(thing string) bool
	// Publish hands a message to those who subscribe to its topic. It must not
	// wait for them, nor call the service.
	Publish func(topic string, payload []byte, qos byte)
	Now     func() time.Time // time.Now when nil
	Log     *slog.Logger
}

// Service keeps shadows. It is safe for concurrent use.
type Service struct {
	cfg Config
	db  *bolt.DB
	mu  sync.Mutex // held from a change until it is published
}

// Open opens the stored shadows. Close must be called.
func Open(cfg Config) (*Service, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	db, err := openStore(cfg.Path)
	if err != nil {
		return nil, err
	}
	return &Service{cfg: cfg, db: db}, nil
}

// Close closes the database.
func (s *Service) Close() error { return s.db.Close() }

// defaultQoS of what is published for requests by HTTP.
const defaultQoS = 1

// Handle answers a request that came by MQTT: on the accepted or rejected topic
// below the one it came on, with its QoS.
func (s *Service) Handle(r Request, payload []byte, qos byte) {
	var err error
	var token string
	switch r.op {
	case opUpdate:
		var c change
		if c, err = parseChange(payload); err == nil {
			_, err = s.update(r.Key, c, qos)
		}
		token = c.clientToken
	case opDelete:
		if token, err = tokenOf(payload); err == nil {
			_, err = s.remove(r.Key, token, qos)
		}
	case opGet:
		if token, err = tokenOf(payload); err == nil {
			var answer []byte
			if answer, err = s.get(r.Key, token); err == nil {
				s.cfg.Publish(r.topics()+"get/accepted", answer, qos)
			}
		}
	}
	if err == nil {
		return
	}
	refusal := s.refusal(r.Key, err)
	body := object{"code": refusal.Code, "message": refusal.Message, "timestamp": s.now()}
	if answer, err := encodeWith(body, token); err == nil {
		s.cfg.Publish(r.topics()+r.op+"/rejected", answer, qos)
	}
}

// refusal is what the client is told of an error; others than refusals are
// logged here.
func (s *Service) refusal(k Key, err error) *Error {
	var refusal *Error
	if errors.As(err, &refusal) {
		return refusal
	}
	s.cfg.Log.Error("shadow request failed", "thing", k.Thing, "shadow", k.Name, "error", err)
	return &Error{http.StatusInternalServerError, "Internal service failure"}
}

func (s *Service) now() int64 { return s.cfg.Now().Unix() }

func encodeWith(body object, token string) ([]byte, error) {
	if token != "" {
		body["clientToken"] = token
	}
	return encode(body)
}

func (s *Service) check(k Key) error {
	if err := k.check(); err != nil {
		return err
	}
	if !s.cfg.Known(k.Thing) {
		return refuse(http.StatusNotFound, "Thing not found")
	}
	return nil
}

func errNone(k Key) error {
	name := k.Name
	if name == "" {
		name = k.Thing
	}
	return refuse(http.StatusNotFound, "No shadow exists with name: '%s'", name)
}

// get returns the whole document.
func (s *Service) get(k Key, token string) ([]byte, error) {
	if err := s.check(k); err != nil {
		return nil, err
	}
	now := s.now()
	var d document
	err := s.db.View(func(tx *bolt.Tx) error {
		var found bool
		var err error
		if d, found, err = load(tx, k, now); err == nil && (!found || d.Deleted != 0) {
			err = errNone(k)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	if delta, _ := d.delta(); len(delta) > 0 {
		d.State["delta"] = delta
	}
	return encodeWith(object{"state": d.State, "metadata": d.Metadata, "version": d.Version, "timestamp": now}, token)
}

// names returns the named shadows of a thing, in order.
func (s *Service) names(thing string) ([]string, error) {
	if err := s.check(Key{Thing: thing}); err != nil {
		return nil, err
	}
	out := []string{}
	err := s.db.View(func(tx *bolt.Tx) error {
		return eachOf(tx, thing, func(k []byte, d document) {
			if _, name, _ := bytes.Cut(k, []byte{0}); len(name) > 0 && d.Deleted == 0 {
				out = append(out, string(name))
			}
		})
	})
	return out, err
}
