package nucleus_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/edge/nucleus"
	"porchlight/internal/greengrass"
	"porchlight/internal/greengrass/fakenucleus"
)

func TestOpen(t *testing.T) {
	fake := fakenucleus.ForTest(t, fakenucleus.Lite, component)
	for missing, want := range map[string]error{
		greengrass.SocketVariable: greengrass.ErrNotUnderGreengrass,
		greengrass.TokenVariable:  greengrass.ErrNotUnderGreengrass,
		"AWS_IOT_THING_NAME":      nucleus.ErrThing,
	} {
		env := environment(fake)
		delete(env, missing)
		_, err := nucleus.Open(within(t), quick(t, env))
		require.ErrorIs(t, err, want)
	}
	env := environment(fake)
	delete(env, "AWS_REGION")
	env["AWS_DEFAULT_REGION"] = "us-west-2"
	n := open(t, quick(t, env))
	require.Equal(t, []string{"home", "us-west-2"}, []string{n.Thing(), n.Region()})
}

func TestOpenGivesUpWithItsContext(t *testing.T) {
	fake := fakenucleus.ForTest(t, fakenucleus.Lite, component)
	cfg := quick(t, environment(fake))
	fake.Stop()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	n, err := nucleus.Open(ctx, cfg)
	require.ErrorIs(t, err, context.Canceled)
	require.Nil(t, n)
}

func TestReady(t *testing.T) {
	onBoth(t, func(t *testing.T, fake *fakenucleus.Nucleus) {
		n := connected(t, fake)
		fake.Inject("UpdateState", fakenucleus.Exception(), fakenucleus.Fault{Drop: true})
		require.NoError(t, n.Ready(within(t)))
		require.Equal(t, []string{"RUNNING"}, fake.States())
		fake.Inject("UpdateState", fakenucleus.Fault{})
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			for fake.Counts().Requests["UpdateState"] < 4 {
				time.Sleep(time.Millisecond)
			}
			cancel()
		}()
		require.ErrorIs(t, n.Ready(ctx), context.Canceled)
	})
}

func TestRunEndsWithItsContext(t *testing.T) {
	onBoth(t, func(t *testing.T, fake *fakenucleus.Nucleus) {
		n := connected(t, fake)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		require.NoError(t, n.Run(ctx, nucleus.Hooks{Validate: func(map[string]any) error { return nil }, Busy: func() bool { return false }}))
	})
}

// The third exit within an hour would be the last one on nucleus lite.
func TestARestartedNucleusEndsTheProcess(t *testing.T) {
	onBoth(t, func(t *testing.T, fake *fakenucleus.Nucleus) {
		cfg := quick(t, environment(fake))
		start := time.Now()
		var clock atomic.Int64 // nanoseconds since start
		cfg.Now = func() time.Time { return start.Add(time.Duration(clock.Load())) }
		for range 2 {
			n := open(t, cfg)
			require.NoError(t, fake.Restart(t.Context()))
			require.ErrorIs(t, n.Run(within(t), nucleus.Hooks{}), greengrass.ErrTokenVoid)
			require.NoError(t, n.Close())
			env := environment(fake)
			cfg.Getenv = func(key string) string { return env[key] }
		}
		log := &memory{}
		cfg.Log = log.Logger()
		n := open(t, cfg)
		require.NoError(t, fake.Restart(t.Context()))
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- n.Run(ctx, nucleus.Hooks{}) }()
		eventually(t, func() bool { return strings.Contains(log.String(), "it exits, to be started again") })
		require.Contains(t, log.String(), "in=1h0m0s", "not before an hour after the first")
		cancel() // the nucleus stops it
		require.NoError(t, <-done)

		// A process that is started with an old token waits as well.
		ctx, cancel = context.WithCancel(t.Context())
		log = &memory{}
		cfg.Log = log.Logger()
		go func() {
			_, err := nucleus.Open(ctx, cfg)
			done <- err
		}()
		eventually(t, func() bool { return strings.Contains(log.String(), "it exits, to be started again") })
		cancel()
		require.ErrorIs(t, <-done, context.Canceled)
		clock.Store(int64(2 * time.Hour))
		_, err := nucleus.Open(within(t), cfg)
		require.ErrorIs(t, err, greengrass.ErrTokenVoid)
	})
}

