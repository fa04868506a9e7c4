package update_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"image"
	"image/color"
	"image/png"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"porchlight/internal/edge/linktest"
	"porchlight/internal/edge/update"
	"porchlight/internal/edge/update/fetch"
	"porchlight/internal/edge/update/jobs"
	"porchlight/internal/edge/update/jobs/jobstest"
	"porchlight/internal/event"
	"porchlight/internal/modelstore"
)

const patience = 60 * time.Second // only ever reached by a failing test

func TestMain(m *testing.M) {
	if asProgram() {
		return
	}
	goleak.VerifyTestMain(m)
}

// stage is a device, the jobs service and a server of files.
type stage struct {
	t       *testing.T
	broker  *linktest.Broker
	service *jobstest.Service
	server  *httptest.Server
	dir     string
	agent   *agent
	edit    func(*update.Config)

	mu    sync.Mutex
	files map[string][]byte
	asked map[string]int // requests, by file
	hook  func(name string) (status int)
}

func newStage(t *testing.T) *stage {
	t.Helper()
	s := &stage{t: t, broker: &linktest.Broker{}, dir: t.TempDir(), agent: &agent{}, files: map[string][]byte{}, asked: map[string]int{}}
	s.server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := filepath.Base(r.URL.Path)
		s.mu.Lock()
		data, hook := s.files[name], s.hook
		s.asked[name]++
		s.mu.Unlock()
		if hook != nil {
			if status := hook(name); status != 0 {
				w.WriteHeader(status)
				return
			}
		}
		if data == nil {
			http.NotFound(w, r)
			return
		}
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
	}))
	t.Cleanup(s.server.Close)
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	s.service = jobstest.Serve(ctx, s.broker, "home")
	return s
}

// run runs the device until the test, or stop, ends it. Like the program, it
// asks first which model to begin with.
func (s *stage) run() (stop func()) {
	s.t.Helper()
	ref, err := update.ActiveModel(s.dir, "", slog.New(slog.DiscardHandler))
	require.NoError(s.t, err)
	s.agent.begin(ref)
	cfg := update.Config{
		Thing: "home", StateDir: s.dir, Link: s.broker, Source: fetch.New(s.server.Client(), nil), Log: slog.New(slog.DiscardHandler),
		Models: &update.Models{
			Labels: map[string][]string{"pets": {"cat", "dog"}}, Activate: s.agent.activate, Healthy: s.agent.healthy, Detect: s.agent.detect,
		},
		NoSoftware: "deployed by Greengrass",
		Download:   fetch.Downloader{Attempts: 2, Backoff: time.Millisecond, Reserve: 1},
		Retry:      time.Millisecond,
	}
	if s.edit != nil {
		s.edit(&cfg)
	}
	u, err := update.New(cfg)
	require.NoError(s.t, err)
	ctx, cancel := context.WithCancel(s.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- u.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		require.NoError(s.t, <-ended)
	})
	s.t.Cleanup(stop)
	return stop
}

// outcome waits for the end of a job.
func (s *stage) outcome(id string) jobstest.Job {
	s.t.Helper()
	require.Eventually(s.t, func() bool { return s.service.Get(id).Status.Final() }, patience, time.Millisecond)
	return s.service.Get(id)
}

func (s *stage) serve(name string, data []byte) (url, sum string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.files[name] = data
	digest := sha256.Sum256(data)
	return s.server.URL + "/" + name, hex.EncodeToString(digest[:])
}

func (s *stage) requests(name string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked[name]
}

// model is a job for a network of that content.
func (s *stage) model(name, weights string) *update.Document {
	url, sum := s.serve(name+".weights", []byte(weights))
	return &update.Document{
		Porchlight: 1, Action: update.ActionModel,
		Model: &modelstore.Model{
			Name: name, Kind: "detector", Decoder: "darknet", Format: "darknet", License: "MIT", LabelList: "pets", Score: 0.5, NMS: 0.45,
			Files: []modelstore.File{{Name: name + ".weights", Role: "weights", Bytes: int64(len(weights)), SHA256: sum}},
			Input: modelstore.Input{Width: 320, Height: 320, Fit: "stretch", Channels: "rgb", Scale: 1},
		},
		Files: []update.Location{{Name: name + ".weights", URL: url}},
	}
}

// probe adds a picture that must show a cat.
func (s *stage) probe(d *update.Document) *update.Document {
	picture := image.NewNRGBA(image.Rect(0, 0, 4, 2))
	picture.Set(0, 0, color.NRGBA{R: 255, A: 255})
	var out bytes.Buffer
	require.NoError(s.t, png.Encode(&out, picture))
	url, sum := s.serve("cat.png", out.Bytes())
	d.Probe = &update.Probe{URL: url, SHA256: sum, Size: int64(out.Len()), Label: "cat", MinScore: 0.5}
	return d
}

// agent stands for the cameras: a network is good when its file says so.
type agent struct {
	mu      sync.Mutex
	active  update.ModelRef
	history []string // names, in the order they were activated
	onCheck func(ctx context.Context) error
}

func (a *agent) begin(m update.ModelRef) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.active = m
}

func (a *agent) activate(_ context.Context, m update.ModelRef) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if m.Overlay != "" {
		content, err := os.ReadFile(filepath.Join(m.Overlay, m.Name+".weights"))
		if err != nil {
			return err
		}
		if bytes.Contains(content, []byte("garbage")) {
			return errors.New("OpenCV cannot read the network")
		}
		if bytes.Contains(content, []byte("panic")) {
			panic("index out of range")
		}
	}
	a.active = m
	a.history = append(a.history, m.Name)
	return nil
}

func (a *agent) healthy(ctx context.Context) error {
	a.mu.Lock()
	check := a.onCheck
	a.mu.Unlock()
	if check != nil {
		return check(ctx)
	}
	return nil
}

func (a *agent) detect(_ context.Context, f *event.Frame) ([]event.Detection, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	content, err := os.ReadFile(filepath.Join(a.active.Overlay, a.active.Name+".weights"))
	if err != nil || bytes.Contains(content, []byte("blind")) || f.Pix[2] != 255 {
		return nil, err
	}
	return []event.Detection{{Label: "cat", Score: 0.8}}, nil
}

func (a *agent) now() update.ModelRef {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.active
}

var _ jobs.Link = (*linktest.Broker)(nil)

func contains(data []byte, text string) bool { return bytes.Contains(data, []byte(text)) }
