package jobs_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCreateRefused(t *testing.T) {
	w := open(t)
	good := map[string]any{"targets": []string{porchARN}, "document": `{"a":1}`, "description": "d", "targetSelection": "SNAPSHOT"}
	with := func(name string, value any) string {
		body := map[string]any{}
		for k, v := range good {
			body[k] = v
		}
		body[name] = value
		raw, err := json.Marshal(body)
		require.NoError(t, err)
		return string(raw)
	}
	for _, tt := range []struct {
		name   string
		value  any
		status int
		says   string
	}{
		{"document", "", 400, "documents in S3 are not offered"},
		{"document", "{", 400, "not valid JSON"},
		{"document", `"` + strings.Repeat("x", 32768) + `"`, 400, "32768 is the most"},
		{"documentSource", "https://s3.amazonaws.com/b/k", 400, "documentSource is not offered"},
		{"presignedUrlConfig", map[string]any{}, 400, "not offered"},
		{"Targets", []string{yardARN}, 400, "not offered"},
		{"targets", []string{}, 400, "targets"},
		{"targets", "x", 400, "targets"},
		{"targets", []string{"arn:aws:iot:us-east-1:000000000000:thinggroup/g"}, 400, "thing groups are not offered"},
		{"targets", []string{"arn:aws:iot:eu-west-1:000000000000:thing/porch"}, 400, "want the ARN of a thing"},
		{"targets", []string{"arn:aws:iot:us-east-1:000000000000:thing/nobody"}, 404, "nobody cannot be found"},
		{"targets", []string{"arn:aws:iot:us-east-1:000000000000:thing/a\u0000b"}, 400, "thing name"},
		{"targetSelection", "CONTINUOUS", 400, "SNAPSHOT"},
		{"description", "a\nb", 400, "description"},
		{"timeoutConfig", map[string]any{"inProgressTimeoutInMinutes": 0}, 400, "minutes"},
	} {
		got := w.control(t, "PUT /jobs/j", with(tt.name, tt.value), tt.status)
		require.Contains(t, got, tt.says)
	}
	w.control(t, "PUT /jobs/j", strings.Repeat(" ", 1<<20), 400)
	w.control(t, "PUT /jobs/a.b", with("description", "d"), 400)
	w.control(t, "PUT /jobs/"+strings.Repeat("x", 65), with("description", "d"), 400)
	require.JSONEq(t, `{"jobArn":"arn:aws:iot:us-east-1:000000000000:job/j","jobId":"j","description":"d"}`, w.control(t, "PUT /jobs/j", with("timeoutConfig", nil), 200))
	require.Contains(t, w.control(t, "PUT /jobs/j", with("description", "d"), 409), "ResourceAlreadyExistsException")
	require.JSONEq(t, `{"document":"{\"a\":1}"}`, w.control(t, "GET /jobs/j/job-document", "", 200))
	w.control(t, "GET /jobs/none/job-document", "", 404)
	w.control(t, "PATCH /jobs/j", "", 404)
	w.control(t, "GET /nothing", "", 404)
}

