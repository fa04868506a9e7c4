package greengrass_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/event"
	"porchlight/internal/greengrass"
	"porchlight/internal/greengrass/fakenucleus"
	"porchlight/internal/publish/recipe"
	"porchlight/internal/vision/visiontest"
	"porchlight/recipes"
)

const (
	component = "porchlight.Camera"
	thing     = "home"
	patience  = 2 * time.Minute // only ever reached by a failing test
)

// buildCamera builds the component as it ships.
func buildCamera(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "camera")
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-o", file, "porchlight/components/camera")
	out, err := build.CombinedOutput()
	require.NoError(t, err, "%s", out)
	return file
}

// redClip makes a video, without loss, of a gray scene that a red block
// crosses, which is what the synthetic network takes for a person.
func redClip(t *testing.T) string {
	t.Helper()
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		t.Skip("ffmpeg is not installed: make deps installs it")
	}
	file := filepath.Join(t.TempDir(), "red.mkv")
	out, err := exec.CommandContext(t.Context(), "ffmpeg", "-v", "error", "-y",
		"-f", "lavfi", "-i", "color=c=0x808080:s=400x300:r=10:d=9,format=gbrp", "-f", "lavfi", "-i", "color=c=0xff0000:s=80x60:r=10:d=9,format=gbrp",
		"-filter_complex", `[0][1]overlay=x='if(between(t,1,5),20*floor((t-1)*5/2)+20,-200)':y=120:eval=frame:format=gbrp`,
		"-c:v", "libx264rgb", "-qp", "0", file).CombinedOutput()
	require.NoError(t, err, "%s", out)
	return file
}

// home is a core on which the component is deployed, and the cloud as far as
// the nucleus is not it.
type home struct {
	*fakenucleus.Nucleus
	t      *testing.T
	camera string // the program
	work   string // the component's work folder
	models string
	tokens string // address of the token exchange service

	mu       sync.Mutex
	pictures map[string]int // sizes by key
}

// newHome deploys the recipe's defaults and what an owner adds to them.
func newHome(t *testing.T, kind fakenucleus.Kind, camera string, owner map[string]any) *home {
	t.Helper()
	h := &home{
		Nucleus: fakenucleus.ForTest(t, kind, component), t: t, camera: camera, work: t.TempDir(), models: t.TempDir(), pictures: map[string]int{},
	}
	_, err := visiontest.WriteSyntheticSSD(h.models)
	require.NoError(t, err)
	tokens := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != h.Token() {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		_, _ = w.Write([]byte(`{"AccessKeyId":"A","SecretAccessKey":"S","Token":"T","Expiration":"2090-01-01T00:00:00Z"}`))
	}))
	t.Cleanup(tokens.Close)
	h.tokens = tokens.URL
	bucket := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var body bytes.Buffer
		size, _ := body.ReadFrom(r.Body)
		h.mu.Lock()
		defer h.mu.Unlock()
		h.pictures[strings.TrimPrefix(r.URL.Path, "/pictures/")] = int(size)
	}))
	t.Cleanup(bucket.Close)

	shipped, err := recipe.Parse(recipes.Camera())
	require.NoError(t, err)
	h.deploy(shipped.Value()["ComponentConfiguration"].(map[string]any)["DefaultConfiguration"])
	h.deploy(map[string]any{
		"detector": map[string]any{"model": visiontest.Model},
		"cloud":    map[string]any{"endpoint": bucket.URL, "thumbnail_bucket": "pictures"},
	})
	h.deploy(owner)
	return h
}

// deploy merges a configuration, as a deployment does.
func (h *home) deploy(tree any) {
	h.t.Helper()
	text, err := json.Marshal(tree)
	require.NoError(h.t, err)
	require.NoError(h.t, h.Deploy(component, text))
}

// process is the component at work.
type process struct {
	t    *testing.T
	cmd  *exec.Cmd
	done chan struct{}

	mu  sync.Mutex
	log bytes.Buffer
}

