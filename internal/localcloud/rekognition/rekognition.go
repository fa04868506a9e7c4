package rekognition

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"porchlight/internal/localcloud/awsapi"
	"porchlight/internal/localcloud/sts"
)

// Limits of the service, as documented by AWS.
const (
	maxBytes  = 5 << 20  // of a picture in the request
	maxObject = 15 << 20 // of a picture in S3
	maxPixels = 10_000   // of either side
)

const (
	defaultTimeout = 30 * time.Second
	atOnce         = 1 // pictures looked at: the detector takes all cores
	waiting        = 8 // pictures that wait their turn; more are told to come back
)

// Config of a Service. Objects and Logger are required.
type Config struct {
	// Program is the porchlight command, which detects; empty: every picture is
	// answered with an error that says so.
	Program string
	Models  string        // its folder of models; empty: its default one
	Model   string        // the one to look with; empty: the best one there
	Dir     string        // where pictures lie while they are looked at, made if missing; empty: the system's
	Timeout time.Duration // for one picture; 30 s when 0
	// Objects reads objects of S3 of at most so many bytes.
	Objects func(bucket, key string, most int64) ([]byte, error)
	// Authorize says whether a caller may read an object; nil allows. Root is
	// not asked about.
	Authorize func(p sts.Principal, action, resource string) error
	Logger    *slog.Logger
}

// Service answers requests. It is safe for concurrent use.
type Service struct {
	cfg     Config
	queue   chan struct{} // one for each picture taken on
	working chan struct{} // one for each picture being looked at
}

// New returns a Service.
func New(cfg Config) *Service {
	if cfg.Timeout == 0 {
		cfg.Timeout = defaultTimeout
	}
	if cfg.Dir != "" { // what was left when the power went
		left, _ := filepath.Glob(filepath.Join(cfg.Dir, pictureName+"*"))
		for _, file := range left {
			os.Remove(file)
		}
	}
	return &Service{cfg: cfg, queue: make(chan struct{}, atOnce+waiting), working: make(chan struct{}, atOnce)}
}

// ServeHTTP answers one verified request.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	out, err := s.perform(r)
	if err == nil {
		awsapi.WriteJSON(w, awsapi.JSON11, http.StatusOK, out)
		return
	}
	var answer *awsapi.Error
	if !errors.As(err, &answer) {
		s.cfg.Logger.Error("picture cannot be looked at", "err", err)
		answer = &awsapi.Error{Code: "InternalServerError", Status: http.StatusInternalServerError, Message: err.Error()}
	}
	awsapi.WriteError(w, awsapi.JSON11, answer)
}

func (s *Service) perform(r *http.Request) (any, error) {
	if target := r.Header.Get("X-Amz-Target"); target != "RekognitionService.DetectLabels" {
		return nil, refuse("UnknownOperationException", "the local Rekognition does not offer %s: it has DetectLabels", target)
	}
	in, err := readRequest(r.Body)
	if err != nil {
		return nil, err
	}
	p, _ := sts.PrincipalFrom(r.Context())
	picture, err := s.picture(p, in.Image)
	if err != nil {
		return nil, err
	}
	format, err := check(picture)
	if err != nil {
		return nil, err
	}
	seen, err := s.look(r.Context(), picture, format, in.minConfidence()/100)
	if err != nil {
		return nil, err
	}
	return response{Labels: labels(seen, in), LabelModelVersion: modelVersion}, nil
}

// look waits its turn and has the picture looked at.
func (s *Service) look(ctx context.Context, picture []byte, format string, minScore float64) ([]sighting, error) {
	if s.cfg.Program == "" {
		return nil, errNoDetector
	}
	select {
	case s.queue <- struct{}{}:
		defer func() { <-s.queue }()
	default:
		return nil, refuse("ThrottlingException", "%d pictures are waiting already: try again", waiting)
	}
	select {
	case s.working <- struct{}{}:
		defer func() { <-s.working }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return s.detect(ctx, picture, format, minScore)
}
