package localcloud

import (
	"context"
	"encoding/json"
	"log/slog"
	"net"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/localcloud/template"
)

// fleetCloud is the part of a cloud that provisioning needs, from a template,
// with a hook that is a real function.
func fleetCloud(t *testing.T, change func(raw string) string) (*Cloud, error) {
	t.Helper()
	raw, err := os.ReadFile("testdata/fleet.template.json")
	require.NoError(t, err)
	stack, err := template.Load(template.Environment{Region: "us-east-1", AccountID: AccountID, StackName: "porchlight"}, []byte(change(string(raw))))
	require.NoError(t, err)
	require.Equal(t, map[string]string{"TemplateName": "fleet", "TemplateArn": "arn:aws:iot:us-east-1:000000000000:provisioningtemplate/fleet"}, stack.Outputs)
	dir := t.TempDir()
	c := &Cloud{
		stack: stack, cancel: func() {},
		cfg: Config{Dir: dir, Lambdas: filepath.Join(dir, "lambdas"), Region: "us-east-1", Log: slog.New(slog.DiscardHandler),
			Listen: Addresses{MQTT: "127.0.0.1:0", Credentials: "127.0.0.1:0", MQTTWebSocket: "127.0.0.1:0"}},
	}
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	if c.roles, err = newRoles(stack); err != nil {
		return c, err
	}
	build := exec.CommandContext(t.Context(), "go", "build", "-tags", "lambda.norpc", "-o", filepath.Join(c.cfg.Lambdas, "hook", "bootstrap"), "./testdata/hook")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := build.CombinedOutput()
	require.NoError(t, err, string(out))
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "cloud"), 0o700))
	for _, start := range []func(context.Context) error{c.startKeys, c.openIoT, c.startLambdas, c.startIoT} {
		if err := start(t.Context()); err != nil {
			return c, err
		}
	}
	return c, nil
}

// operator sends a request to the control plane.
func operator(t *testing.T, c *Cloud, method, path, body string) map[string]any {
	t.Helper()
	w := httptest.NewRecorder()
	c.iot.ControlHandler().ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader(body)))
	require.Equal(t, 200, w.Code, w.Body.String())
	answer := map[string]any{}
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &answer))
	return answer
}

// asker returns a function that sends a request with a claim and waits for the
// answer with that suffix.
func asker(t *testing.T, c *Cloud) func(topic, suffix string, payload any) map[string]any {
	t.Helper()
	tool, err := exec.LookPath("mosquitto_rr")
	if err != nil {
		t.Skip("mosquitto_rr is not installed")
	}
	claim := operator(t, c, "POST", "/keys-and-certificate?setAsActive=true", "")
	operator(t, c, "PUT", "/target-policies/claim", `{"target":"`+claim["certificateArn"].(string)+`"}`)
	authority, err := c.iot.RegisterThing("authority", "camera")
	require.NoError(t, err)
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert"), filepath.Join(dir, "key")
	require.NoError(t, os.WriteFile(cert, []byte(claim["certificatePem"].(string)), 0o600))
	require.NoError(t, os.WriteFile(key, []byte(claim["keyPair"].(map[string]any)["PrivateKey"].(string)), 0o600))
	host, port, err := net.SplitHostPort(c.addresses.MQTT)
	require.NoError(t, err)
	return func(topic, suffix string, payload any) map[string]any {
		message, err := json.Marshal(payload)
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
		defer cancel()
		out, err := exec.CommandContext(ctx, tool, "-h", host, "-p", port, "--cafile", authority.CA, "--cert", cert, "--key", key,
			"-V", "311", "-i", "line", "-q", "1", "-t", topic, "-e", topic+suffix, "-m", string(message)).CombinedOutput()
		require.NoError(t, err, string(out))
		answer := map[string]any{}
		require.NoError(t, json.Unmarshal(out, &answer), string(out))
		return answer
	}
}

// TestFleetFromTheTemplate provisions with everything as the template says,
// hook, permission and role included.
func TestFleetFromTheTemplate(t *testing.T) {
	t.Parallel()
	c, err := fleetCloud(t, func(raw string) string { return raw })
	require.NoError(t, err)
	ask := asker(t, c)
	const register = "$aws/provisioning-templates/fleet/provision/json"
	token := ask("$aws/certificates/create/json", "/accepted", struct{}{})["certificateOwnershipToken"]
	request := func(serial string) map[string]any {
		return map[string]any{"certificateOwnershipToken": token, "parameters": map[string]string{"SerialNumber": serial, "Owner": "me"}}
	}
	for _, serial := range []string{"stranger", "crash"} {
		answer := ask(register, "/rejected", request(serial))
		require.Equal(t, map[string]any{"statusCode": 403.0, "errorCode": "AccessDenied", "errorMessage": "Access denied"}, answer, serial)
	}
	require.Equal(t, map[string]any{"thingName": "porch", "deviceConfiguration": map[string]any{}}, ask(register, "/accepted", request("porch")))
	thing := operator(t, c, "GET", "/things/porch", "")
	require.Equal(t, map[string]any{"Owner": "owner-of-porch"}, thing["attributes"])
}

// TestFleetNeedsItsPermissions: what AWS would refuse is refused here.
func TestFleetNeedsItsPermissions(t *testing.T) {
	t.Parallel()
	for name, change := range map[string][2]string{
		"permission to invoke the hook": {`"Principal": "iot.amazonaws.com"`, `"Principal": "sns.amazonaws.com"`},
		"role of the template":          {"AWSIoTThingsRegistration", "AWSLambdaBasicExecutionRole"},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := fleetCloud(t, func(raw string) string { return strings.Replace(raw, change[0], change[1], 1) })
			require.NoError(t, err)
			ask := asker(t, c)
			token := ask("$aws/certificates/create/json", "/accepted", struct{}{})["certificateOwnershipToken"]
			answer := ask("$aws/provisioning-templates/fleet/provision/json", "/rejected",
				map[string]any{"certificateOwnershipToken": token, "parameters": map[string]string{"SerialNumber": "porch"}})
			require.Equal(t, "AccessDenied", answer["errorCode"])
		})
	}
	_, err := fleetCloud(t, func(raw string) string {
		return strings.Replace(raw, `"Service": "iot.amazonaws.com"`, `"Service": "ec2.amazonaws.com"`, 1)
	})
	require.ErrorContains(t, err, "does not trust iot.amazonaws.com")
	_, err = fleetCloud(t, func(raw string) string {
		return strings.ReplaceAll(raw, "AWSIoTThingsRegistration", "AdministratorAccess")
	})
	require.ErrorContains(t, err, "AdministratorAccess")
}
