package nucleus_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"porchlight/internal/config"
	"porchlight/internal/edge/nucleus"
	"porchlight/internal/greengrass/fakenucleus"
)

type tree = map[string]any

// gateway is a configuration as a deployment merges it over the recipe's. Every
// camera has as many keys as asked for, at least two.
func gateway(cameras, keys int) (configuration tree, names []string) {
	all := tree{}
	for i := range cameras {
		name := fmt.Sprintf("Cam-%02d", i)
		names = append(names, name)
		camera := tree{"source": "rtsp://192.0.2.7/" + name, "fps": 5, "max_width": 640, "quiet": "3s", "loop": false, "privacy": true}
		for key := range camera {
			if len(camera) > keys && key != "source" {
				delete(camera, key)
			}
		}
		all[name] = camera
	}
	return tree{
		"thing": "", "state_dir": "state", "detector": tree{"min_score": 0.6, "threads": 2},
		"cloud":         tree{"region": "", "thumbnail_bucket": "pictures"},
		"spool":         tree{"max_bytes": 67108864},
		"cameras":       all,
		"accessControl": tree{"aws.greengrass.ipc.mqttproxy": tree{"a": tree{"operations": []any{"*"}}}},
	}, names
}

// parsed makes a configuration of what was read.
func parsed(t *testing.T, read tree) *config.Config {
	t.Helper()
	c, err := config.Parse(marshal(t, read))
	require.NoError(t, err)
	return c
}

func TestRead(t *testing.T) {
	for _, cameras := range []int{0, 1, 17} {
		onBoth(t, func(t *testing.T, fake *fakenucleus.Nucleus) {
			given, names := gateway(cameras, 6)
			deploy(t, fake, given)
			read, err := connected(t, fake).Settings().Read(within(t))
			require.NoError(t, err)
			c := parsed(t, read)
			require.Equal(t, "home", c.Thing)
			require.Equal(t, "eu-central-1", c.Cloud.Region)
			require.Equal(t, config.Detector{MinScore: 0.6, Threads: 2}, c.Detector)
			require.Equal(t, int64(64<<20), c.Spool.MaxBytes)
			require.Len(t, c.Cameras, cameras)
			for _, name := range names {
				camera := c.Cameras[name]
				require.Equal(t, "rtsp://192.0.2.7/"+name, camera.Source)
				require.Equal(t, []any{640, false, true}, []any{camera.MaxWidth, camera.Loop, camera.Privacy})
			}
		})
	}
}

// As many cameras as there may be are too much for one answer of nucleus lite.
func TestReadThirtyTwoCameras(t *testing.T) {
	onBoth(t, func(t *testing.T, fake *fakenucleus.Nucleus) {
		given, names := gateway(32, 6)
		deploy(t, fake, given)
		settings := connected(t, fake).Settings()
		_, err := settings.Read(within(t))
		if fake.Kind() == fakenucleus.Java {
			require.NoError(t, err)
		} else {
			require.ErrorIs(t, err, nucleus.ErrSettings)
			require.ErrorContains(t, err, `list the names of the cameras in camera_names, as in "front,yard"`)
		}
		for _, form := range []any{strings.Join(names, " , "), names} {
			deploy(t, fake, tree{"camera_names": form})
			read, err := settings.Read(within(t))
			require.NoError(t, err)
			require.NotContains(t, read, "camera_names")
			require.Len(t, parsed(t, read).Cameras, 32)
		}
	})
}

// One camera alone may be too much: then it is read key by key.
func TestReadACameraOfManyZones(t *testing.T) {
	onBoth(t, func(t *testing.T, fake *fakenucleus.Nucleus) {
		given, _ := gateway(1, 6)
		zones, masks := tree{}, []any{}
		for i := range 8 {
			corners := []any{[]any{0, 0}, []any{0.5, 0}, []any{0.5, 0.5}, []any{0, 0.5}}
			zones[fmt.Sprint("zone-", i)] = tree{"polygon": corners, "labels": []any{"person"}}
			masks = append(masks, corners)
		}
		camera := given["cameras"].(tree)["Cam-00"].(tree)
		camera["zones"], camera["privacy_masks"] = zones, masks
		given["camera_names"] = "Cam-00"
		deploy(t, fake, given)
		read, err := connected(t, fake).Settings().Read(within(t))
		require.NoError(t, err)
		got := parsed(t, read).Cameras["Cam-00"]
		require.Len(t, got.Zones, 8)
		require.Len(t, got.PrivacyMasks, 8)
		require.Equal(t, 640, got.MaxWidth)
	})
}