func (p *process) Write(text []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.Write(text)
}

// start starts the component as a nucleus does.
func (h *home) start() *process {
	h.t.Helper()
	p := &process{t: h.t, done: make(chan struct{})}
	p.cmd = exec.Command(h.camera, "-log", "json")
	p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = h.work, p, p
	p.cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + h.work, "PORCHLIGHT_MODELS=" + h.models,
		greengrass.SocketVariable + "=" + h.Socket(), greengrass.TokenVariable + "=" + h.Token(),
		"AWS_IOT_THING_NAME=" + thing, "AWS_REGION=us-east-1", "AWS_DEFAULT_REGION=us-east-1",
		"AWS_CONTAINER_CREDENTIALS_FULL_URI=" + h.tokens + "/2016-11-01/credentialprovider/",
		"AWS_CONTAINER_AUTHORIZATION_TOKEN=" + h.Token(),
	}
	require.NoError(h.t, p.cmd.Start())
	go func() {
		defer close(p.done)
		_ = p.cmd.Wait()
	}()
	h.t.Cleanup(func() {
		if !p.ended() {
			_ = p.cmd.Process.Kill()
			<-p.done
		}
		if h.t.Failed() {
			p.mu.Lock()
			defer p.mu.Unlock()
			h.t.Logf("log of the component:\n%s", p.log.Bytes()[max(0, p.log.Len()-8000):])
		}
	})
	return p
}

func (p *process) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// exit waits for the process to end and returns its status.
func (p *process) exit() int {
	p.t.Helper()
	select {
	case <-p.done:
	case <-time.After(patience):
		require.Fail(p.t, "the component does not end")
	}
	return p.cmd.ProcessState.ExitCode()
}

// stop asks it to end, as both nuclei do.
func (p *process) stop() int {
	p.t.Helper()
	require.NoError(p.t, p.cmd.Process.Signal(syscall.SIGTERM))
	return p.exit()
}

// await waits for what the component brings about.
func (h *home) await(p *process, what string, ok func() bool) {
	h.t.Helper()
	require.Eventually(h.t, func() bool { return p.ended() || ok() }, patience, 20*time.Millisecond, "waited in vain for %s", what)
	require.False(h.t, p.ended(), "the component ended before %s", what)
}

// events are the states of events that IoT Core got of a camera.
func (h *home) events(camera string) (states []*event.Event) {
	h.t.Helper()
	for _, p := range h.Published() {
		if p.Topic != event.Topic(thing, event.ChannelEvents) {
			continue
		}
		e, err := event.Parse(p.Payload)
		require.NoError(h.t, err)
		if e.Camera == event.CameraID(thing, camera) {
			states = append(states, e)
		}
	}
	return states
}

// published says whether a message with a text in it went to one of the
// thing's topics.
func (h *home) published(channel, text string) bool {
	for _, p := range h.Published() {
		if p.Topic == "porchlight/v1/"+thing+"/"+channel && strings.Contains(string(p.Payload), text) {
			return true
		}
	}
	return false
}

// status is what the thing said of itself last, empty before it did.
func (h *home) status() event.Status {
	h.t.Helper()
	published := h.Published()
	for i := len(published) - 1; i >= 0; i-- {
		if published[i].Topic == event.Topic(thing, event.ChannelStatus) {
			s, err := event.ParseStatus(published[i].Payload)
			require.NoError(h.t, err)
			return *s
		}
	}
	return event.Status{}
}

// state of a camera, as the status tells it.
func (h *home) state(camera string) event.CameraState {
	h.t.Helper()
	for _, c := range h.status().Cameras {
		if c.Camera == event.CameraID(thing, camera) {
			return c.State
		}
	}
	return ""
}

// hasPicture says whether the thumbnail of an event is in the bucket.
func (h *home) hasPicture(key string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.pictures[key] > 0
}
