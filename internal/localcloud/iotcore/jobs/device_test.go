package jobs_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"porchlight/internal/localcloud/iotcore/jobs"
)

// TestNotifications follows the series of examples in "Jobs notifications" of
// the developer guide, with its times.
func TestNotifications(t *testing.T) {
	w := open(t)
	expect := func(notify, next string) {
		t.Helper()
		got := w.since(t)
		for name, want := range map[string]string{"notify": notify, "notify-next": next} {
			if want == "" {
				require.NotContains(t, got, name)
			} else {
				require.JSONEq(t, want, got[name], name)
			}
		}
	}
	w.now = 1517016947
	w.create(t, "job1")
	expect(`{"timestamp":1517016947,"jobs":{"QUEUED":[{"jobId":"job1","queuedAt":1517016947,"lastUpdatedAt":1517016947,"executionNumber":1,"versionNumber":1}]}}`,
		`{"timestamp":1517016947,"execution":{"jobId":"job1","status":"QUEUED","queuedAt":1517016947,"lastUpdatedAt":1517016947,"versionNumber":1,"executionNumber":1,"jobDocument":{"operation":"test"}}}`)

	w.now = 1517017191
	w.create(t, "job2")
	const job2 = `{"jobId":"job2","queuedAt":1517017191,"lastUpdatedAt":1517017191,"executionNumber":1,"versionNumber":1}`
	expect(`{"timestamp":1517017191,"jobs":{"QUEUED":[{"jobId":"job1","queuedAt":1517016947,"lastUpdatedAt":1517016947,"executionNumber":1,"versionNumber":1},`+job2+`]}}`, "")

	w.now = 1517017472
	require.JSONEq(t, `{"timestamp":1517017472,"clientToken":"c","execution":{"jobId":"job1","thingName":"porch","status":"IN_PROGRESS","statusDetails":{"step":"1"},
	 "queuedAt":1517016947,"startedAt":1517017472,"lastUpdatedAt":1517017472,"versionNumber":2,"executionNumber":1,"jobDocument":{"operation":"test"}}}`,
		w.accepted(t, "start-next", `{"statusDetails":{"step":"1"},"clientToken":"c"}`))
	expect("", "")

	w.now = 1517017905
	w.create(t, "job3")
	expect(`{"timestamp":1517017905,"jobs":{
	 "IN_PROGRESS":[{"jobId":"job1","queuedAt":1517016947,"lastUpdatedAt":1517017472,"startedAt":1517017472,"executionNumber":1,"versionNumber":2}],
	 "QUEUED":[`+job2+`,{"jobId":"job3","queuedAt":1517017905,"lastUpdatedAt":1517017905,"executionNumber":1,"versionNumber":1}]}}`, "")

	w.now = 1517186269
	w.accepted(t, "job1/update", `{"status":"SUCCEEDED"}`)
	expect(`{"timestamp":1517186269,"jobs":{"QUEUED":[`+job2+`,{"jobId":"job3","queuedAt":1517017905,"lastUpdatedAt":1517017905,"executionNumber":1,"versionNumber":1}]}}`,
		`{"timestamp":1517186269,"execution":{"jobId":"job2","status":"QUEUED","queuedAt":1517017191,"lastUpdatedAt":1517017191,"versionNumber":1,"executionNumber":1,"jobDocument":{"operation":"test"}}}`)

	w.now = 1517186779
	w.accepted(t, "job3/update", `{"status":"IN_PROGRESS"}`)
	expect("", `{"timestamp":1517186779,"execution":{"jobId":"job3","status":"IN_PROGRESS","queuedAt":1517017905,"startedAt":1517186779,"lastUpdatedAt":1517186779,
	 "versionNumber":2,"executionNumber":1,"jobDocument":{"operation":"test"}}}`)

	w.now = 1517189392
	w.accepted(t, "job2/update", `{"status":"REJECTED"}`)
	expect(`{"timestamp":1517189392,"jobs":{"IN_PROGRESS":[{"jobId":"job3","queuedAt":1517017905,"lastUpdatedAt":1517186779,"startedAt":1517186779,"executionNumber":1,"versionNumber":2}]}}`, "")

	w.now = 1517189551
	w.control(t, "DELETE /jobs/job3?force=true", "", 200)
	expect(`{"timestamp":1517189551,"jobs":{}}`, `{"timestamp":1517189551}`)
}

