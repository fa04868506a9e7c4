package e2e

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"porchlight/internal/vision/visiontest"
)

// A client device of the home publishes frames to the gateway's broker, as
// those of the public face recognition project do, and the names are in its
// response queue.
func TestFramesOfClientDevices(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("mosquitto_pub"); err != nil {
		t.Skip("mosquitto_pub is not installed: apt install mosquitto-clients")
	}
	models := visiontest.EmbeddingDir(t)
	photo := func(name string) string { return visiontest.TestData(t, "faces", "people", name) }
	m := boot(t, filepath.Join(t.TempDir(), "data"), "--models", models)
	me, box := m.signIn(), t.TempDir()
	m.operator("camera", "add", "--json", "--owner", me.sub(), "--out", box, "--camera", "door=rtsp://192.0.2.7/sub", "gate")
	for name, file := range map[string]string{"Joe": "biden/biden.jpg", "Barack": "obama/obama.jpg"} {
		m.operator("faces", "enroll", "--json", "--cloud", "--owner", me.sub(), "--models", models, name, photo(file))
	}
	requests, responses := m.output("FaceRequestQueueUrl"), m.output("FaceResponseQueueUrl")
	address := freeAddress(t)
	file := filepath.Join(box, "porchlight.yaml")
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	text = append(text, fmt.Sprintf("detector: {models: %s}\nlan: {listen: %q}\nclient_frames: {request_queue: %q, response_queue: %q}\n",
		models, address, requests, responses)...)
	require.NoError(t, os.WriteFile(file, text, 0o600))
	runCamera(t, file)

	host, port, err := net.SplitHostPort(address)
	require.NoError(t, err)
	send := func(payload []byte) error {
		frame := filepath.Join(t.TempDir(), "frame.json")
		require.NoError(t, os.WriteFile(frame, payload, 0o600))
		return exec.Command("mosquitto_pub", "-h", host, "-p", port, "-q", "1", "-i", "hallway", "-t", "clients/hallway", "-f", frame).Run()
	}
	blank, payloads := nobody(t), map[string][]byte{}
	for id, picture := range map[string][]byte{
		"r1": read(t, photo("biden/biden2.jpg")), "r2": read(t, photo("obama/obama2.jpg")), "r3": read(t, photo("kit_harington/john1.jpeg")),
		"r4": blank, "r5": []byte("no picture"),
	} {
		payload, err := json.Marshal(map[string]string{
			"encoded": base64.StdEncoding.EncodeToString(picture), "request_id": id, "filename": "test_" + id + ".jpg",
		})
		require.NoError(t, err)
		payloads[id] = payload
		await(t, "the gateway to take frame "+id, func() bool { return send(payload) == nil })
		require.NoError(t, send(payload), "again, which is not asked again")
	}
	require.NoError(t, send([]byte("{")), "garbage disturbs nothing")

	aws, got := awsCLI(t, m), map[string]string{}
	await(t, "five answers", func() bool {
		// What came before the gateway's networks were open was heard by nobody.
		for id, payload := range payloads {
			if _, answered := got[id]; !answered {
				require.NoError(t, send(payload))
			}
		}
		var out struct {
			Messages []struct{ Body, ReceiptHandle string }
		}
		if answer := aws("sqs", "receive-message", "--queue-url", responses, "--max-number-of-messages", "10", "--wait-time-seconds", "1"); len(answer) > 0 {
			require.NoError(t, json.Unmarshal(answer, &out))
		}
		for _, message := range out.Messages {
			var body struct {
				RequestID string `json:"request_id"`
				Result    string
			}
			require.NoError(t, json.Unmarshal([]byte(message.Body), &body))
			require.NotContains(t, got, body.RequestID, "answered once")
			got[body.RequestID] = body.Result
			aws("sqs", "delete-message", "--queue-url", responses, "--receipt-handle", message.ReceiptHandle)
		}
		return len(got) == 5
	})
	require.Equal(t, map[string]string{"r1": "Joe", "r2": "Barack", "r3": "Unknown", "r4": "No-Face", "r5": "Invalid-Image"}, got)
}

// freeAddress is one that nobody listens on just now.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().String()
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	return data
}

// nobody is a picture of nobody.
func nobody(t *testing.T) []byte {
	t.Helper()
	out, err := exec.Command("ffmpeg", "-v", "error", "-f", "lavfi", "-i", "color=gray:s=320x240", "-frames:v", "1", "-f", "mjpeg", "-").Output()
	require.NoError(t, err)
	return out
}
