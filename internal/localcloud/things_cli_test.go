package localcloud_test

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/localcloud/iotcore"
	"porchlight/internal/localcloud/template"
)

// things is a cloud whose IoT Core has the policy that is deployed, and a thing.
type things struct {
	*world
	core  *iotcore.Core
	files iotcore.Files
}

func startThings(t *testing.T, dir string, allowed grants) things {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "..", "infra", "porchlight.template.json"))
	require.NoError(t, err)
	stack, err := template.Load(template.Environment{Region: "us-east-1", AccountID: "000000000000", StackName: "porchlight"}, raw)
	require.NoError(t, err)
	policy := stack.OfType("AWS::IoT::Policy")[0]
	p := iotcore.PolicyProperties{}
	require.NoError(t, template.Decode(policy.Properties, &p))
	p.PolicyName = policy.Name
	core, err := iotcore.New(iotcore.Config{
		Dir: filepath.Join(dir, "iot"), Region: "us-east-1", AccountID: "000000000000", MQTTAddr: "127.0.0.1:0", CredentialsAddr: "127.0.0.1:0",
		Policies: []iotcore.PolicyProperties{p}, Log: slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, core.Close()) })
	require.NoError(t, core.Start(t.Context()))
	files, err := core.RegisterThing("porch", p.PolicyName)
	require.NoError(t, err)
	w := startWith(t, dir, allowed, map[string]http.Handler{"iotdata": core.DataHandler(), "iot": core.JobsHandler(), "iot-jobs-data": core.JobsDataHandler()})
	return things{w, core, files}
}

// device runs one of Debian's MQTT command-line clients as the thing porch.
func (th things) device(t *testing.T, tool string, args ...string) *exec.Cmd {
	t.Helper()
	path, err := exec.LookPath(tool)
	if err != nil {
		t.Skip(tool + " is not installed: apt install mosquitto-clients")
	}
	host, port, err := net.SplitHostPort(th.core.MQTTAddr())
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	t.Cleanup(cancel)
	return exec.CommandContext(ctx, path, append([]string{"-h", host, "-p", port, "-i", "porch", "-q", "1",
		"--cafile", th.files.CA, "--cert", th.files.Certificate, "--key", th.files.Key}, args...)...)
}

// request publishes a message and returns the answer on another topic.
func (th things) request(t *testing.T, topic, payload, answer string) string {
	t.Helper()
	out, err := th.device(t, "mosquitto_rr", "-t", topic, "-e", answer, "-m", payload, "-W", "50").CombinedOutput()
	require.NoError(t, err, "%s", out)
	return strings.TrimSpace(string(out))
}

// hear subscribes, leaves the session behind while something happens, and then
// returns so many messages, each with its topic. What waited comes in any order.
func (th things) hear(t *testing.T, count int, happens func(), topics ...string) string {
	t.Helper()
	args := []string{"-c", "-v"}
	for _, topic := range topics {
		args = append(args, "-t", topic)
	}
	out, err := th.device(t, "mosquitto_sub", append(args, "-E")...).CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.NotContains(t, string(out), "denied")
	happens()
	out, err = th.device(t, "mosquitto_sub", append(args, "-C", strconv.Itoa(count), "-W", "50")...).CombinedOutput()
	require.NoError(t, err, "%s", out)
	return string(out)
}

func TestShadowsThroughTheCLI(t *testing.T) {
	t.Parallel()
	th := startThings(t, t.TempDir(), grants{"iot:GetThingShadow arn:aws:iot:us-east-1:000000000000:thing/porch/config"})
	aws := newCLI(t, th.world, th.sts.Admin())
	const config = "$aws/things/porch/shadow/name/config/"
	file := filepath.Join(t.TempDir(), "out.json")
	payload := filepath.Join(t.TempDir(), "in.json")
	require.NoError(t, os.WriteFile(payload, []byte(`{"state":{"desired":{"motion":{"threshold":25}}},"clientToken":"cli"}`), 0o600))
	shadow := func(verb string, more ...string) []string {
		return append([]string{"iot-data", verb, "--thing-name", "porch", "--shadow-name", "config"}, more...)
	}
	heard := th.hear(t, 3, func() {
		aws.ok(t, shadow("update-thing-shadow", "--payload", "fileb://"+payload, file)...)
	}, config+"get/+", config+"update/+", "porchlight/v1/porch/sensors/+/set")
	answer, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Contains(t, string(answer), `"version":1`)
	require.Contains(t, heard, config+"update/accepted ")
	require.Contains(t, heard, config+`update/delta {"clientToken":"cli","metadata":`)
	require.Contains(t, heard, config+"update/documents ")

	got := th.request(t, config+"update", `{"state":{"reported":{"motion":{"threshold":25}}}}`, config+"update/accepted")
	require.Contains(t, got, `"version":2`)
	aws.ok(t, shadow("get-thing-shadow", file)...)
	answer, err = os.ReadFile(file)
	require.NoError(t, err)
	require.NotContains(t, string(answer), "delta")
	require.Equal(t, "config", aws.ok(t, "iot-data", "list-named-shadows-for-thing", "--thing-name", "porch", "--query", "results"))

	require.NoError(t, os.WriteFile(payload, []byte(`{"state":{},"version":1}`), 0o600))
	out, err := aws.run(t, shadow("update-thing-shadow", "--payload", "fileb://"+payload, file)...)
	require.Error(t, err)
	require.Contains(t, out, "ConflictException")
	require.Contains(t, out, "Version conflict")

	session, err := th.sts.Issue(deviceRole, "porch", nil, time.Hour)
	require.NoError(t, err)
	limited := newCLI(t, th.world, session)
	limited.ok(t, shadow("get-thing-shadow", file)...)
	out, err = limited.run(t, "iot-data", "get-thing-shadow", "--thing-name", "porch", file)
	require.Error(t, err)
	require.Contains(t, out, "iot:GetThingShadow on arn:aws:iot:us-east-1:000000000000:thing/porch")
	out, err = limited.run(t, shadow("delete-thing-shadow", file)...)
	require.Error(t, err)
	require.Contains(t, out, "iot:DeleteThingShadow")

	aws.ok(t, shadow("delete-thing-shadow", file)...)
	out, err = aws.run(t, shadow("get-thing-shadow", file)...)
	require.Error(t, err)
	require.Contains(t, out, "ResourceNotFoundException")
	require.Contains(t, th.request(t, config+"get", ``, config+"get/rejected"), `"code":404`)
}

