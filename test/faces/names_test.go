//go:build cgo

package faces_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/stretchr/testify/require"

	"porchlight/internal/vision/visiontest"
)

// asked is one request and the result it must have.
type asked struct{ from, key, path, result string }

// Five persons, enrolled from one photograph each, are named over the queues in
// crops of others; strangers, walls and what is no picture are called that; and
// nobody gets a name out of another owner's gallery.
func TestNamesOverTheQueues(t *testing.T) {
	t.Parallel()
	w, cut := newWorld(t, times{hidden: 6, timeout: 6, receives: 20}), newCutter(t)
	senders := map[string]*sqs.Client{
		"alice": w.device("porch-alice", "sub-alice"), "bob": w.device("porch-bob", "sub-bob"), "nobody": w.device("unclaimed", ""),
		"root": w.queues(w.keys()),
	}
	for name, file := range map[string]string{
		"Alex": "alex_lacamoire/img1.jpg", "Joe": "biden/biden.jpg", "Kit": "kit_harington/john1.jpeg",
		"Barack": "obama/obama.jpg", "Zoë Leslie": "rose_leslie/img1.jpg",
	} {
		w.enroll("sub-alice", name, people(t, file))
	}
	w.enroll("sub-bob", "Mr. President", people(t, "obama/obama.jpg"))

	var all []asked
	add := func(from, key, path string, size, quality int, result string) {
		crops := cut.crops(path, size, quality)
		require.NotEmpty(t, crops, path)
		for _, file := range crops {
			all = append(all, asked{from, key, file, result})
		}
	}
	for file, name := range map[string]string{
		"biden/biden2.jpg": "Joe", "kit_harington/john2.jpeg": "Kit", "obama/obama2.jpg": "Barack", "rose_leslie/img2.jpg": "Zoë Leslie",
		"alex_lacamoire/img1.jpg": "Alex",
	} {
		add("alice", "face_image", people(t, file), 240, 75, name)
		add("alice", "face", people(t, file), 160, 70, name)
	}
	celebrities, err := filepath.Glob(visiontest.TestData(t, "faces", "celeb", "*.jpg"))
	require.NoError(t, err)
	for _, file := range celebrities {
		add("alice", "face_image", file, 240, 75, "Unknown")
	}
	add("bob", "face_image", people(t, "obama/obama2.jpg"), 240, 75, "Mr. President")
	add("bob", "face_image", people(t, "kit_harington/john2.jpeg"), 240, 75, "Unknown")
	add("nobody", "face_image", people(t, "obama/obama2.jpg"), 240, 75, "Unauthorized")
	add("root", "face", people(t, "obama/obama2.jpg"), 160, 70, "Unauthorized")
	text := filepath.Join(t.TempDir(), "notes.jpg")
	require.NoError(t, os.WriteFile(text, []byte("no picture"), 0o600))
	all = append(all, asked{"alice", "face_image", cut.wall(), "No-Face"}, asked{"alice", "face", text, "Invalid-Image"})

	want := map[string]string{} // by body
	for i, a := range all {
		id := fmt.Sprintf("7f9c-%d-%s-é", i, filepath.Base(a.path))
		body := request(t, id, a.key, a.path)
		w.send(senders[a.from], body)
		if i%5 == 0 {
			w.send(senders[a.from], body) // a client that asks twice is answered once
		}
		want[python(t, map[string]string{"id": id, "result": a.result})[0]] = a.result
	}
	count := map[string]int{}
	for _, body := range w.collect(len(all)) {
		require.Contains(t, want, body, "byte for byte what Python would write")
		count[want[body]]++
		delete(want, body)
	}
	require.Empty(t, want)
	t.Logf("%d requests: %v; none wrong", len(all), count)
	require.Eventually(t, func() bool { return w.waiting(w.request) == 0 }, patience, 100*time.Millisecond)
	require.Empty(t, w.receive(w.reply, 0), "one answer each")
	devicesReadNoAnswers(t, w, senders["alice"])
	cliAsks(t, w, request(t, "cli", "face_image", cut.wall()))
}

// A device may ask, and answer; it may not read what others are answered.
func devicesReadNoAnswers(t *testing.T, w *world, device *sqs.Client) {
	t.Helper()
	for _, queue := range []string{w.request, w.reply} {
		name := filepath.Base(queue)
		got, err := device.GetQueueUrl(t.Context(), &sqs.GetQueueUrlInput{QueueName: &name})
		require.NoError(t, err)
		require.Equal(t, queue, *got.QueueUrl)
		_, err = device.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &queue})
		require.ErrorContains(t, err, "AccessDenied")
	}
	answer := `{"request_id": "at the edge", "result": "No-Face"}`
	_, err := device.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &w.reply, MessageBody: &answer})
	require.NoError(t, err)
	require.Equal(t, []string{answer}, w.collect(1))
}

// cliAsks asks with the AWS command line.
func cliAsks(t *testing.T, w *world, body string) {
	t.Helper()
	const program = "/usr/bin/aws" // Debian's; another one first in PATH may not work
	if _, err := os.Stat(program); err != nil {
		t.Log("the AWS CLI is not installed")
		return
	}
	file := filepath.Join(t.TempDir(), "body.json")
	require.NoError(t, os.WriteFile(file, []byte(body), 0o600))
	admin := w.cloud.Admin()
	cmd := exec.CommandContext(t.Context(), program, "--endpoint-url", w.cloud.AWSURL(), "sqs", "send-message",
		"--queue-url", w.request, "--message-body", "file://"+file)
	cmd.Env = append(os.Environ(), "AWS_DEFAULT_REGION="+w.cloud.Region(), "AWS_ACCESS_KEY_ID="+admin.AccessKeyID, "AWS_SECRET_ACCESS_KEY="+admin.SecretAccessKey)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	require.Equal(t, []string{`{"request_id": "cli", "result": "Unauthorized"}`}, w.collect(1))
}

// What is no request ends among the dead letters after three receives and keeps
// nothing else from its answer.
func TestPoisonEndsAmongTheDeadLetters(t *testing.T) {
	t.Parallel()
	w := newWorld(t, times{hidden: 4, timeout: 4})
	asking := w.queues(w.keys())
	poison := []string{"garbage", `{"face_image":"AA=="}`}
	for i, body := range poison {
		w.send(asking, body)
		w.send(asking, fmt.Sprintf(`{"request_id":"good %d","face":"AA=="}`, i))
	}
	require.ElementsMatch(t, []string{`{"request_id": "good 0", "result": "Unauthorized"}`, `{"request_id": "good 1", "result": "Unauthorized"}`}, w.collect(2))
	dead := w.deadLetters()
	var given []string
	require.Eventually(t, func() bool {
		given = append(given, w.receive(dead, 0)...)
		return len(given) == len(poison)
	}, patience, 100*time.Millisecond)
	require.ElementsMatch(t, poison, given)
	require.Zero(t, w.waiting(w.request))
	require.Empty(t, w.receive(w.reply, 0))
}
