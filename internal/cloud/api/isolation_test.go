package api

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// isolation says, for each route of the contract, how bob tries to get at what
// is alice's. It returns the bodies of all the answers he gets.
func isolation(t *testing.T, w *world) map[string]func() []string {
	hers := w.events["alice"][0]
	return map[string]func() []string{
		camerasRoute: func() []string {
			res := w.get(t, "bob", camerasRoute, "", map[string]string{"owner": "alice"})
			require.Equal(t, 200, res.StatusCode)
			return []string{res.Body}
		},
		eventRoute: func() (bodies []string) {
			// Hers answers byte for byte as one that exists nowhere.
			nowhere := w.get(t, "bob", eventRoute, "01J8Z3NDEKTSV4RRFFQ69G5FAV", nil)
			for _, e := range w.events["alice"] {
				res := w.get(t, "bob", eventRoute, e.EventID, nil)
				problem(t, res, 404)
				require.Equal(t, nowhere, res)
				bodies = append(bodies, res.Body)
			}
			for _, id := range []string{"", "../alice/" + hers.EventID, "EV#" + hers.EventID, "%", hers.EventID + "\x00"} {
				require.Equal(t, nowhere, w.get(t, "bob", eventRoute, id, nil))
			}
			return bodies
		},
		eventsRoute: func() (bodies []string) {
			for _, filters := range []map[string]string{
				{}, {"label": "person"}, {"limit": "100"}, {"from": "2026-05-04T00:00:00Z"}, {"to": "2027-01-01T00:00:00Z"},
			} {
				res := w.get(t, "bob", eventsRoute, "", filters)
				for _, e := range list(t, res).Events {
					require.Contains(t, []string{"shed.front", "shed.back"}, e.Camera)
				}
				bodies = append(bodies, res.Body)
			}
			// Her cameras answer byte for byte as ones that exist nowhere.
			nowhere := w.get(t, "bob", eventsRoute, "", map[string]string{"camera": "nowhere.front"})
			problem(t, nowhere, 404)
			for _, camera := range []string{"porch.front", "porch.back"} {
				require.Equal(t, nowhere, w.get(t, "bob", eventsRoute, "", map[string]string{"camera": camera}))
				require.Equal(t, nowhere, w.get(t, "bob", eventsRoute, "", map[string]string{"camera": camera, "label": "person"}))
			}
			problem(t, w.get(t, "bob", eventsRoute, "", map[string]string{"camera": "alice#porch.front"}), 400)
			// Her cursors do not open for him, with her filters or his own.
			for _, filters := range []map[string]string{{}, {"label": "person"}, {"camera": "porch.front"}} {
				query := map[string]string{"limit": "1"}
				for name, v := range filters {
					query[name] = v
				}
				stolen := list(t, w.get(t, "alice", eventsRoute, "", query)).NextCursor
				require.NotEmpty(t, stolen)
				query["cursor"] = stolen
				require.Equal(t, 200, w.get(t, "alice", eventsRoute, "", query).StatusCode, "it is good for her")
				problem(t, w.get(t, "bob", eventsRoute, "", query), 400)
				problem(t, w.get(t, "bob", eventsRoute, "", map[string]string{"cursor": stolen}), 400)
			}
			return bodies
		},
		playEventRoute:  func() []string { return isolatedEvent(t, w, playEventRoute) },
		eventClipRoute:  func() []string { return isolatedEvent(t, w, eventClipRoute) },
		recordingsRoute: func() []string { return isolatedCamera(t, w, recordingsRoute) },
		playCameraRoute: func() []string { return isolatedCamera(t, w, playCameraRoute) },
		cameraClipRoute: func() []string { return isolatedCamera(t, w, cameraClipRoute) },
		viewRoute:       func() []string { return isolatedCamera(t, w, viewRoute) },
	}
}

// isolatedEvent: the video of her events answers byte for byte as that of one
// that exists nowhere, and nobody looks for it.
func isolatedEvent(t *testing.T, w *world, route string) (bodies []string) {
	nowhere := w.get(t, "bob", route, "01J8Z3NDEKTSV4RRFFQ69G5FAV", nil)
	problem(t, nowhere, 404)
	for _, e := range w.events["alice"] {
		res := w.get(t, "bob", route, e.EventID, nil)
		require.Equal(t, nowhere, res)
		bodies = append(bodies, res.Body)
	}
	require.Empty(t, w.video.asked)
	return bodies
}

// isolatedCamera: her cameras answer byte for byte as ones that exist nowhere,
// whatever is asked of them, and nobody looks for their video.
func isolatedCamera(t *testing.T, w *world, route string) (bodies []string) {
	for _, query := range []map[string]string{{"from": "2026-05-04T03:02:01Z", "to": "2026-05-04T03:12:01Z"}, {}, {"owner": "alice"}} {
		nowhere := w.get(t, "bob", route, "nowhere.front", query)
		problem(t, nowhere, 404)
		for _, camera := range []string{"porch.front", "porch.back", "porch.none", "shed.none", "alice#porch.front", "shed.front/../porch.front", ""} {
			res := w.get(t, "bob", route, camera, query)
			require.Equal(t, nowhere, res, camera)
			bodies = append(bodies, res.Body)
		}
	}
	require.Empty(t, w.video.asked)
	return bodies
}

func TestOwnersAreApartOnEveryRoute(t *testing.T) {
	w := newWorld(t)
	tries := isolation(t, w)
	for route := range routes(t) {
		t.Run(route, func(t *testing.T) {
			try := tries[route]
			require.NotNil(t, try, "a route without an isolation test: write one")
			for _, body := range try() {
				require.NotContains(t, body, "porch")
				require.NotContains(t, body, "alice")
				for _, e := range w.events["alice"] {
					require.NotContains(t, body, e.EventID)
				}
			}
		})
	}
}