func TestDescribeAndList(t *testing.T) {
	w := open(t)
	require.JSONEq(t, `{"jobs":[]}`, w.control(t, "GET /jobs", "", 200))
	w.control(t, "PUT /jobs/both", `{"targets":["`+porchARN+`","`+yardARN+`","`+porchARN+`"],"document":"{}","timeoutConfig":{"inProgressTimeoutInMinutes":5}}`, 200)
	w.now++
	w.create(t, "one")
	w.accepted(t, "both/update", `{"status":"SUCCEEDED","statusDetails":{"a":"b"}}`)
	require.JSONEq(t, `{"job":{"jobArn":"arn:aws:iot:us-east-1:000000000000:job/both","jobId":"both","targetSelection":"SNAPSHOT","status":"IN_PROGRESS",
	 "targets":["`+porchARN+`","`+yardARN+`"],"forceCanceled":false,"createdAt":1517016947,"lastUpdatedAt":1517016947,
	 "jobProcessDetails":{"numberOfQueuedThings":1,"numberOfSucceededThings":1},"timeoutConfig":{"inProgressTimeoutInMinutes":5}}}`, w.control(t, "GET /jobs/both", "", 200))
	require.JSONEq(t, `{"execution":{"jobId":"both","status":"SUCCEEDED","forceCanceled":false,"statusDetails":{"detailsMap":{"a":"b"}},"thingArn":"`+porchARN+`",
	 "queuedAt":1517016947,"lastUpdatedAt":1517016948,"executionNumber":1,"versionNumber":2}}`, w.control(t, "GET /things/porch/jobs/both?executionNumber=1", "", 200))
	require.JSONEq(t, `{"executionSummaries":[
	 {"thingArn":"`+porchARN+`","jobExecutionSummary":{"status":"SUCCEEDED","queuedAt":1517016947,"lastUpdatedAt":1517016948,"executionNumber":1}},
	 {"thingArn":"`+yardARN+`","jobExecutionSummary":{"status":"QUEUED","queuedAt":1517016947,"lastUpdatedAt":1517016947,"executionNumber":1}}]}`,
		w.control(t, "GET /jobs/both/things", "", 200))
	require.JSONEq(t, `{"executionSummaries":[{"jobId":"one","jobExecutionSummary":{"status":"QUEUED","queuedAt":1517016948,"lastUpdatedAt":1517016948,"executionNumber":1}}],"nextToken":"1"}`,
		w.control(t, "GET /things/porch/jobs?maxResults=1", "", 200))
	require.Contains(t, w.control(t, "GET /things/porch/jobs?maxResults=1&nextToken=1", "", 200), `"jobId":"both"`)
	require.NotContains(t, w.control(t, "GET /things/porch/jobs?status=QUEUED", "", 200), `"jobId":"both"`)
	require.NotContains(t, w.control(t, "GET /things/porch/jobs?jobId=both", "", 200), `"jobId":"one"`)
	list := w.control(t, "GET /jobs?status=IN_PROGRESS", "", 200)
	require.Less(t, strings.Index(list, `"one"`), strings.Index(list, `"both"`), "the latest first")
	require.JSONEq(t, `{"jobs":[]}`, w.control(t, "GET /jobs?status=COMPLETED", "", 200))
	for _, request := range []string{"/jobs?status=x", "/jobs?maxResults=0", "/jobs?nextToken=x", "/things/porch/jobs?status=x", "/things/porch/jobs/both?executionNumber=x"} {
		w.control(t, "GET "+request, "", 400)
	}
	for _, request := range []string{"/jobs/x", "/jobs/x/things", "/things/nobody/jobs", "/things/porch/jobs/x", "/things/porch/jobs/both?executionNumber=2"} {
		require.Contains(t, w.control(t, "GET "+request, "", 404), "ResourceNotFoundException")
	}
}

func TestCancelAndDelete(t *testing.T) {
	w := open(t)
	w.create(t, "a")
	w.create(t, "b")
	w.accepted(t, "start-next", "")
	w.control(t, "PUT /jobs/a/cancel", `{"reasonCode":"lower"}`, 400)
	w.control(t, "PUT /jobs/a/cancel?force=x", ``, 400)
	require.Contains(t, w.control(t, "PUT /jobs/a/cancel", `{"reasonCode":"NOT_NEEDED","comment":"no more"}`, 200), `"jobId":"a"`)
	require.Contains(t, w.control(t, "GET /jobs/a", "", 200), `"reasonCode":"NOT_NEEDED"`)
	require.Contains(t, w.accepted(t, "a/get", ""), "IN_PROGRESS", "what runs goes on")
	w.sent = nil
	w.control(t, "PUT /jobs/a/cancel?force=true", ``, 200)
	require.Contains(t, w.since(t)["notify-next"], `"jobId":"b"`)
	require.Contains(t, w.control(t, "GET /things/porch/jobs/a", "", 200), `"forceCanceled":true`)
	code, answer := w.rejected(t, "a/update", `{"status":"SUCCEEDED"}`)
	require.Equal(t, "InvalidStateTransition", code)
	require.Contains(t, answer, `"status":"CANCELED"`)

	require.Contains(t, w.control(t, "DELETE /jobs/b", "", 409), "InvalidStateTransitionException")
	w.accepted(t, "start-next", "")
	require.Contains(t, w.control(t, "PUT /things/porch/jobs/b/cancel", ``, 409), "InvalidStateTransitionException")
	require.Contains(t, w.control(t, "PUT /things/porch/jobs/b/cancel?force=true", `{"expectedVersion":1}`, 409), "VersionConflictException")
	w.control(t, "DELETE /things/porch/jobs/b/executionNumber/1", "", 409)
	w.control(t, "DELETE /things/porch/jobs/b/executionNumber/2", "", 404)
	w.control(t, "PUT /things/porch/jobs/b/cancel?force=true", `{"expectedVersion":2,"statusDetails":{"why":"because"}}`, 200)
	require.Contains(t, w.control(t, "GET /things/porch/jobs/b", "", 200), `"why":"because"`)
	require.Contains(t, w.control(t, "GET /jobs/b", "", 200), `"status":"COMPLETED"`, "none is left to work")
	require.Contains(t, w.control(t, "PUT /jobs/b/cancel", ``, 400), "nothing to cancel")
	w.control(t, "DELETE /things/porch/jobs/b/executionNumber/1", "", 200)
	w.control(t, "GET /things/porch/jobs/b", "", 404)
	w.control(t, "DELETE /jobs/a", "", 200)
	w.control(t, "DELETE /jobs/b", "", 200)
	w.control(t, "DELETE /jobs/b", "", 404)
	require.JSONEq(t, `{"executionSummaries":[]}`, w.control(t, "GET /things/porch/jobs", "", 200))
	w.create(t, "a")
	require.Contains(t, w.accepted(t, "$next/get", ""), `"jobId":"a"`, "an id can be used again")
}