func TestJobsThroughTheCLI(t *testing.T) {
	t.Parallel()
	th := startThings(t, t.TempDir(), grants{"iot:CreateJob arn:aws:iot:us-east-1:000000000000:job/*"})
	aws := newCLI(t, th.world, th.sts.Admin())
	const jobs, thing = "$aws/things/porch/jobs/", "arn:aws:iot:us-east-1:000000000000:thing/porch"
	heard := th.hear(t, 2, func() {
		require.Equal(t, "arn:aws:iot:us-east-1:000000000000:job/update-1", aws.ok(t, "iot", "create-job", "--job-id", "update-1", "--targets", thing,
			"--document", `{"version":"1.2"}`, "--description", "new version", "--timeout-config", "inProgressTimeoutInMinutes=60", "--query", "jobArn"))
	}, jobs+"notify", jobs+"notify-next")
	require.Contains(t, heard, `"QUEUED":[{"jobId":"update-1"`)
	require.Contains(t, heard, `"jobDocument":{"version":"1.2"}`)
	out, err := aws.run(t, "iot", "create-job", "--job-id", "update-1", "--targets", thing, "--document", `{}`)
	require.Error(t, err)
	require.Contains(t, out, "ResourceAlreadyExistsException")

	require.Contains(t, th.request(t, jobs+"start-next", `{"stepTimeoutInMinutes":5}`, jobs+"start-next/accepted"), `"status":"IN_PROGRESS"`)
	require.Equal(t, "IN_PROGRESS\t2", aws.ok(t, "iot", "describe-job-execution", "--job-id", "update-1", "--thing-name", "porch",
		"--query", "execution.[status, versionNumber]"))
	require.Contains(t, th.request(t, jobs+"update-1/update", `{"status":"SUCCEEDED","statusDetails":{"took":"3s"}}`, jobs+"update-1/update/accepted"), "timestamp")
	require.Equal(t, "COMPLETED\t1\t60", aws.ok(t, "iot", "describe-job", "--job-id", "update-1",
		"--query", "job.[status, jobProcessDetails.numberOfSucceededThings, timeoutConfig.inProgressTimeoutInMinutes]"))
	require.Equal(t, "update-1", aws.ok(t, "iot", "list-jobs", "--status", "COMPLETED", "--query", "jobs[].jobId"))
	require.Equal(t, thing, aws.ok(t, "iot", "list-job-executions-for-job", "--job-id", "update-1", "--query", "executionSummaries[].thingArn"))
	require.Equal(t, "SUCCEEDED", aws.ok(t, "iot", "list-job-executions-for-thing", "--thing-name", "porch", "--query", "executionSummaries[].jobExecutionSummary.status"))
	require.Equal(t, `{"version":"1.2"}`, aws.ok(t, "iot", "get-job-document", "--job-id", "update-1", "--query", "document"))

	aws.ok(t, "iot", "create-job", "--job-id", "update-2", "--targets", thing, "--document", `{}`)
	require.Equal(t, "update-2", aws.ok(t, "iot-jobs-data", "get-pending-job-executions", "--thing-name", "porch", "--query", "queuedJobs[].jobId"))
	require.Equal(t, "IN_PROGRESS", aws.ok(t, "iot-jobs-data", "start-next-pending-job-execution", "--thing-name", "porch", "--query", "execution.status"))
	require.Equal(t, "{}", aws.ok(t, "iot-jobs-data", "describe-job-execution", "--thing-name", "porch", "--job-id", "$next", "--query", "execution.jobDocument"))
	require.Equal(t, "3", aws.ok(t, "iot-jobs-data", "update-job-execution", "--thing-name", "porch", "--job-id", "update-2", "--status", "IN_PROGRESS",
		"--include-job-execution-state", "--query", "executionState.versionNumber"))
	out, err = aws.run(t, "iot", "cancel-job-execution", "--job-id", "update-2", "--thing-name", "porch")
	require.Error(t, err)
	require.Contains(t, out, "InvalidStateTransitionException")
	aws.ok(t, "iot", "cancel-job", "--job-id", "update-2", "--force", "--reason-code", "NOT_NEEDED", "--comment", "no more")
	require.Equal(t, "CANCELED", aws.ok(t, "iot", "describe-job", "--job-id", "update-2", "--query", "job.status"))
	aws.ok(t, "iot", "delete-job", "--job-id", "update-2")
	out, err = aws.run(t, "iot", "describe-job", "--job-id", "update-2")
	require.Error(t, err)
	require.Contains(t, out, "ResourceNotFoundException")

	session, err := th.sts.Issue(deviceRole, "porch", nil, time.Hour)
	require.NoError(t, err)
	out, err = newCLI(t, th.world, session).run(t, "iot", "create-job", "--job-id", "update-3", "--targets", thing, "--document", `{}`)
	require.Error(t, err)
	require.Contains(t, out, "iot:CreateJob on "+thing, "the job is not enough")
}
