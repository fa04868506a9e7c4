// Package evidence tests the way of video from a camera to the disk and to
// Kinesis Video Streams, with a simulated camera on RTSP and the streams of one
// machine.
package evidence

import (
	"context"
	"flag"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kinesisvideoarchivedmedia"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"porchlight/internal/capture"
	"porchlight/internal/capture/simulator"
	"porchlight/internal/config"
	"porchlight/internal/edge/evidence"
	"porchlight/internal/event"
	"porchlight/internal/kvs/producer"
	"porchlight/internal/localcloud/frontdoor"
	"porchlight/internal/localcloud/kvs"
	"porchlight/internal/localcloud/sts"
	"porchlight/internal/logtest"
)

// TestMain lets more tests run at once than there are processors: most wait
// for what happens before a camera.
func TestMain(m *testing.M) {
	testing.Init()
	_ = flag.Set("test.parallel", "5") // unless the command line says otherwise
	goleak.VerifyTestMain(m)
}

const (
	region   = "us-east-1"
	account  = "000000000000"
	door     = "home.door"
	patience = 90 * time.Second // only ever reached by a failing test
)

// everyone may do everything.
type everyone struct{}

func (everyone) Authorize(sts.Principal, string, string) error { return nil }

// cloud is Kinesis Video Streams behind its front door.
type cloud struct {
	t       *testing.T
	server  *httptest.Server
	video   *kvs.Service
	keys    *sts.Service
	archive *kinesisvideoarchivedmedia.Client
	broken  sync.Map // "down": nothing is answered

	pictures pictures
}

// pictures are those that were made of video.
type pictures struct {
	mu     sync.Mutex
	events map[string]string // by key: of which
}

// Put implements kvs.Objects.
func (p *pictures) Put(_ context.Context, bucket, key, _ string, metadata map[string]string, _ []byte) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.events == nil {
		p.events = map[string]string{}
	}
	p.events[bucket+"/"+key] = metadata[producer.TagEvents]
	return nil
}

// named returns the key of a picture of an event.
func (p *pictures) named(id string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	for key, of := range p.events {
		if strings.Contains(of, id) {
			return key
		}
	}
	return ""
}

func newCloud(t *testing.T) *cloud {
	t.Helper()
	dir, log := t.TempDir(), slog.New(slog.DiscardHandler)
	c := &cloud{t: t, server: httptest.NewUnstartedServer(nil)}
	var err error
	c.keys, err = sts.Open(sts.Config{Dir: filepath.Join(dir, "sts"), AccountID: account})
	require.NoError(t, err)
	c.video, err = kvs.Open(kvs.Config{
		Dir: filepath.Join(dir, "video"), Region: region, AccountID: account, Endpoint: "http://" + c.server.Listener.Addr().String(), Logger: log,
		Objects: &c.pictures,
	})
	require.NoError(t, err)
	handler, err := frontdoor.New(frontdoor.Config{
		Region: region, AccountID: account, Keys: c.keys, Logger: log, Authorizer: everyone{},
		Handlers: map[string]http.Handler{"kinesisvideo": c.video}, StreamARN: c.video.StreamARN,
	})
	require.NoError(t, err)
	c.server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, down := c.broken.Load("down"); down {
			panic(http.ErrAbortHandler)
		}
		if strings.HasPrefix(r.URL.Path, "/pictures/") {
			return // thumbnails
		}
		handler.ServeHTTP(w, r)
	})
	c.server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	c.server.Start()
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { c.video.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		running.Wait()
		c.server.CloseClientConnections()
		c.server.Close()
		require.NoError(t, c.video.Close())
	})
	c.archive = kinesisvideoarchivedmedia.New(kinesisvideoarchivedmedia.Options{
		Region: region, BaseEndpoint: aws.String(c.server.URL), Credentials: c.credentials(),
		HTTPClient: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}},
	})
	return c
}

func (c *cloud) credentials() aws.CredentialsProvider {
	k := c.keys.Admin()
	return credentials.NewStaticCredentialsProvider(k.AccessKeyID, k.SecretAccessKey, k.SessionToken)
}

// down cuts everything, up undoes it.
func (c *cloud) down() {
	c.broken.Store("down", true)
	c.server.CloseClientConnections()
}

func (c *cloud) up() { c.broken.Delete("down") }

// stored is a fragment as the cloud has it.
type stored struct{ from, to time.Time }

