package e2e

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/stretchr/testify/require"

	"porchlight/internal/event"
	"porchlight/internal/iot"
	"porchlight/internal/modelstore"
	"porchlight/internal/vision/visiontest"
)

// A device out of the box becomes a thing, and from then on the cloud sets its
// cameras, asks it for a picture and gives it models, a bad one too.
func TestDeviceUnderTheCloud(t *testing.T) {
	t.Parallel()
	m := boot(t, filepath.Join(t.TempDir(), "data"))
	me := m.signIn()
	box, empty := t.TempDir(), t.TempDir()
	m.operator("camera", "claim", "--json", "--out", box, "--serial", "pl-009")
	m.operator("camera", "allow", "--json", "--owner", me.sub(), "pl-009=porch")
	file := filepath.Join(box, "porchlight.yaml")
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	clip := redClip(t)
	text = append(text, fmt.Sprintf("detector: {models: %s}\ncameras:\n  door: {source: %s, loop: true, quiet: 2s}\n  yard: {source: %s, loop: true, quiet: 2s}\n",
		empty, clip, clip)...)
	require.NoError(t, os.WriteFile(file, text, 0o600))
	runCamera(t, file)
	await(t, "the door to run", me.is("porch.door", "running"))
	await(t, "the yard to run", me.is("porch.yard", "running"))

	t.Run("settings", func(t *testing.T) { settingsFromTheCloud(t, m, me) })
	t.Run("command", func(t *testing.T) { pictureOnCommand(t, m) })
	t.Run("models", func(t *testing.T) { modelsByJob(t, m, me) })
}

// camera returns the state of a camera and the model that looks through it.
func (o owner) camera(id string) (state, model string) {
	_, body := o.get("/v1/cameras")
	cameras, _ := body["cameras"].([]any)
	for _, c := range cameras {
		c, _ := c.(map[string]any)
		if c["camera"] == id {
			detector, _ := c["detector"].(map[string]any)
			state, _ = c["state"].(string)
			model, _ = detector["model"].(string)
		}
	}
	return state, model
}

// is says whether a camera is in a state.
func (o owner) is(id, state string) func() bool {
	return func() bool {
		now, _ := o.camera(id)
		return now == state
	}
}

// environment is what aws.env holds.
func (m *machine) environment() map[string]string {
	m.t.Helper()
	data, err := os.ReadFile(filepath.Join(m.data, "aws.env"))
	require.NoError(m.t, err)
	env := map[string]string{}
	for _, line := range strings.Fields(string(data)) {
		key, value, _ := strings.Cut(line, "=")
		env[key] = value
	}
	return env
}

// output returns an output of the template, from the file that is kept of them.
func (m *machine) output(name string) string {
	m.t.Helper()
	data, err := os.ReadFile(filepath.Join(m.data, "outputs.json"))
	require.NoError(m.t, err)
	var stacks map[string]map[string]string
	require.NoError(m.t, json.Unmarshal(data, &stacks))
	for _, outputs := range stacks {
		if value, ok := outputs[name]; ok {
			return value
		}
	}
	require.FailNow(m.t, "no such output", name)
	return ""
}