func TestDataPlaneByHTTP(t *testing.T) {
	w := open(t)
	require.JSONEq(t, `{}`, w.data(t, "PUT /things/porch/jobs/$next", "{}", 200))
	require.JSONEq(t, `{}`, w.data(t, "GET /things/porch/jobs/%24next", "", 200))
	w.create(t, "a")
	require.JSONEq(t, `{"inProgressJobs":[],"queuedJobs":[{"jobId":"a","queuedAt":1517016947,"lastUpdatedAt":1517016947,"versionNumber":1,"executionNumber":1}]}`,
		w.data(t, "GET /things/porch/jobs", "", 200))
	require.NotContains(t, w.data(t, "GET /things/porch/jobs/$next?includeJobDocument=false", "", 200), "operation")
	require.Contains(t, w.data(t, "PUT /things/porch/jobs/$next", `{"stepTimeoutInMinutes":1}`, 200), `"jobDocument":"{\"operation\":\"test\"}"`)
	require.JSONEq(t, `{"executionState":{"status":"IN_PROGRESS","versionNumber":3},"jobDocument":"{\"operation\":\"test\"}"}`,
		w.data(t, "POST /things/porch/jobs/a", `{"status":"IN_PROGRESS","includeJobExecutionState":true,"includeJobDocument":true}`, 200))
	require.Contains(t, w.data(t, "POST /things/porch/jobs/a", `{"status":"SUCCEEDED","expectedVersion":1}`, 409), "InvalidStateTransitionException")
	require.JSONEq(t, `{}`, w.data(t, "POST /things/porch/jobs/a", `{"status":"SUCCEEDED"}`, 200))
	require.Contains(t, w.data(t, "GET /things/porch/jobs/a", "", 410), "TerminalStateException")
	require.Contains(t, w.data(t, "POST /things/porch/jobs/a", `{`, 400), "InvalidRequestException")
	w.data(t, "GET /things/porch/jobs/a?includeJobDocument=x", "", 400)
	w.data(t, "GET /things/nobody/jobs", "", 404)
	w.data(t, "GET /jobs", "", 404)
}

func TestBounds(t *testing.T) {
	w := open(t)
	w.cfg.MaxJobs = 20
	w.reopen(t)
	for i := range 20 {
		w.create(t, fmt.Sprintf("j%d", i))
	}
	var list struct {
		Jobs map[string][]any
	}
	w.sent = w.sent[len(w.sent)-1:]
	require.NoError(t, json.Unmarshal([]byte(w.since(t)["notify"]), &list))
	require.Len(t, list.Jobs["QUEUED"], 15, "a notification has no more")
	require.Contains(t, w.control(t, "PUT /jobs/more", `{"targets":["`+porchARN+`"],"document":"{}"}`, 410), "LimitExceededException")
	w.accepted(t, "j7/update", `{"status":"SUCCEEDED"}`)
	w.create(t, "more")
	w.control(t, "GET /jobs/j7", "", 404)
	require.Contains(t, w.accepted(t, "get", ""), `"jobId":"j6"`)
}