func TestExitsThatCannotBeRemembered(t *testing.T) {
	fake := fakenucleus.ForTest(t, fakenucleus.Lite, component)
	cfg := quick(t, environment(fake))
	log := &memory{}
	cfg.Log = log.Logger()
	cfg.Folder = filepath.Join(cfg.Folder, "file")
	require.NoError(t, os.WriteFile(cfg.Folder, nil, 0o600))
	n := open(t, cfg)
	require.NoError(t, fake.Restart(t.Context()))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- n.Run(ctx, nucleus.Hooks{}) }()
	eventually(t, func() bool { return strings.Contains(log.String(), "in=31m0s") })
	cancel()
	require.NoError(t, <-done)
}

func TestValidation(t *testing.T) {
	fake := fakenucleus.ForTest(t, fakenucleus.Java, component)
	n := connected(t, fake)
	beside(t, func(ctx context.Context) {
		_ = n.Run(ctx, nucleus.Hooks{Validate: func(read map[string]any) error {
			if bucket := read["cloud"].(map[string]any)["thumbnail_bucket"]; bucket == nil {
				return errors.New("cloud.thumbnail_bucket: missing")
			}
			return nil
		}})
	})
	eventually(t, func() bool { return fake.Subscriptions() == 1 })
	given, _ := gateway(2, 6)
	given["camera_names"], given["Nonsense"] = "Cam-00", 1
	fake.Validate("good", marshal(t, given))
	fake.Validate("bad", []byte(`{"cloud":{}}`))
	fake.Validate("worse", []byte(`7`))
	eventually(t, func() bool { return len(fake.Reports()) == 3 })
	got := fake.Reports()
	require.Equal(t, fakenucleus.Report{Status: "ACCEPTED", DeploymentID: "good"}, got[0])
	require.Equal(t, fakenucleus.Report{Status: "REJECTED", DeploymentID: "bad", Message: "cloud.thumbnail_bucket: missing"}, got[1])
	require.Equal(t, "REJECTED", got[2].Status)
	require.Contains(t, got[2].Message, "not a section")
}

func TestUpdatesArePutOff(t *testing.T) {
	fake := fakenucleus.ForTest(t, fakenucleus.Java, component)
	n := connected(t, fake)
	var busy atomic.Bool
	beside(t, func(ctx context.Context) { _ = n.Run(ctx, nucleus.Hooks{Busy: busy.Load}) })
	eventually(t, func() bool { return fake.Subscriptions() == 1 })
	ask := func(deployment string) int64 {
		before := len(fake.Deferrals())
		fake.PreUpdate(deployment, false)
		eventually(t, func() bool { return len(fake.Deferrals()) == before+1 })
		last := fake.Deferrals()[before]
		require.Equal(t, deployment, last.DeploymentID)
		return last.RecheckMs
	}
	require.Zero(t, ask("a"))
	busy.Store(true)
	for range 4 {
		require.Equal(t, int64(30_000), ask("b"))
	}
	require.Zero(t, ask("b"), "two minutes are enough")
	require.Equal(t, int64(30_000), ask("c"))
	busy.Store(false)
	require.Zero(t, ask("c"), "it is over")
	fake.PostUpdate("c")
}

// Nucleus lite knows neither question.
func TestLiteDoesNotAsk(t *testing.T) {
	fake := fakenucleus.ForTest(t, fakenucleus.Lite, component)
	log := &memory{}
	cfg := quick(t, environment(fake))
	cfg.Log = log.Logger()
	n := open(t, cfg)
	beside(t, func(ctx context.Context) {
		_ = n.Run(ctx, nucleus.Hooks{Validate: func(map[string]any) error { return nil }, Busy: func() bool { return true }})
	})
	eventually(t, func() bool { return strings.Count(log.String(), "this nucleus does not ask") == 2 })
	require.NotContains(t, log.String(), "level=WARN")
	require.NotContains(t, log.String(), "level=ERROR")
}
