package localcloud_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/localcloud/iam"
	"porchlight/internal/localcloud/iotcore"
)

const (
	iotARN   = "arn:aws:iot:us-east-1:000000000000:"
	patience = 30 * time.Second // only ever reached by a failing test
)

const devicePolicy = `{"Version":"2012-10-17","Statement":[
 {"Effect":"Allow","Action":"iot:Connect","Resource":"` + iotARN + `client/${iot:Connection.Thing.ThingName}"},
 {"Effect":"Allow","Action":"iot:Publish","Resource":"` + iotARN + `topic/porchlight/v1/${iot:Connection.Thing.ThingName}/*"}]}`

// startIoTCore runs IoT Core alone, with one policy called device.
func startIoTCore(t *testing.T) *iotcore.Core {
	t.Helper()
	policy, err := iam.Parse([]byte(devicePolicy))
	require.NoError(t, err)
	core, err := iotcore.New(iotcore.Config{
		Dir: t.TempDir(), Region: "us-east-1", AccountID: "000000000000", MQTTAddr: "127.0.0.1:0", CredentialsAddr: "127.0.0.1:0",
		HTTPAddr: "127.0.0.1:4566", Policies: []iotcore.PolicyProperties{{PolicyName: "device", PolicyDocument: policy}},
		Log: slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	require.NoError(t, core.Start(context.Background()))
	t.Cleanup(func() { require.NoError(t, core.Close()) })
	return core
}

// tool runs a program that is not ours.
func tool(t *testing.T, name string, args ...string) (string, error) {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skip(name + " is not installed")
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	out, err := exec.CommandContext(ctx, path, args...).CombinedOutput()
	require.NoError(t, ctx.Err(), "%s hangs: %s", name, out)
	return string(out), err
}

// TestAWSCLIRegistersADevice goes the way of a device whose key never leaves
// it: openssl makes key and request, the AWS CLI registers, mosquitto connects.
func TestAWSCLIRegistersADevice(t *testing.T) {
	t.Parallel()
	core := startIoTCore(t)
	w := startWith(t, t.TempDir(), nil, map[string]http.Handler{"iot": core.ControlHandler()})
	aws := newCLI(t, w, w.sts.Admin())
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	out, err := tool(t, "openssl", "req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", in("key"), "-out", in("csr"), "-subj", "/O=Home/CN=porch")
	require.NoError(t, err, out)

	require.Equal(t, iotARN+"thing/porch", aws.ok(t, "iot", "create-thing", "--thing-name", "porch", "--attribute-payload", "attributes={Model=X1}", "--query", "thingArn"))
	require.NotEmpty(t, aws.ok(t, "iot", "create-thing", "--thing-name", "porch", "--attribute-payload", "attributes={Model=X1}"), "the same again is no error")
	out, err = aws.run(t, "iot", "create-thing", "--thing-name", "porch", "--attribute-payload", "attributes={Model=X2}")
	require.Error(t, err)
	require.Contains(t, out, "ResourceAlreadyExistsException")
	out, err = aws.run(t, "iot", "describe-thing", "--thing-name", "nobody")
	require.Error(t, err)
	require.Contains(t, out, "ResourceNotFoundException")
	require.Equal(t, "porch\tX1\t1", aws.ok(t, "iot", "describe-thing", "--thing-name", "porch", "--query", "[defaultClientId,attributes.Model,version]"))
	aws.ok(t, "iot", "update-thing", "--thing-name", "porch", "--attribute-payload", "attributes={Floor=2},merge=true")
	out, err = aws.run(t, "iot", "update-thing", "--thing-name", "porch", "--expected-version", "1", "--attribute-payload", "attributes={Floor=3}")
	require.Error(t, err)
	require.Contains(t, out, "VersionConflictException")
	require.Equal(t, "porch\tX1\t2", aws.ok(t, "iot", "list-things", "--attribute-name", "Floor", "--attribute-value", "2", "--query", "things[].[thingName,attributes.Model,version]"))
	require.Equal(t, "None", aws.ok(t, "iot", "list-things", "--attribute-name", "Floor", "--attribute-value", "9", "--query", "things[0]"))

	created := aws.ok(t, "iot", "create-certificate-from-csr", "--certificate-signing-request", "file://"+in("csr"), "--query", "[certificateArn,certificateId,certificatePem]", "--output", "json")
	var fields []string
	require.NoError(t, json.Unmarshal([]byte(created), &fields), created)
	arn, id, pem := fields[0], fields[1], fields[2]
	require.Equal(t, iotARN+"cert/"+id, arn)
	require.NoError(t, os.WriteFile(in("pem"), []byte(pem), 0o600))
	fingerprint, err := tool(t, "openssl", "x509", "-in", in("pem"), "-noout", "-fingerprint", "-sha256", "-subject")
	require.NoError(t, err)
	require.Contains(t, strings.ToLower(strings.ReplaceAll(fingerprint, ":", "")), id, "the id is the SHA-256 of the certificate")
	require.Contains(t, fingerprint, "porch", "the subject is that of the request")
	require.Equal(t, "INACTIVE", aws.ok(t, "iot", "describe-certificate", "--certificate-id", id, "--query", "certificateDescription.status"))

	other, err := core.RegisterThing("garage", "device")
	require.NoError(t, err)
	host, port, err := net.SplitHostPort(aws.ok(t, "iot", "describe-endpoint", "--endpoint-type", "iot:Data-ATS", "--query", "endpointAddress"))
	require.NoError(t, err)
	publish := func(topic string) error {
		out, err := tool(t, "mosquitto_pub", "-h", host, "-p", port, "--cafile", other.CA, "--cert", in("pem"), "--key", in("key"),
			"-i", "porch", "-t", topic, "-q", "1", "-m", "{}")
		t.Log(out)
		return err
	}
	const topic = "porchlight/v1/porch/events"
	require.Error(t, publish(topic), "inactive")
	aws.ok(t, "iot", "update-certificate", "--certificate-id", id, "--new-status", "ACTIVE")
	require.Error(t, publish(topic), "no policy")
	aws.ok(t, "iot", "attach-policy", "--policy-name", "device", "--target", arn)
	require.Error(t, publish(topic), "not attached to the thing")
	aws.ok(t, "iot", "attach-thing-principal", "--thing-name", "porch", "--principal", arn)
	require.NoError(t, publish(topic))
	require.Error(t, publish("porchlight/v1/garage/events"), "another thing's topic")

	require.Equal(t, "device", aws.ok(t, "iot", "list-attached-policies", "--target", arn, "--query", "policies[].policyName"))
	require.Equal(t, arn, aws.ok(t, "iot", "list-thing-principals", "--thing-name", "porch", "--query", "principals"))
	require.Equal(t, "porch", aws.ok(t, "iot", "list-principal-things", "--principal", arn, "--query", "things"))
	require.Contains(t, aws.ok(t, "iot", "list-targets-for-policy", "--policy-name", "device", "--query", "targets"), arn)
	require.JSONEq(t, devicePolicy, aws.ok(t, "iot", "get-policy", "--policy-name", "device", "--query", "policyDocument"))
	require.Equal(t, "2", aws.ok(t, "iot", "list-certificates", "--query", "length(certificates)"))
	require.Equal(t, "2", aws.ok(t, "iot", "list-things", "--page-size", "1", "--query", "length(things)", "--output", "json"), "page by page")

	for code, args := range map[string][]string{
		"CertificateStateException": {"delete-certificate", "--certificate-id", id, "--force-delete"},
		"InvalidRequestException":   {"delete-thing", "--thing-name", "porch"},
		"ResourceNotFoundException": {"attach-policy", "--policy-name", "none", "--target", arn},
	} {
		if code == "CertificateStateException" {
			code = "DeleteConflictException" // attached to a thing, which force does not cover
		}
		out, err = aws.run(t, append([]string{"iot"}, args...)...)
		require.Error(t, err)
		require.Contains(t, out, code)
	}
	aws.ok(t, "iot", "detach-policy", "--policy-name", "device", "--target", arn)
	require.Error(t, publish(topic), "policy detached")
	aws.ok(t, "iot", "attach-policy", "--policy-name", "device", "--target", arn)
	require.NoError(t, publish(topic))
	aws.ok(t, "iot", "update-certificate", "--certificate-id", id, "--new-status", "REVOKED")
	require.Error(t, publish(topic), "revoked")
	aws.ok(t, "iot", "detach-thing-principal", "--thing-name", "porch", "--principal", arn)
	aws.ok(t, "iot", "delete-certificate", "--certificate-id", id, "--force-delete")
	aws.ok(t, "iot", "delete-thing", "--thing-name", "porch")

	keys := aws.ok(t, "iot", "create-keys-and-certificate", "--set-as-active", "--certificate-pem-outfile", in("pem"), "--private-key-outfile", in("key"), "--query", "certificateArn")
	aws.ok(t, "iot", "create-thing", "--thing-name", "porch")
	aws.ok(t, "iot", "attach-policy", "--policy-name", "device", "--target", keys)
	aws.ok(t, "iot", "attach-thing-principal", "--thing-name", "porch", "--principal", keys)
	require.NoError(t, publish(topic))
}

// TestControlPlaneIsAuthorized: each operation takes the permission of its own name.
func TestControlPlaneIsAuthorized(t *testing.T) {
	t.Parallel()
	core := startIoTCore(t)
	w := startWith(t, t.TempDir(), grants{"iot:CreateThing " + iotARN + "thing/home-*", "iot:DescribeEndpoint *"},
		map[string]http.Handler{"iot": core.ControlHandler()})
	session, err := w.sts.Issue(deviceRole, "operator", nil, time.Hour)
	require.NoError(t, err)
	aws := newCLI(t, w, session)
	aws.ok(t, "iot", "create-thing", "--thing-name", "home-1")
	require.Equal(t, core.CredentialsAddr(), aws.ok(t, "iot", "describe-endpoint", "--endpoint-type", "iot:CredentialProvider", "--query", "endpointAddress"))
	for need, args := range map[string][]string{
		"iot:CreateThing on " + iotARN + "thing/work-1":                           {"create-thing", "--thing-name", "work-1"},
		"iot:AttachPolicy on " + iotARN + "cert/00":                               {"attach-policy", "--policy-name", "device", "--target", iotARN + "cert/00"},
		"iot:CreateKeysAndCertificate on *":                                       {"create-keys-and-certificate"},
		"iot:AttachThingPrincipal on *":                                           {"attach-thing-principal", "--thing-name", "home-1", "--principal", iotARN + "cert/00"},
		"iot:DeleteThing on " + iotARN + "thing/home-1":                           {"delete-thing", "--thing-name", "home-1"},
		"iot:GetPolicy on " + iotARN + "policy/device":                            {"get-policy", "--policy-name", "device"},
		"iot:CreateProvisioningClaim on " + iotARN + "provisioningtemplate/fleet": {"create-provisioning-claim", "--template-name", "fleet"},
	} {
		out, err := aws.run(t, append([]string{"iot"}, args...)...)
		require.Error(t, err)
		require.Contains(t, out, "AccessDenied")
		require.Contains(t, out, need)
	}
}
