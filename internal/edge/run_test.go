package edge

import (
	"context"
	"errors"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/config"
	"porchlight/internal/edge/update"
	"porchlight/internal/event"
)

const token = "a secret of the page"

// The whole agent: a camera that plays a film, one in privacy mode, faces
// without a model, and the page. TestMain sees to it that nothing goes on after.
func TestRun(t *testing.T) {
	t.Parallel()
	b, log, seen := newBackend(t), &memory{}, &gathering{}
	door, window := watching(walkClip(t)), watching(forbidden(t))
	door.Faces.Detector = "yunet"
	window.Privacy = true
	b.config.Cameras["door"], b.config.Cameras["window"] = door, window
	b.config.Page = config.Page{Listen: "127.0.0.1:0", Token: token}
	asked := 0
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	go func() {
		ended <- b.agent(Options{
			Version: "1", Log: log.Logger(), OnEvent: seen.add,
			Open: func(*config.Config, update.ModelRef) (*Eyes, error) {
				return &Eyes{
					Detector: redDetector{}, Info: event.Detector{Model: "red"},
					Faces: func(config.Faces) (FaceDetector, error) {
						asked++
						return nil, errors.New("model yunet is not installed: pull it")
					},
				}, nil
			},
		}).run(ctx)
	}()
	address := log.find(t, `msg="local page" address=(\S+)`)
	require.Equal(t, http.StatusOK, b.get(t, address+"/stats", token))
	require.Equal(t, http.StatusUnauthorized, b.get(t, address+"/stats", "a wrong secret of it"))
	require.Equal(t, http.StatusOK, b.get(t, address+"/camera/home.door", token))
	require.Equal(t, http.StatusNotFound, b.get(t, address+"/camera/home.window", token), "it has no pictures")
	log.find(t, "file has been played")
	require.Eventually(t, func() bool {
		states := b.said("home.door")
		return len(states) > 0 && states[len(states)-1] == event.CameraEnded
	}, patience, 10*time.Millisecond)
	cancel()
	require.NoError(t, <-ended)

	require.Contains(t, b.said("home.door"), event.CameraRunning)
	for _, s := range b.said("home.window") {
		require.Equal(t, event.CameraPrivate, s)
	}
	require.NotEmpty(t, b.said("home.window"))
	require.Equal(t, 1, asked)
	require.Contains(t, log.String(), "no faces are looked for")

	states := seen.all()
	require.GreaterOrEqual(t, len(states), 2)
	require.Equal(t, event.Started, states[0].State)
	require.Equal(t, event.Ended, states[len(states)-1].State)
	require.Eventually(t, func() bool { // the broker acknowledges before it hands on
		b.mu.Lock()
		defer b.mu.Unlock()
		return len(b.events) == len(states) && b.status[len(b.status)-1].State == event.Offline
	}, patience, 10*time.Millisecond, "all of it reaches the cloud, and the farewell")
	b.mu.Lock()
	defer b.mu.Unlock()
	require.Contains(t, b.objects, "/pictures/"+ThumbnailKey("home", "home.door", states[0].EventID))
	require.FileExists(t, filepath.Join(b.config.StateDir, "cameras", "door.json"))
	left, err := (&openEvents{dir: filepath.Join(b.config.StateDir, "open")}).list()
	require.NoError(t, err)
	require.Empty(t, left)
}

func (b *backend) get(t *testing.T, url, token string) int {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, url, nil)
	require.NoError(t, err)
	r.Header.Set("Authorization", "Bearer "+token)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}
	response, err := client.Do(r)
	require.NoError(t, err)
	response.Body.Close()
	return response.StatusCode
}

// A page that cannot be served is no reason to watch nothing.
func TestRunWithoutItsPage(t *testing.T) {
	t.Parallel()
	b, log := newBackend(t), &memory{}
	b.config.Page = config.Page{Listen: "256.0.0.1:1", Token: token}
	b.config.Cameras["window"] = config.Camera{Privacy: true}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	go func() {
		ended <- b.agent(Options{Version: "1", Open: openRed, Log: log.Logger()}).run(ctx)
	}()
	log.find(t, "the local page is off")
	require.Eventually(t, func() bool { return len(b.said("home.window")) > 0 }, patience, 10*time.Millisecond)
	cancel()
	require.NoError(t, <-ended)
}