func TestWorkingOff(t *testing.T) {
	w := open(t)
	require.JSONEq(t, `{"inProgressJobs":[],"queuedJobs":[],"timestamp":1517016947}`, w.accepted(t, "get", ""))
	require.JSONEq(t, `{"timestamp":1517016947}`, w.accepted(t, "start-next", "{}"))
	require.JSONEq(t, `{"timestamp":1517016947,"clientToken":"t"}`, w.accepted(t, "$next/get", `{"clientToken":"t"}`))
	w.create(t, "a")
	w.create(t, "b")
	w.reopen(t)

	require.NotContains(t, w.accepted(t, "$next/get", `{"includeJobDocument":false}`), "operation")
	require.Contains(t, w.accepted(t, "b/get", `{"executionNumber":1}`), `"jobDocument":{"operation":"test"}`)
	require.Contains(t, w.accepted(t, "start-next", ""), `"jobId":"a"`)
	require.Contains(t, w.accepted(t, "start-next", `{"statusDetails":{"not":"used"}}`), `"versionNumber":2`, "the one in progress again, as it is")
	require.JSONEq(t, `{"timestamp":1517016947,"executionState":{"status":"IN_PROGRESS","statusDetails":{"done":"50%"},"versionNumber":3},"jobDocument":{"operation":"test"}}`,
		w.accepted(t, "a/update", `{"status":"IN_PROGRESS","statusDetails":{"done":"50%"},"expectedVersion":"2","includeJobExecutionState":true,"includeJobDocument":true}`))
	require.JSONEq(t, `{"timestamp":1517016947}`, w.accepted(t, "a/update", `{"status":"IN_PROGRESS","expectedVersion":3,"executionNumber":1}`))
	require.Contains(t, w.accepted(t, "a/get", ""), `"statusDetails":{"done":"50%"}`, "kept where none are given")

	code, answer := w.rejected(t, "a/update", `{"status":"SUCCEEDED","expectedVersion":3,"clientToken":"t"}`)
	require.Equal(t, "VersionMismatch", code)
	require.Contains(t, answer, `"executionState":{"status":"IN_PROGRESS","statusDetails":{"done":"50%"},"versionNumber":4}`)
	require.Contains(t, answer, `"clientToken":"t"`)
	w.accepted(t, "a/update", `{"status":"FAILED","statusDetails":{}}`)
	code, answer = w.rejected(t, "a/update", `{"status":"IN_PROGRESS"}`)
	require.Equal(t, "InvalidStateTransition", code)
	require.Contains(t, answer, `"executionState":{"status":"FAILED","versionNumber":5}`)
	code, _ = w.rejected(t, "a/get", "")
	require.Equal(t, "TerminalStateReached", code)
	w.accepted(t, "b/update", `{"status":"SUCCEEDED"}`)
	require.JSONEq(t, `{"inProgressJobs":[],"queuedJobs":[],"timestamp":1517016947}`, w.accepted(t, "get", ""))
	require.Contains(t, w.control(t, "GET /jobs/a", "", 200), `"status":"COMPLETED"`)
}

func TestRejected(t *testing.T) {
	w := open(t)
	w.create(t, "a")
	w.control(t, "PUT /jobs/other", `{"targets":["`+yardARN+`"],"document":"{}"}`, 200)
	pairs := `"x":"y"`
	for _, name := range strings.Split("abcdefghij", "") {
		pairs += `,"` + name + `":"v"`
	}
	for _, tt := range []struct{ topic, payload, code string }{
		{"get", `{`, "InvalidJson"},
		{"get", `[]`, "InvalidJson"},
		{"a/update", "\xff", "InvalidJson"},
		{"a/update", ``, "InvalidRequest"},
		{"a/update", `{"status":"QUEUED"}`, "InvalidRequest"},
		{"a/update", `{"status":"TIMED_OUT"}`, "InvalidRequest"},
		{"a/update", `{"status":"CANCELED"}`, "InvalidRequest"},
		{"a/update", `{"status":5}`, "InvalidRequest"},
		{"a/update", `{"status":"IN_PROGRESS","expectedVersion":"x"}`, "InvalidRequest"},
		{"a/update", `{"status":"IN_PROGRESS","expectedVersion":1.5}`, "InvalidRequest"},
		{"a/update", `{"status":"IN_PROGRESS","executionNumber":2}`, "ResourceNotFound"},
		{"a/update", `{"status":"IN_PROGRESS","stepTimeoutInMinutes":0}`, "InvalidRequest"},
		{"a/update", `{"status":"IN_PROGRESS","stepTimeoutInMinutes":10081}`, "InvalidRequest"},
		{"a/update", `{"status":"IN_PROGRESS","statusDetails":{"a b":"x"}}`, "InvalidRequest"},
		{"a/update", `{"status":"IN_PROGRESS","statusDetails":{"a":"` + strings.Repeat("x", 1025) + `"}}`, "InvalidRequest"},
		{"a/update", `{"status":"IN_PROGRESS","statusDetails":{"a":1}}`, "InvalidRequest"},
		{"a/update", `{"status":"IN_PROGRESS","statusDetails":{` + pairs + `}}`, "InvalidRequest"},
		{"a/update", `{"status":"IN_PROGRESS","clientToken":"` + strings.Repeat("x", 257) + `"}`, "InvalidRequest"},
		{"start-next", `{"stepTimeoutInMinutes":-2}`, "InvalidRequest"},
		{"b/get", ``, "ResourceNotFound"},
		{"other/get", ``, "ResourceNotFound"},
		{"other/update", `{"status":"SUCCEEDED"}`, "ResourceNotFound"},
		{"$next/update", `{"status":"SUCCEEDED"}`, "InvalidRequest"},
		{"a.b/get", ``, "InvalidRequest"},
	} {
		code, answer := w.rejected(t, tt.topic, tt.payload)
		require.Equal(t, tt.code, code, "%s %.60s: %s", tt.topic, tt.payload, answer)
	}
	require.Contains(t, w.accepted(t, "a/get", ""), `"versionNumber":1`, "nothing of it changed anything")
	w.things["porch"] = false
	code, _ := w.rejected(t, "get", "")
	require.Equal(t, "ResourceNotFound", code)
}