func TestCameraNamesSayWhichThereAre(t *testing.T) {
	onBoth(t, func(t *testing.T, fake *fakenucleus.Nucleus) {
		given, _ := gateway(3, 6)
		given["camera_names"] = "Cam-01, none"
		deploy(t, fake, given)
		log := &memory{}
		cfg := quick(t, environment(fake))
		cfg.Log = log.Logger()
		settings := open(t, cfg).Settings()
		read, err := settings.Read(within(t))
		require.NoError(t, err)
		cameras := read["cameras"].(tree)
		require.Len(t, cameras, 2)
		require.NotNil(t, cameras["Cam-01"])
		require.Contains(t, cameras, "none")
		require.Nil(t, cameras["none"], "a camera at fault, and alone so")
		require.Contains(t, log.String(), "a camera of camera_names has no settings")

		for _, bad := range []any{tree{"a": "b"}, []any{tree{}}, strings.Repeat("a,", 3) + "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31,32"} {
			deploy(t, fake, tree{"camera_names": bad})
			_, err := settings.Read(within(t))
			require.ErrorIs(t, err, nucleus.ErrSettings)
			require.ErrorContains(t, err, "camera_names")
		}
	})
}

// What is written wrong comes through for config to name it, whatever it is.
func TestReadWhatIsWrong(t *testing.T) {
	for _, wrong := range []any{"none", 7, true, []any{"a"}, nil, "", tree{"front": "rtsp://192.0.2.7"}, tree{"cameras": tree{"fps": 1}}} {
		for _, key := range []string{"cameras", "cloud", "thing", "state_dir", "detector"} {
			onBoth(t, func(t *testing.T, fake *fakenucleus.Nucleus) {
				deploy(t, fake, tree{key: wrong})
				read, err := connected(t, fake).Settings().Read(within(t))
				require.NoError(t, err)
				_, err = config.Parse(marshal(t, read))
				require.ErrorIs(t, err, config.ErrInvalid)
			})
		}
	}
}

func TestKeysOnJavaMayHaveAnyCase(t *testing.T) {
	fake := fakenucleus.ForTest(t, fakenucleus.Java, component)
	deploy(t, fake, tree{
		"Cloud": tree{"Thumbnail_Bucket": "pictures"}, "CAMERAS": tree{"Front": tree{"Source": "a", "FPS": 2, "Motion": tree{"Min_Area": 0.1}}},
	})
	read, err := connected(t, fake).Settings().Read(within(t))
	require.NoError(t, err)
	c := parsed(t, read)
	require.Equal(t, "pictures", c.Cloud.ThumbnailBucket)
	require.Equal(t, 2.0, c.Cameras["Front"].FPS)
	require.Equal(t, 0.1, c.Cameras["Front"].Motion.MinArea)
}

func TestTheThingIsTheCore(t *testing.T) {
	onBoth(t, func(t *testing.T, fake *fakenucleus.Nucleus) {
		given, _ := gateway(1, 6)
		given["thing"], given["cloud"] = "other", tree{"region": "us-west-2", "thumbnail_bucket": "pictures"}
		deploy(t, fake, given)
		log := &memory{}
		cfg := quick(t, environment(fake))
		cfg.Log = log.Logger()
		read, err := open(t, cfg).Settings().Read(within(t))
		require.NoError(t, err)
		c := parsed(t, read)
		require.Equal(t, "home", c.Thing)
		require.Equal(t, "us-west-2", c.Cloud.Region)
		require.Contains(t, log.String(), "the key thing has no effect under Greengrass")
	})
}

// applied gathers what Watch hands over.
type applied struct {
	mu    sync.Mutex
	trees []tree
}

func (a *applied) add(read tree) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.trees = append(a.trees, read)
}

func (a *applied) wait(t *testing.T, count int) tree {
	t.Helper()
	var last tree
	eventually(t, func() bool {
		a.mu.Lock()
		defer a.mu.Unlock()
		if len(a.trees) >= count {
			last = a.trees[count-1]
		}
		return len(a.trees) >= count
	})
	return last
}

