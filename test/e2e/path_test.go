package e2e

import (
	"encoding/json"
	"image"
	"image/jpeg"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"
)

// TestFromPictureToAPI follows one event from the camera's picture to what the
// owner's app reads, then cuts the power.
func TestFromPictureToAPI(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	stranger := addUser(t, data, "stranger@example.com")
	flags := append(syntheticCamera(t), "--thing", "home", "--thing", "yard")
	m := boot(t, data, flags...)
	me := m.signIn()

	await(t, "an ended event at the API", func() bool {
		events := me.events()
		return len(events) > 0 && events[len(events)-1]["state"] == "ended"
	})
	events := me.events()
	first := events[len(events)-1]

	t.Run("the event says what was seen", func(t *testing.T) {
		require.Equal(t, "home.door", first["camera"])
		require.Equal(t, "synthetic-ssd", first["model"])
		require.InDelta(t, 0.9525, first["labels"].(map[string]any)["person"], 0.001)
		require.NotEmpty(t, first["ended_at"])
		status, alone := me.get("/v1/events/" + first["event_id"].(string))
		require.Equal(t, http.StatusOK, status)
		require.Equal(t, first["sequence"], alone["sequence"])
	})
	t.Run("the box lies on the block in the thumbnail", func(t *testing.T) {
		var picture image.Image
		await(t, "the thumbnail", func() bool {
			_, e := me.get("/v1/events/" + first["event_id"].(string))
			resp, err := http.Get(e["thumbnail_url"].(string)) //nolint:gosec // our own address
			require.NoError(t, err)
			defer resp.Body.Close()
			if resp.StatusCode != http.StatusOK {
				return false
			}
			picture, err = jpeg.Decode(resp.Body)
			require.NoError(t, err)
			return true
		})
		box := first["box"].([]any)
		at := func(fx, fy float64) (r, g uint32) {
			x := box[0].(float64) + fx*(box[2].(float64)-box[0].(float64))
			y := box[1].(float64) + fy*(box[3].(float64)-box[1].(float64))
			r, g, _, _ = picture.At(int(x*float64(picture.Bounds().Dx())), int(y*float64(picture.Bounds().Dy()))).RGBA()
			return r, g
		}
		for _, inside := range [][2]float64{{0.5, 0.5}, {0.2, 0.2}, {0.8, 0.8}} {
			r, g := at(inside[0], inside[1])
			require.Greater(t, r, 3*g, "%v", inside)
		}
		r, g := at(-0.3, 0.5)
		require.Less(t, r, 2*g, "left of the box is the wall")
	})
	t.Run("the camera is there", func(t *testing.T) {
		await(t, "the camera's state", func() bool {
			_, body := me.get("/v1/cameras")
			cameras := body["cameras"].([]any)
			return len(cameras) == 1 && cameras[0].(map[string]any)["state"] == "running" && cameras[0].(map[string]any)["online"] == true
		})
	})
	t.Run("another owner sees none of it", func(t *testing.T) {
		other := m.signInAs("stranger@example.com", stranger)
		status, body := other.get("/v1/cameras")
		require.Equal(t, http.StatusOK, status)
		require.Empty(t, body["cameras"])
		require.Empty(t, other.events())
		status, _ = other.get("/v1/events/" + first["event_id"].(string))
		require.Equal(t, http.StatusNotFound, status)
		status, _ = other.get("/v1/events?camera=home.door")
		require.Equal(t, http.StatusNotFound, status)
		_, mine := me.get("/v1/events?limit=1")
		if cursor, ok := mine["next_cursor"].(string); ok {
			status, _ = other.get("/v1/events?limit=1&cursor=" + cursor)
			require.Equal(t, http.StatusBadRequest, status)
		}
	})
	t.Run("no token, a forged one and an expired one are refused", func(t *testing.T) {
		for name, token := range map[string]string{
			"none": "", "garbage": "x.y.z",
			"unsigned": unsigned(t, me.token), "tampered": me.token[:len(me.token)-4] + "AAAA",
		} {
			for _, path := range []string{"/v1/cameras", "/v1/events", "/v1/events/" + first["event_id"].(string)} {
				status, _ := owner{m, token}.get(path)
				require.Equal(t, http.StatusUnauthorized, status, "%s token on %s", name, path)
			}
		}
	})
	t.Run("standard clients", func(t *testing.T) { standardClients(t, m) })
	t.Run("browser", func(t *testing.T) { browserSeesEvents(t, m) })

	before := me.events()
	m.kill()
	m = boot(t, data, flags...)
	after := map[any]map[string]any{}
	me = m.signIn()
	await(t, "a new event after the power cut", func() bool {
		for _, e := range me.events() {
			after[e["event_id"]] = e
		}
		return len(after) > len(before)
	})
	for _, e := range before {
		again, ok := after[e["event_id"]]
		require.True(t, ok, "event %v is gone", e["event_id"])
		require.GreaterOrEqual(t, again["sequence"], e["sequence"])
		await(t, "the event that was open to end", func() bool {
			_, now := me.get("/v1/events/" + e["event_id"].(string))
			return now["state"] == "ended"
		})
	}
}

// addUser adds an owner to a data folder that nothing runs on yet.
func addUser(t *testing.T, data, email string) (password string) {
	t.Helper()
	out, err := exec.Command(filepath.Join(root(), "bin", "porchlight"), "user", "add", "--json", "--data", data, email).Output()
	require.NoError(t, err)
	var user struct{ Password string }
	require.NoError(t, json.Unmarshal(out, &user))
	return user.Password
}

// unsigned returns a token with the claims of a good one and no signature.
func unsigned(t *testing.T, token string) string {
	t.Helper()
	claims := jwt.MapClaims{}
	_, _, err := jwt.NewParser().ParseUnverified(token, claims)
	require.NoError(t, err)
	claims["exp"] = time.Now().Add(time.Hour).Unix()
	forged, err := jwt.NewWithClaims(jwt.SigningMethodNone, claims).SignedString(jwt.UnsafeAllowNoneSignatureType)
	require.NoError(t, err)
	return strings.TrimSpace(forged)
}