func TestTopics(t *testing.T) {
	for _, topic := range []string{
		root + "notify", root + "notify-next", root + "get/accepted", root + "a/get/accepted", root + "a/update/rejected", root + "/get", root + "a/start-next",
		root + "update", root, "$aws/things//jobs/get", "$aws/things/porch/shadow/get", "$aws/events/jobs/get", "",
	} {
		_, ok := jobs.ParseTopic(topic)
		require.False(t, ok, topic)
	}
}

func TestTimeouts(t *testing.T) {
	w := open(t)
	w.control(t, "PUT /jobs/a", `{"targets":["`+porchARN+`"],"document":"{}","timeoutConfig":{"inProgressTimeoutInMinutes":10}}`, 200)
	w.create(t, "b")
	w.now += 3600
	require.NoError(t, w.Sweep(), "what waits does not time out")
	w.sent = nil
	require.Contains(t, w.accepted(t, "start-next", `{"stepTimeoutInMinutes":5}`), `"approximateSecondsBeforeTimedOut":300`)
	w.now += 299
	require.Contains(t, w.accepted(t, "a/update", `{"status":"IN_PROGRESS","stepTimeoutInMinutes":7}`), "timestamp")
	w.now += 2
	require.NoError(t, w.Sweep())
	require.Contains(t, w.accepted(t, "a/get", ""), `"approximateSecondsBeforeTimedOut":299`, "the job's own is first now")
	require.Contains(t, w.accepted(t, "a/update", `{"status":"IN_PROGRESS","stepTimeoutInMinutes":-1}`), "timestamp")
	w.reopen(t)
	w.now += 299
	require.NoError(t, w.Sweep())
	got := w.since(t)
	require.JSONEq(t, `{"timestamp":1517021147,"jobs":{"QUEUED":[{"jobId":"b","queuedAt":1517016947,"lastUpdatedAt":1517016947,"executionNumber":1,"versionNumber":1}]}}`, got["notify"])
	require.Contains(t, got["notify-next"], `"jobId":"b"`)
	require.Contains(t, w.control(t, "GET /things/porch/jobs/a", "", 200), `"status":"TIMED_OUT"`)
	require.Contains(t, w.control(t, "GET /jobs/a", "", 200), `"numberOfTimedOutThings":1`)

	w.mu.Lock()
	w.things["porch"] = false
	w.mu.Unlock()
	require.NoError(t, w.Sweep())
	require.Contains(t, w.control(t, "GET /things/porch/jobs/b", "", 200), `"status":"REMOVED"`, "the thing is no more")
	require.Contains(t, w.control(t, "GET /jobs/b", "", 200), `"status":"COMPLETED"`)
	require.NoError(t, w.Sweep(), "nothing left to do")
}

// FuzzRequest sends what a device might and checks that there is one answer,
// and that the service still works.
func FuzzRequest(f *testing.F) {
	w := open(f)
	w.create(f, "a")
	f.Add("get", []byte(`{"clientToken":"t"}`))
	f.Add("start-next", []byte(`{"statusDetails":{"a":"b"},"stepTimeoutInMinutes":1}`))
	f.Add("$next/get", []byte(`{"includeJobDocument":false}`))
	f.Add("a/update", []byte(`{"status":"IN_PROGRESS","expectedVersion":"1"}`))
	f.Fuzz(func(t *testing.T, topic string, payload []byte) {
		r, ok := jobs.ParseTopic(root + topic)
		if !ok {
			return
		}
		w.sent = nil
		w.Handle(r, payload, 1)
		answers := 0
		for _, s := range w.sent {
			if strings.HasPrefix(s.topic, root+topic+"/") {
				answers++
			}
		}
		require.Equal(t, 1, answers)
		require.NoError(t, w.Sweep())
		w.control(t, "DELETE /jobs/a?force=true", "", 200)
		w.create(t, "a")
	})
}