// fragments are those of a stream in the order of their time.
func (c *cloud) fragments(stream string) (out []stored) {
	pages := kinesisvideoarchivedmedia.NewListFragmentsPaginator(c.archive, &kinesisvideoarchivedmedia.ListFragmentsInput{StreamName: &stream})
	for pages.HasMorePages() {
		page, err := pages.NextPage(c.t.Context())
		if err != nil {
			require.ErrorContains(c.t, err, "ResourceNotFound")
			return nil
		}
		for _, f := range page.Fragments {
			out = append(out, stored{*f.ProducerTimestamp, f.ProducerTimestamp.Add(time.Duration(f.FragmentLengthInMilliseconds) * time.Millisecond)})
		}
	}
	slices.SortFunc(out, func(a, b stored) int { return a.from.Compare(b.from) })
	return out
}

// once fails the test when a moment is in more than one fragment. How long the
// last picture of a fragment is shown the service only guesses.
func (c *cloud) once() {
	c.t.Helper()
	all := c.fragments(door)
	for i := range all[1:] {
		require.False(c.t, all[i+1].from.Before(all[i].to.Add(-500*time.Millisecond)), "%v and %v overlap", all[i], all[i+1])
	}
}

// covers tells whether the cloud has a time of the door without gaps.
func (c *cloud) covers(from, to time.Time) bool { return c.has(door, from, to) }

// has tells whether a stream has a time without a fragment missing. On a busy
// machine the camera's clock may step a little while it is learnt.
func (c *cloud) has(stream string, from, to time.Time) bool {
	at := from
	for _, f := range c.fragments(stream) {
		if f.from.After(at.Add(900 * time.Millisecond)) {
			continue
		}
		if f.to.After(at) {
			at = f.to
		}
	}
	return !at.Before(to)
}

// gathering keeps events that went on.
type gathering struct {
	mu     sync.Mutex
	states []event.Event
}

func (g *gathering) Publish(_ context.Context, e event.Event, _ []byte) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.states = append(g.states, e)
	return nil
}

func (g *gathering) last() event.Event {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.states[len(g.states)-1]
}

// home is one life of a device with one camera.
type home struct {
	t      *testing.T
	cfg    *config.Config
	locker *evidence.Locker
	keeper *evidence.Keeper
	sink   *gathering
	cloud  *cloud // nil: there is none
	log    *logtest.Memory
	cancel context.CancelCauseFunc
	done   chan struct{}
	notes  sync.Map
	once   sync.Once
}

// newCamera is a camera with a keyframe each second, before which something
// moves all the time.
func newCamera(t *testing.T) *simulator.Camera {
	t.Helper()
	return newSimulator(t, "-f", "lavfi", "-i", "testsrc2=s=160x90:r=10:d=4")
}

// newWalk is one before which somebody red walks through again and again, for
// three of six seconds.
func newWalk(t *testing.T) *simulator.Camera {
	t.Helper()
	return newSimulator(t, "-f", "lavfi", "-i", "color=c=0x808080:s=160x90:r=10:d=6", "-f", "lavfi", "-i", "color=c=0xff0000:s=24x48:r=10:d=6",
		"-filter_complex", `[0][1]overlay=x='if(between(t,1,4),(t-1)*45,-200)':y=30:eval=frame`)
}

