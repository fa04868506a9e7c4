package edge

import (
	"io"
	"log/slog"

	"porchlight/internal/config"
	"porchlight/internal/event"
	"porchlight/internal/pipeline"
)

// Detector is what the agent needs of an object detector.
type Detector interface {
	pipeline.Detector
	io.Closer
}

// FaceDetector is what the agent needs of a face detector.
type FaceDetector interface {
	pipeline.FaceDetector
	io.Closer
}

// Eyes are the networks that the cameras of a device share.
type Eyes struct {
	Detector Detector
	Input    int // side of the detector's input, in pixels
	Info     event.Detector
	// Faces opens a face detector for one camera, which closes it; nil: no
	// camera looks for faces.
	Faces func(config.Faces) (FaceDetector, error)
	// Identify is used by all cameras, at the same time; nil: faces stay
	// without a name.
	Identify pipeline.Identifier
	// Done is called after the last use of Identify; may be nil.
	Done func()
}

func (e *Eyes) close(log *slog.Logger) {
	if err := e.Detector.Close(); err != nil {
		log.Warn("cannot close the detector", "error", err)
	}
	if e.Done != nil {
		e.Done()
	}
}

func (e *Eyes) introduce(log *slog.Logger) {
	if e.Info.Weak {
		log.Warn("no detection model is installed: the built-in people detector is weak, it misses about half of all people"+
			" and sees nothing else; install a model with: porchlight models pull yolox-nano", "detector", e.Info.Model)
		return
	}
	log.Info("detector", "model", e.Info.Model)
}