func (a *applied) count() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.trees)
}

// hasRead waits for a whole read after that many requests.
func hasRead(t *testing.T, fake *fakenucleus.Nucleus, before int) {
	t.Helper()
	eventually(t, func() bool {
		return fake.Counts().Requests["GetConfiguration"] >= before+len(config.Keys())+1
	})
}

func TestWatchFollowsChanges(t *testing.T) {
	onBoth(t, func(t *testing.T, fake *fakenucleus.Nucleus) {
		given, _ := gateway(2, 6)
		deploy(t, fake, given)
		n, a := connected(t, fake), &applied{}
		beside(t, func(ctx context.Context) { n.Settings().Watch(ctx, a.add) })
		require.True(t, parsed(t, a.wait(t, 1)).Cameras["Cam-00"].Privacy)
		eventually(t, func() bool { return fake.Subscriptions() == 1 })

		deploy(t, fake, tree{"cameras": tree{"Cam-00": tree{"privacy": false}}})
		c := parsed(t, a.wait(t, 2))
		require.False(t, c.Cameras["Cam-00"].Privacy)
		require.True(t, c.Cameras["Cam-01"].Privacy)

		// A change while the connection is away.
		fake.Stop()
		deploy(t, fake, tree{"cameras": tree{"Cam-01": tree{"fps": 1}}})
		require.NoError(t, fake.Resume(t.Context()))
		require.Equal(t, 1.0, parsed(t, a.wait(t, 3)).Cameras["Cam-01"].FPS)

		// What changes nothing that is read is not handed on.
		deploy(t, fake, tree{"unknown": "x"})
		hasRead(t, fake, fake.Counts().Requests["GetConfiguration"])
		deploy(t, fake, tree{"cameras": tree{"Cam-01": tree{"fps": 2}}})
		require.Equal(t, 2.0, parsed(t, a.wait(t, 4)).Cameras["Cam-01"].FPS)
	})
}

// A deployment is many events and one change.
func TestWatchGathersChanges(t *testing.T) {
	onBoth(t, func(t *testing.T, fake *fakenucleus.Nucleus) {
		given, _ := gateway(1, 6)
		deploy(t, fake, given)
		cfg := quick(t, environment(fake))
		cfg.Settle = nucleus.Settle{} // the true ones
		n, a := open(t, cfg), &applied{}
		beside(t, func(ctx context.Context) { n.Settings().Watch(ctx, a.add) })
		a.wait(t, 1)
		hasRead(t, fake, len(config.Keys())+1) // once more, after it subscribed
		deploy(t, fake, tree{
			"detector": tree{"min_score": 0.7, "threads": 1}, "spool": tree{"max_age": "1h", "max_bytes": "1MB"},
			"cameras": tree{"Cam-00": tree{"fps": 1, "quiet": "4s", "privacy": false}},
		})
		c := parsed(t, a.wait(t, 2))
		require.Equal(t, 0.7, c.Detector.MinScore)
		require.Equal(t, 1.0, c.Cameras["Cam-00"].FPS)
		require.Equal(t, 2, a.count())
	})
}

// A nucleus that cannot answer yet is asked again; what was good stays.
func TestWatchWaitsForTheConfiguration(t *testing.T) {
	onBoth(t, func(t *testing.T, fake *fakenucleus.Nucleus) {
		given, _ := gateway(1, 6)
		deploy(t, fake, given)
		fake.Inject("GetConfiguration", fakenucleus.Exception(), fakenucleus.Fault{Drop: true},
			fakenucleus.Fault{Error: &fakenucleus.ModeledError{Code: "ServiceError", Message: "not now"}})
		fake.Inject("SubscribeToConfigurationUpdate", fakenucleus.Fault{Error: &fakenucleus.ModeledError{Code: "ServiceError", Message: "Failed to bind subscription"}})
		n, a := connected(t, fake), &applied{}
		beside(t, func(ctx context.Context) { n.Settings().Watch(ctx, a.add) })
		require.Len(t, parsed(t, a.wait(t, 1)).Cameras, 1)
		eventually(t, func() bool { return fake.Subscriptions() == 1 })
	})
}
