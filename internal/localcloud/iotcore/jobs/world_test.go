package jobs_test

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"porchlight/internal/localcloud/iotcore/jobs"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is a service with the things porch and yard, and what it published.
type world struct {
	*jobs.Service
	cfg jobs.Config

	mu     sync.Mutex
	now    int64
	things map[string]bool
	sent   []sent
}

type sent struct {
	topic, payload string
	qos            byte
}

func open(t testing.TB) *world {
	t.Helper()
	w := &world{now: 1517016947, things: map[string]bool{"porch": true, "yard": true}}
	w.cfg = jobs.Config{
		Path:  filepath.Join(t.TempDir(), "jobs.db"),
		Known: func(thing string) bool { w.mu.Lock(); defer w.mu.Unlock(); return w.things[thing] },
		ARN:   func(kind, name string) string { return "arn:aws:iot:us-east-1:000000000000:" + kind + "/" + name },
		Publish: func(topic string, payload []byte, qos byte) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.sent = append(w.sent, sent{topic, string(payload), qos})
		},
		Now: func() time.Time { return time.Unix(w.now, 0) },
		Log: slog.New(slog.DiscardHandler),
	}
	w.reopen(t)
	t.Cleanup(func() { require.NoError(t, w.Close()) })
	return w
}

func (w *world) reopen(t testing.TB) {
	t.Helper()
	if w.Service != nil {
		require.NoError(t, w.Close())
	}
	var err error
	w.Service, err = jobs.Open(w.cfg)
	require.NoError(t, err)
}

const root = "$aws/things/porch/jobs/"

// since returns what was published to porch, by the end of the topic.
func (w *world) since(t testing.TB) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, s := range w.sent {
		name, mine := strings.CutPrefix(s.topic, root)
		require.NotContains(t, out, name, "twice")
		if mine {
			out[name] = s.payload
		}
	}
	w.sent = nil
	return out
}

// ask publishes a request and returns the answer; what else was published is
// left to since.
func (w *world) ask(t testing.TB, topic, payload string) (outcome, answer string) {
	t.Helper()
	r, ok := jobs.ParseTopic(root + topic)
	require.True(t, ok, topic)
	w.Handle(r, []byte(payload), 0)
	for i, s := range w.sent {
		if rest, mine := strings.CutPrefix(s.topic, root+topic+"/"); mine {
			require.Zero(t, s.qos)
			w.sent = append(w.sent[:i:i], w.sent[i+1:]...)
			return rest, s.payload
		}
	}
	require.Fail(t, "no answer", topic)
	return "", ""
}

func (w *world) accepted(t testing.TB, topic, payload string) string {
	t.Helper()
	outcome, answer := w.ask(t, topic, payload)
	require.Equal(t, "accepted", outcome, answer)
	return answer
}

// rejected returns the code of the refusal.
func (w *world) rejected(t testing.TB, topic, payload string) (code, answer string) {
	t.Helper()
	outcome, answer := w.ask(t, topic, payload)
	require.Equal(t, "rejected", outcome, answer)
	var out struct{ Code string }
	require.NoError(t, json.Unmarshal([]byte(answer), &out))
	return out.Code, answer
}

func serve(t testing.TB, h http.Handler, request, body string, status int) string {
	t.Helper()
	method, target, _ := strings.Cut(request, " ")
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, httptest.NewRequest(method, target, strings.NewReader(body)))
	require.Equal(t, status, rec.Code, "%s: %s", request, rec.Body)
	if kind := rec.Header().Get("X-Amzn-Errortype"); kind != "" {
		return kind + " " + rec.Body.String()
	}
	return rec.Body.String()
}

func (w *world) control(t testing.TB, request, body string, status int) string {
	t.Helper()
	return serve(t, w.Handler(), request, body, status)
}

func (w *world) data(t testing.TB, request, body string, status int) string {
	t.Helper()
	return serve(t, w.DataHandler(), request, body, status)
}

const (
	porchARN = "arn:aws:iot:us-east-1:000000000000:thing/porch"
	yardARN  = "arn:aws:iot:us-east-1:000000000000:thing/yard"
)

func (w *world) create(t testing.TB, id string) {
	t.Helper()
	w.control(t, "PUT /jobs/"+id, `{"targets":["`+porchARN+`"],"document":"{\"operation\":\"test\"}"}`, 200)
}