func newSimulator(t *testing.T, scene ...string) *simulator.Camera {
	t.Helper()
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		t.Skip("ffmpeg is not installed: make deps installs it")
	}
	file := filepath.Join(t.TempDir(), "scene.mkv")
	arguments := slices.Concat([]string{"-v", "error", "-y"}, scene, []string{"-c:v", "libx264", "-crf", "10", "-pix_fmt", "yuv420p", file})
	out, err := exec.CommandContext(t.Context(), "ffmpeg", arguments...).CombinedOutput()
	require.NoError(t, err, "%s", out)
	camera, err := simulator.New(t.Context(), simulator.Config{File: file, Log: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	t.Cleanup(camera.Close)
	return camera
}

func settings(change func(*config.Camera)) config.Camera {
	c := config.CameraDefaults()
	c.Record.PreRoll, c.Record.PostRoll = 2*time.Second, time.Second
	if change != nil {
		change(&c)
	}
	return c
}

func configOf(dir string, c *cloud) *config.Config {
	cfg := &config.Config{Thing: "home", StateDir: dir, Cloud: config.Cloud{Region: region}, Video: config.Video{Retention: time.Hour}}
	if c != nil {
		cfg.Cloud.Endpoint, cfg.Cloud.ThumbnailBucket = c.server.URL, "pictures"
	}
	return cfg
}

// live begins a life.
func live(t *testing.T, dir string, c *cloud, camera *simulator.Camera, s config.Camera, resume *event.Event) *home {
	t.Helper()
	var credentials aws.CredentialsProvider
	if c != nil {
		credentials = c.credentials()
	}
	h := liveWith(t, configOf(dir, c), credentials, camera.URL(), s, resume)
	h.cloud = c
	return h
}

func liveWith(t *testing.T, cfg *config.Config, credentials aws.CredentialsProvider, url string, s config.Camera, resume *event.Event) *home {
	t.Helper()
	h := &home{t: t, cfg: cfg, sink: &gathering{}, log: &logtest.Memory{}, done: make(chan struct{})}
	log := h.log.Logger()
	h.locker = evidence.Open(context.Background(), evidence.Config{
		Config: h.cfg, Next: h.sink, Log: log,
		Timing: producer.Timing{Linger: 200 * time.Millisecond, RetryMax: time.Second},
		Note:   func(camera, message string) { h.notes.Store(camera, message) },
	})
	if credentials != nil {
		h.locker.Connect(credentials)
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	h.cancel = cancel
	h.keeper = h.locker.Keep(ctx, door, s, resume)
	go func() {
		defer close(h.done)
		err := capture.Run(ctx, capture.Config{Name: door, URL: url, FPS: 5, Packets: h.keeper.Bus(), Log: slog.New(slog.DiscardHandler)}, func(*event.Frame) {})
		if err != nil {
			log.Error("capture", "error", err)
		}
		<-ctx.Done()
		h.keeper.Close()
	}()
	t.Cleanup(func() { h.end(nil) })
	return h
}

func (h *home) end(cause error) {
	h.t.Helper()
	h.cancel(cause)
	<-h.done
	h.once.Do(func() { require.NoError(h.t, h.locker.Close()) })
}

// happening is the first state of an event that begins now.
func happening(severity event.Severity) event.Event {
	now := time.Now()
	return event.Event{
		EventID: event.NewID(now), Sequence: 1, State: event.Started, Camera: door, StartedAt: event.At(now), UpdatedAt: event.At(now),
		Labels: map[string]float64{"person": 0.9}, Severity: severity, Zones: []string{}, Faces: []event.Face{}, Model: "test",
	}
}

// becomes publishes an event's next state.
func (h *home) becomes(e *event.Event, state event.State) {
	h.t.Helper()
	now := event.At(time.Now())
	if state != event.Started {
		e.Sequence++
	}
	e.State, e.UpdatedAt = state, now
	if state == event.Ended {
		e.EndedAt = &now
	}
	require.NoError(h.t, h.locker.Publish(h.t.Context(), *e, nil))
}

// eventually waits for what takes its time.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	require.Eventually(t, ok, patience, 50*time.Millisecond, what)
}

// flows waits until the camera's video has come for so long.
func (h *home) flows(d time.Duration) {
	h.t.Helper()
	eventually(h.t, "no video comes", func() bool { return h.keeper.Held() >= d })
}

// logged counts lines.
func (h *home) logged(text string) int { return strings.Count(h.log.String(), text) }

// explain says of a failed test what there is of a clip.
func (h *home) explain(clip *event.Clip) {
	if !h.t.Failed() {
		return
	}
	h.t.Logf("clip %v..%v", clip.From, clip.To)
	for _, r := range h.locker.Library().Ranges(door, clip.From.Add(-time.Minute), clip.To.Add(time.Minute)) {
		h.t.Logf("on the disk %v..%v", event.At(r.From), event.At(r.To))
	}
	for _, f := range h.cloud.fragments(door) {
		h.t.Logf("in the cloud %v..%v", event.At(f.from), event.At(f.to))
	}
	h.t.Logf("%+v", h.keeper.Stats())
	h.t.Log(h.log.String())
}

// uploaded tells whether all that is on the disk of a time is in the cloud, and
// whether there is something of its beginning and its end.
func (h *home) uploaded(from, to time.Time) bool {
	fragments := h.cloud.fragments(door)
	var starts []time.Time
	for g, err := range h.locker.Library().GOPs(h.t.Context(), door, from, to) {
		if err != nil {
			return false
		}
		starts = append(starts, time.UnixMilli(g.Start))
	}
	for _, start := range starts {
		if !slices.ContainsFunc(fragments, func(f stored) bool { return !start.Before(f.from) && !start.After(f.to) }) {
			return false
		}
	}
	return len(starts) > 0 && starts[0].Before(from.Add(2*time.Second)) && starts[len(starts)-1].After(to.Add(-3*time.Second))
}
