package greengrass_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/event"
	"porchlight/internal/greengrass/fakenucleus"
)

// TestComponentUnderNucleus runs the component that ships, with nothing but
// what a nucleus gives it.
func TestComponentUnderNucleus(t *testing.T) {
	t.Parallel()
	camera, clip := buildCamera(t), redClip(t)
	for _, kind := range []fakenucleus.Kind{fakenucleus.Java, fakenucleus.Lite} {
		t.Run(kind.String(), func(t *testing.T) {
			t.Parallel()
			underNucleus(t, kind, camera, clip)
		})
	}
}

type tree = map[string]any

func underNucleus(t *testing.T, kind fakenucleus.Kind, camera, clip string) {
	source := tree{"source": clip, "loop": true, "fps": 5, "quiet": "1s"}
	h := newHome(t, kind, camera, tree{"cameras": tree{"door": source, "yard": source, "shed": tree{"source": clip, "fps": "many"}}})
	p := h.start()
	h.await(p, "the state RUNNING", func() bool { return slices.Contains(h.States(), "RUNNING") })
	h.await(p, "two cameras, though a third has settings that cannot be used", func() bool {
		return h.status().State == event.Online && h.state("door") == event.CameraRunning && h.state("yard") == event.CameraRunning
	})
	ended := func(camera string) func() bool {
		before := len(h.events(camera))
		return func() bool {
			states := h.events(camera)
			return len(states) > before && states[len(states)-1].State == event.Ended
		}
	}
	h.await(p, "an event of the door", ended("door"))
	h.await(p, "an event of the yard", ended("yard"))
	first := h.events("door")[0]
	require.Equal(t, event.Started, first.State)
	h.await(p, "its thumbnail, with the credentials of the token exchange", func() bool {
		states := h.events("door")
		return h.hasPicture(states[len(states)-1].ThumbnailKey)
	})

	h.await(p, "a sensor that another component speaks for", func() bool {
		h.Publish("com.example.Zigbee", "porchlight/v1/"+thing+"/sensors/gate", "jsonMessage", json.RawMessage(`{"kind":"contact","state":"open"}`))
		return h.published("sensors/gate", `"state":"open"`)
	})
	h.await(p, "the answer to a command", func() bool {
		h.Deliver(event.Topic(thing, event.ChannelCommands),
			fmt.Appendf(nil, `{"request_id":"r1","command":"reload","expires_at":%q}`, time.Now().Add(time.Minute).UTC().Format("2006-01-02T15:04:05.000Z")), nil)
		return h.published("replies", `"state":"unsupported"`)
	})
	h.await(p, "privacy of the yard, from the shadow", func() bool {
		h.Deliver("$aws/things/"+thing+"/shadow/name/config/get/accepted", []byte(`{"version":1,"state":{"desired":{"cameras":{"yard":{"privacy":true}}}}}`), nil)
		return h.state("yard") == event.CameraPrivate
	})
	h.Deliver("$aws/things/"+thing+"/shadow/name/config/update/accepted", []byte(`{"version":2,"state":{"desired":{"cameras":{"yard":null}}}}`), nil)
	h.await(p, "the yard again", func() bool { return h.state("yard") == event.CameraRunning })

	h.deploy(tree{"cameras": tree{"door": tree{"privacy": true}}})
	h.await(p, "privacy at the door", func() bool { return h.state("door") == event.CameraPrivate })
	h.await(p, "the yard to go on", ended("yard"))
	require.Equal(t, event.CameraRunning, h.state("yard"))

	h.deploy(tree{"cameras": tree{"yard": tree{"fps": "none"}, "shed": tree{"fps": "5", "loop": true, "quiet": "1s"}}})
	h.await(p, "the shed, whose settings are good now", ended("shed"))
	h.await(p, "the yard to go on with its last good settings", ended("yard"))

	h.deploy(tree{"cameras": tree{"door": tree{"privacy": false}, "yard": tree{"fps": 5}}})
	h.await(p, "the door again", ended("door"))

	require.Zero(t, p.stop())
	require.Equal(t, event.Offline, h.status().State)
	for _, name := range []string{"door", "yard", "shed"} {
		states := h.events(name)
		require.Equal(t, event.Ended, states[len(states)-1].State, "no event of %s stays open", name)
	}
	require.Equal(t, []string{"RUNNING"}, h.States(), "once, and never ERRORED for a camera")
	require.Zero(t, h.Counts().Dropped)
}

// A nucleus that restarts voids the token: the component exits, and not with
// success, to be started again; what it had to say is not lost.
func TestComponentExitsWithItsToken(t *testing.T) {
	t.Parallel()
	camera, clip := buildCamera(t), redClip(t)
	for _, kind := range []fakenucleus.Kind{fakenucleus.Java, fakenucleus.Lite} {
		t.Run(kind.String(), func(t *testing.T) {
			t.Parallel()
			h := newHome(t, kind, camera, tree{"cameras": tree{"door": tree{"source": clip, "loop": true, "fps": 5, "quiet": "1s"}}})
			p := h.start()
			h.await(p, "an event", func() bool { return len(h.events("door")) > 0 })
			require.NoError(t, h.Restart(t.Context()))
			require.Equal(t, 1, p.exit())

			p = h.start()
			h.await(p, "the next life", func() bool { return h.state("door") == event.CameraRunning && h.status().State == event.Online })
			h.await(p, "an end for each event", func() bool {
				open := map[string]bool{}
				for _, e := range h.events("door") {
					open[e.EventID] = e.State != event.Ended
				}
				for _, is := range open {
					if is {
						return false
					}
				}
				return len(open) > 0
			})
			require.Zero(t, p.stop())
		})
	}
}
