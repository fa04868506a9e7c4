// Package frames takes the frames that client devices publish, finds the face
// in each, and asks the cloud over SQS whose it is. It takes the place of the
// edge half of the public project
// https://github.com/Sujith-the-great/aws-iot-greengrass-face-recognition.
package frames

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image/jpeg"
	"log/slog"
	"sync"

	"porchlight/internal/event"
	"porchlight/internal/face"
)

// Source delivers the frames. Subscribe calls handle with one message at a
// time until ctx ends.
type Source interface {
	Subscribe(ctx context.Context, filter string, handle func(topic string, payload []byte), ready func())
}

// Finder finds faces.
type Finder interface {
	Faces(ctx context.Context, f *event.Frame) ([]face.Face, error)
}

// The outbox' names of the two queues.
const (
	ToRequests  = "requests"
	ToResponses = "responses"
)

// Config of a Desk; all but Key and Size are required.
type Config struct {
	Finder Finder // used by one goroutine at a time
	// Decode reads a JPEG.
	Decode func(data []byte) (*event.Frame, error)
	// Put hands a message over to be sent to one of the queues, for good: it
	// survives a restart.
	Put  func(queue string, body []byte) error
	Key  string // of the picture in a request; event.FaceImageKey when empty
	Size int    // side of the face crop, in pixels; 240 when 0
	Log  *slog.Logger
}

// Stats counts frames.
type Stats struct {
	Frames   int64 // that came
	Asked    int64 // in which a face was found
	Faceless int64 // answered with No-Face
	Repeated int64 // passed over: their request id had been here
	Bad      int64 // that could not be read
	Failed   int64 // that this device could not work on
}

// Bounds of the work.
const (
	defaultSize = 240  // pixels, as in the public project
	quality     = 90   // of the crop's JPEG
	remembered  = 1000 // request ids
)

// Desk works on frames, one at a time.
type Desk struct {
	cfg Config

	mu    sync.Mutex
	seen  map[string]bool
	order []string // of seen, oldest first
	stats Stats
}

// New returns a desk.
func New(cfg Config) *Desk {
	if cfg.Key == "" {
		cfg.Key = event.FaceImageKey
	}
	if cfg.Size == 0 {
		cfg.Size = defaultSize
	}
	return &Desk{cfg: cfg, seen: map[string]bool{}}
}

// Run works on what the source delivers until ctx ends.
func (d *Desk) Run(ctx context.Context, source Source) {
	source.Subscribe(ctx, event.ClientFrameTopics, func(topic string, payload []byte) { d.handle(ctx, topic, payload) }, nil)
	<-ctx.Done()
}

// Stats returns the counts so far.
func (d *Desk) Stats() Stats {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.stats
}

func (d *Desk) handle(ctx context.Context, topic string, payload []byte) {
	client, ok := event.ClientOf(topic)
	if !ok {
		return
	}
	log := d.cfg.Log.With("client", client)
	d.count(func(s *Stats) { s.Frames++ })
	frame, err := event.ParseClientFrame(payload)
	if frame == nil {
		d.count(func(s *Stats) { s.Bad++ })
		log.Warn("a frame cannot be read, and nobody can be answered", "error", err)
		return
	}
	log = log.With("request", frame.RequestID)
	if !d.first(frame.RequestID) {
		d.count(func(s *Stats) { s.Repeated++ })
		log.Debug("a request that was here before is passed over")
		return
	}
	if err == nil {
		err = d.work(ctx, frame, log)
	} else {
		err = d.answer(frame, event.ResultInvalidImage, err, log)
	}
	if err != nil {
		d.forget(frame.RequestID)
		d.count(func(s *Stats) { s.Failed++ })
		log.Error("a frame was not worked on; its client may send it again", "error", err)
	}
}

// work finds the face and asks for its name, or answers that there is none.
func (d *Desk) work(ctx context.Context, frame *event.ClientFrame, log *slog.Logger) error {
	picture, err := d.cfg.Decode(frame.Image)
	if err != nil {
		return d.answer(frame, event.ResultInvalidImage, err, log)
	}
	found, err := d.cfg.Finder.Faces(ctx, picture)
	if err != nil {
		return fmt.Errorf("find faces: %w", err)
	}
	largest, ok := largest(found)
	if !ok {
		return d.answer(frame, event.ResultNoFace, nil, log)
	}
	crop, err := face.CutBox(picture, largest, d.cfg.Size, 0)
	if errors.Is(err, face.ErrLandmarks) {
		return d.answer(frame, event.ResultNoFace, nil, log)
	} else if err != nil {
		return err
	}
	var data bytes.Buffer
	if err := jpeg.Encode(&data, crop, &jpeg.Options{Quality: quality}); err != nil {
		return err
	}
	request := event.FaceRequest{RequestID: frame.RequestID, Filename: frame.Filename, Image: data.Bytes()}
	body, err := request.MarshalAs(d.cfg.Key)
	if err != nil {
		return err
	}
	if err := d.cfg.Put(ToRequests, body); err != nil {
		return err
	}
	d.count(func(s *Stats) { s.Asked++ })
	return nil
}

// answer says what needs no cloud to be known.
func (d *Desk) answer(frame *event.ClientFrame, result string, cause error, log *slog.Logger) error {
	response := event.FaceResponse{RequestID: frame.RequestID, Filename: frame.Filename, Result: result}
	body, err := response.Marshal()
	if err != nil {
		return err
	}
	if err := d.cfg.Put(ToResponses, body); err != nil {
		return err
	}
	if cause != nil {
		log.Warn("a frame's picture cannot be read", "error", cause)
		d.count(func(s *Stats) { s.Bad++ })
		return nil
	}
	d.count(func(s *Stats) { s.Faceless++ })
	return nil
}

// largest is the face that the public project takes: MTCNN of facenet-pytorch
// with select_largest.
func largest(found []face.Face) (best face.Face, ok bool) {
	for _, f := range found {
		if !ok || f.Width()*f.Height() > best.Width()*best.Height() {
			best, ok = f, true
		}
	}
	return best, ok
}

// first tells whether a request id is new, and remembers it.
func (d *Desk) first(id string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.seen[id] {
		return false
	}
	d.seen[id] = true
	if d.order = append(d.order, id); len(d.order) > remembered {
		delete(d.seen, d.order[0])
		d.order = d.order[1:]
	}
	return true
}

// forget lets a request come again that was not worked on.
func (d *Desk) forget(id string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.seen, id)
}

func (d *Desk) count(what func(*Stats)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	what(&d.stats)
}