// settingsFromTheCloud changes the shadow with the AWS CLI.
func settingsFromTheCloud(t *testing.T, m *machine, me owner) {
	aws := awsCLI(t, m)
	answer := filepath.Join(t.TempDir(), "answer.json")
	shadow := func() (reported map[string]any) {
		aws("iot-data", "get-thing-shadow", "--thing-name", "porch", "--shadow-name", "config", answer)
		data, err := os.ReadFile(answer)
		require.NoError(t, err)
		var document struct {
			State struct{ Reported map[string]any }
		}
		require.NoError(t, json.Unmarshal(data, &document))
		return document.State.Reported
	}
	desire := func(cameras string) {
		aws("iot-data", "update-thing-shadow", "--thing-name", "porch", "--shadow-name", "config", "--cli-binary-format", "raw-in-base64-out",
			"--payload", `{"state":{"desired":{"cameras":`+cameras+`}}}`, answer)
	}
	desire(`{"door":{"privacy":true},"yard":{"fps":"many"}}`)
	await(t, "privacy at the door", me.is("porch.door", "private"))
	await(t, "a report of what is in use and what cannot be", func() bool {
		text, err := json.Marshal(shadow())
		require.NoError(t, err)
		return strings.Contains(string(text), `"door":{"privacy":true}`) && strings.Contains(string(text), "cameras.yard.fps")
	})
	require.True(t, me.is("porch.yard", "running")(), "it goes on with what it had")
	desire(`{"door":{"privacy":false},"yard":{"fps":4}}`)
	await(t, "the door again", me.is("porch.door", "running"))
	await(t, "a report without faults", func() bool {
		reported := shadow()
		_, faults := reported["faults"]
		text, err := json.Marshal(reported["cameras"])
		require.NoError(t, err)
		return !faults && string(text) == `{"door":{"privacy":false},"yard":{"fps":4}}`
	})
}

// pictureOnCommand hears the reply as an operator with AWS keys does, over a
// WebSocket.
func pictureOnCommand(t *testing.T, m *machine) {
	env := m.environment()
	identity, err := iot.LoadIdentity(filepath.Join(m.data, "cloud", "iot", "things", "home", "certificate.pem"),
		filepath.Join(m.data, "cloud", "iot", "things", "home", "private.key"), filepath.Join(m.data, "cloud", "iot", "things", "home", "ca.pem"))
	require.NoError(t, err)
	identity.Certificates = nil
	ctx, cancel := context.WithCancel(t.Context())
	client, err := iot.Connect(ctx, iot.ClientConfig{
		Endpoint: m.ready.Addresses.MQTTWebSocket, ClientID: "operator", TLS: identity, Log: slog.New(slog.DiscardHandler),
		NewSession: func() string { return "" },
		WebSocket: &iot.WebSocket{Region: env["AWS_REGION"], Credentials: credentials.NewStaticCredentialsProvider(
			env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"], "")},
	})
	require.NoError(t, err)
	defer client.Wait()
	defer cancel()
	replies, listening := make(chan event.Reply, 10), make(chan struct{}, 10)
	client.Subscribe(ctx, event.Topic("porch", event.ChannelReplies), func(_ string, payload []byte) {
		reply, err := event.ParseReply(payload)
		if err == nil {
			replies <- *reply
		}
	}, func() { listening <- struct{}{} })
	select {
	case <-listening:
	case <-time.After(patience):
		require.FailNow(t, "the replies cannot be heard")
	}
	ask := func(args ...string) event.Reply {
		m.operator(append([]string{"command", "porch"}, args...)...)
		select {
		case reply := <-replies:
			return reply
		case <-time.After(patience):
			require.FailNow(t, "no reply")
			return event.Reply{}
		}
	}
	reply := ask("snapshot", "--camera", "door")
	require.Equal(t, event.ReplyDone, reply.State, reply.Message)
	key, _ := reply.Result["key"].(string)
	require.True(t, strings.HasPrefix(key, "thumbnails/porch/snapshots/porch.door/"), key)
	picture := filepath.Join(t.TempDir(), "picture.jpg")
	awsCLI(t, m)("s3api", "get-object", "--bucket", m.output("ThumbnailBucketName"), "--key", key, picture)
	out, err := exec.Command("ffprobe", "-v", "error", "-show_entries", "stream=codec_name,width,height", "-of", "csv=p=0", picture).CombinedOutput()
	require.NoError(t, err, string(out))
	require.Equal(t, "mjpeg,400,300", strings.TrimSpace(string(out)))

	reply = ask("siren")
	require.Equal(t, event.ReplyUnsupported, reply.State)
	require.Contains(t, reply.Message, "no siren")
}

// update gives a device an update and waits for the job's end.
func (m *machine) update(args ...string) (status, reason string) {
	made := m.operator(append([]string{"update", args[0], "--json", "--bucket", m.output("ThumbnailBucketName")}, args[1:]...)...)
	job, _ := made[0]["job"].(string)
	await(m.t, "the job "+job+" to end", func() bool {
		e := m.operator("update", "status", "--json", job)[0]
		details, _ := e["details"].(map[string]any)
		status, _ = e["status"].(string)
		reason, _ = details["reason"].(string)
		return status != "QUEUED" && status != "IN_PROGRESS"
	})
	return status, reason
}

// modelsByJob gives the device a good model and one that is none.
func modelsByJob(t *testing.T, m *machine, me owner) {
	dir := t.TempDir()
	good, err := visiontest.WriteSyntheticSSD(dir)
	require.NoError(t, err)
	addGarbage(t, dir, good)
	uses := func() string {
		_, model := me.camera("porch.door")
		return model
	}
	update := func(model string) (status, reason string) {
		return m.update("model", "--models", dir, "--thing", "porch", model)
	}
	status, reason := update(good.Name)
	require.Equal(t, "SUCCEEDED", status, reason)
	await(t, "the device to say which model it uses", func() bool { return uses() == good.Name })
	status, reason = update("garbage")
	require.Equal(t, "FAILED", status)
	require.Contains(t, reason, "rolled back")
	await(t, "an event, seen by the good model", func() bool {
		for _, e := range me.events() {
			if e["model"] == good.Name {
				return true
			}
		}
		return false
	})
	require.Equal(t, good.Name, uses())
}

// addGarbage adds to a folder's manifest a network whose hash is right and
// whose bytes are nonsense.
func addGarbage(t *testing.T, dir string, like modelstore.Model) {
	t.Helper()
	nonsense := []byte("this is not a network")
	sum := sha256.Sum256(nonsense)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "garbage.caffemodel"), nonsense, 0o600))
	path := filepath.Join(dir, "manifest.json")
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	var manifest modelstore.Manifest
	require.NoError(t, json.Unmarshal(data, &manifest))
	bad := like
	bad.Name = "garbage"
	bad.Files = []modelstore.File{like.Files[0], {
		Name: "garbage.caffemodel", Role: modelstore.RoleWeights, Bytes: int64(len(nonsense)), SHA256: hex.EncodeToString(sum[:]),
	}}
	manifest.Models = append(manifest.Models, bad)
	data, err = json.Marshal(manifest)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, data, 0o600))
}

