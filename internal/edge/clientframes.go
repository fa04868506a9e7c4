package edge

import (
	"context"
	"path/filepath"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"porchlight/internal/config"
	"porchlight/internal/edge/frames"
	"porchlight/internal/event"
	"porchlight/internal/iot/spool"
)

// faceAsker asks the cloud whose faces are in the frames of client devices.
type faceAsker struct {
	sources []frames.Source
	decode  func(data []byte) (*event.Frame, error)
	open    func(config.Faces) (FaceDetector, error)
	agent   *agent
}

// run works until ctx ends. Without what it needs it says so, and the cameras
// go on.
func (f *faceAsker) run(ctx context.Context, cfg *config.Config, credentials aws.CredentialsProvider) {
	log, settings := f.agent.Log, cfg.ClientFrames
	if settings.RequestQueue == "" {
		return
	}
	if len(f.sources) == 0 {
		log.Error("no frames of client devices come: give the gateway a broker in the section lan")
		return
	}
	finder, err := f.open(config.Faces{Detector: "mtcnn", MinSize: settings.MinFace})
	if err != nil {
		log.Error("no faces are looked for in the frames of client devices", "error", err)
		return
	}
	defer finder.Close()
	outbox, err := spool.Open(spool.Config{
		Path: filepath.Join(cfg.StateDir, "faces.spool"), MaxBytes: cfg.Spool.MaxBytes / 2, MaxAge: cfg.Spool.MaxAge, Log: log,
	})
	if err != nil {
		log.Error("the frames of client devices cannot be worked on", "error", err)
		return
	}
	defer func() {
		if err := outbox.Close(); err != nil {
			log.Warn("cannot close the spool of faces", "error", err)
		}
	}()
	queues := frames.Queues{
		Requests: settings.RequestQueue, Responses: settings.ResponseQueue,
		Client: sqs.New(sqs.Options{Region: cfg.Cloud.Region, Credentials: credentials}, func(o *sqs.Options) {
			if cfg.Cloud.Endpoint != "" {
				o.BaseEndpoint = aws.String(cfg.Cloud.Endpoint)
			}
		}),
	}
	desk := frames.New(frames.Config{
		Finder: finder, Decode: f.decode, Put: outbox.Put, Key: settings.ImageKey, Size: settings.Size, Log: log,
	})
	var working sync.WaitGroup
	working.Go(func() { keepDraining(ctx, outbox, queues.Send, log) })
	for _, source := range f.sources {
		working.Go(func() { desk.Run(ctx, source) })
	}
	working.Wait()
	if stats := desk.Stats(); stats.Frames > 0 {
		log.Info("frames of client devices", "frames", stats.Frames, "asked", stats.Asked, "without_face", stats.Faceless,
			"repeated", stats.Repeated, "bad", stats.Bad, "failed", stats.Failed)
	}
}