// The gateway of this machine takes a new version of itself, and goes back to
// it from one that dies.
func TestSoftwareUpdate(t *testing.T) {
	t.Parallel()
	flags := syntheticCamera(t)
	text, err := os.ReadFile(flags[1])
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(flags[1], append(text, "updates: {software: true}\n"...), 0o600))
	m := boot(t, filepath.Join(t.TempDir(), "data"), flags...)
	me := m.signIn()
	await(t, "the camera to run", me.is("home.door", "running"))
	pointer := filepath.Join(m.data, "camera", "software")
	update := func(version, file string) (status, reason string) {
		return m.update("software", "--thing", "home", "--version", version, file)
	}
	status, reason := update("9.0.0", filepath.Join(root(), "bin", "camera"))
	require.Equal(t, "SUCCEEDED", status, reason)
	running := func(version string) bool {
		links, err := filepath.Glob("/proc/[0-9]*/exe")
		require.NoError(t, err)
		for _, link := range links {
			if target, err := os.Readlink(link); err == nil && target == filepath.Join(pointer, version, "camera") {
				return true
			}
		}
		return false
	}
	require.True(t, running("9.0.0"))

	bad := filepath.Join(t.TempDir(), "camera")
	require.NoError(t, os.WriteFile(bad, []byte("#!/bin/sh\nexit 3\n"), 0o600))
	status, reason = update("9.0.1", bad)
	require.Equal(t, "FAILED", status)
	require.Contains(t, reason, "rolled back")
	await(t, "the good version to run again", func() bool { return running("9.0.0") && me.is("home.door", "running")() })
}
