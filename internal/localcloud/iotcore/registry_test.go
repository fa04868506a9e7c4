package iotcore_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/eclipse/paho.golang/paho"
	"github.com/stretchr/testify/require"

	"porchlight/internal/localcloud/iotcore"
	"porchlight/internal/localcloud/iotcore/pki"
)

// idOf is the id of a device's certificate.
func idOf(t testing.TB, files iotcore.Files) string {
	t.Helper()
	cert, err := pki.ReadCertificate(files.Certificate)
	require.NoError(t, err)
	return pki.Fingerprint(cert)
}

// TestPolicyChangesCountAtOnce: a connection does not keep what it had.
func TestPolicyChangesCountAtOnce(t *testing.T) {
	core := start(t, config(t, newActions()))
	files := register(t, core, "front")
	arn := iotARN + "cert/" + idOf(t, files)
	c := connect(t, core, files, "front")
	attempt := func(want byte) {
		t.Helper()
		code, _ := c.publish(eventsOf, "{}", 1)
		require.Equal(t, want, code)
	}
	attempt(0)
	status, _ := call(t, core, "POST", "/target-policies/camera", `{"target":"`+arn+`"}`)
	require.Equal(t, 200, status)
	attempt(0x87)
	status, _ = call(t, core, "PUT", "/target-policies/camera", `{"target":"`+arn+`"}`)
	require.Equal(t, 200, status)
	attempt(0)
	status, _ = call(t, core, "DELETE", "/things/front/principals", "", "X-Amzn-Principal", arn)
	require.Equal(t, 200, status)
	attempt(0x87) // the thing's variables have no value any more
	status, _ = call(t, core, "PUT", "/things/front/principals", "", "X-Amzn-Principal", arn)
	require.Equal(t, 200, status)
	attempt(0)
	status, _ = call(t, core, "PUT", "/certificates/"+idOf(t, files)+"?newStatus=INACTIVE", "")
	require.Equal(t, 200, status)
	c.waitGone(t)
	_, _, err := dial(t, core, files, "front")
	require.Error(t, err)
	status, _ = call(t, core, "PUT", "/certificates/"+idOf(t, files)+"?newStatus=ACTIVE", "")
	require.Equal(t, 200, status)
	connect(t, core, files, "front")
}

// TestDetachedPolicyEndsDelivery: what was subscribed to is received no longer.
func TestDetachedPolicyEndsDelivery(t *testing.T) {
	cfg := config(t, newActions())
	cfg.Policies = append(cfg.Policies, iotcore.PolicyProperties{PolicyName: "listen", PolicyDocument: parse(t, `{"Version":"2012-10-17","Statement":[
	 {"Effect":"Allow","Action":"iot:Connect","Resource":"*"},{"Effect":"Allow","Action":["iot:Subscribe","iot:Receive"],"Resource":"*"}]}`)})
	core := start(t, cfg)
	files, err := core.RegisterThing("ear", "camera", "listen")
	require.NoError(t, err)
	c := connect(t, core, files, "ear")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	_, err = c.Subscribe(ctx, &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: "a/+", QoS: 1}, {Topic: "porchlight/v1/ear/commands", QoS: 1}}})
	require.NoError(t, err)
	publishHTTP(t, core, "a/first", "1", 200)
	require.Equal(t, "a/first", (<-c.received).Topic)
	status, _ := call(t, core, "POST", "/target-policies/listen", `{"target":"`+iotARN+"cert/"+idOf(t, files)+`"}`)
	require.Equal(t, 200, status)
	publishHTTP(t, core, "a/second", "2", 200)
	publishHTTP(t, core, "porchlight/v1/ear/commands", "3", 200)
	require.Equal(t, "porchlight/v1/ear/commands", (<-c.received).Topic, "the one before was withheld")
}

// TestOneCertificateForTwoThings: which one it speaks for is said by the client id.
func TestOneCertificateForTwoThings(t *testing.T) {
	core := start(t, config(t, newActions()))
	files := register(t, core, "front")
	arn := iotARN + "cert/" + idOf(t, files)
	call(t, core, "POST", "/things/back", "{}")
	status, _ := call(t, core, "PUT", "/things/back/principals", "", "X-Amzn-Principal", arn)
	require.Equal(t, 200, status)
	_, got := call(t, core, "GET", "/principals/things", "", "X-Amzn-Principal", arn)
	require.Equal(t, []any{"back", "front"}, got["things"])
	for thing, other := range map[string]string{"front": "back", "back": "front"} {
		c := connect(t, core, files, thing)
		code, err := c.publish("porchlight/v1/"+thing+"/events", "{}", 1)
		require.NoError(t, err)
		require.Zero(t, code)
		code, _ = c.publish("porchlight/v1/"+other+"/events", "{}", 1)
		require.Equal(t, byte(0x87), code)
	}
	for _, thing := range []string{"front", "back"} {
		status, _, err := get(t, core, tlsOf(t, files), "/role-aliases/camera/credentials", thing)
		require.NoError(t, err)
		require.Equal(t, 200, status)
	}
	status, _, err := get(t, core, tlsOf(t, files), "/role-aliases/camera/credentials", "garage")
	require.NoError(t, err)
	require.Equal(t, 403, status)
}

// TestThingAttributesInPolicies: a policy may ask for an attribute of the thing.
func TestThingAttributesInPolicies(t *testing.T) {
	cfg := config(t, newActions())
	cfg.Policies = append(cfg.Policies, iotcore.PolicyProperties{PolicyName: "floor", PolicyDocument: parse(t, `{"Version":"2012-10-17","Statement":[
	 {"Effect":"Allow","Action":"iot:Connect","Resource":"*"},
	 {"Effect":"Allow","Action":"iot:Publish","Resource":"`+iotARN+`topic/floor/${iot:Connection.Thing.Attributes[Floor]}/*"}]}`)})
	core := start(t, cfg)
	files, err := core.RegisterThing("front", "floor")
	require.NoError(t, err)
	c := connect(t, core, files, "front")
	code, _ := c.publish("floor/2/a", "{}", 1)
	require.Equal(t, byte(0x87), code)
	status, _ := call(t, core, "PATCH", "/things/front", `{"attributePayload":{"attributes":{"Floor":"2"}}}`)
	require.Equal(t, 200, status)
	code, err = c.publish("floor/2/a", "{}", 1)
	require.NoError(t, err)
	require.Zero(t, code)
}

// TestFirstRegistryIsMigrated: devices of before keep working with the files
// they have, and what was revoked stays revoked.
func TestFirstRegistryIsMigrated(t *testing.T) {
	cfg := config(t, newActions())
	core, err := iotcore.New(cfg)
	require.NoError(t, err)
	front, version := register(t, core, "front"), register(t, core, "version") // a name that is a key of the new form
	require.NoError(t, core.Close())
	old := map[string]any{
		"front":   object{"policies": []string{"camera"}, "certificates": map[string]string{idOf(t, front): "ACTIVE", "00ff": "REVOKED"}},
		"version": object{"policies": []string{"camera"}, "certificates": map[string]string{idOf(t, version): "ACTIVE"}},
		"gone":    object{"policies": []string{"camera"}, "certificates": map[string]string{}},
	}
	b, err := json.Marshal(old)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(cfg.Dir, "registry.json"), b, 0o600))

	core = start(t, cfg)
	connect(t, core, front, "front")
	connect(t, core, version, "version")
	status, got := call(t, core, "GET", "/certificates/"+idOf(t, front), "")
	require.Equal(t, 200, status)
	pem, err := os.ReadFile(front.Certificate)
	require.NoError(t, err)
	require.Equal(t, string(pem), got["certificateDescription"].(map[string]any)["certificatePem"])
	_, got = call(t, core, "GET", "/certificates/00ff", "")
	require.Equal(t, "REVOKED", got["certificateDescription"].(map[string]any)["status"])
	_, got = call(t, core, "GET", "/things", "")
	require.Len(t, got["things"], 3)
	require.Equal(t, front, register(t, core, "front"))
	_, got = call(t, core, "GET", "/things/front/principals", "")
	require.Len(t, got["principals"], 2, "no new certificate was made")
}

// TestControlPlaneErrors: codes and statuses are those of the AWS IoT API.
func TestControlPlaneErrors(t *testing.T) {
	core := start(t, config(t, newActions()))
	id := idOf(t, register(t, core, "front"))
	call(t, core, "POST", "/things/bare", `{"attributePayload":{"attributes":{"a":"b"}}}`)
	for _, tt := range []struct {
		method, path, body string
		status             int
		code               string
	}{
		{"POST", "/things/a%20b", "{}", 400, "InvalidRequestException"},
		{"POST", "/things/bare", `{}`, 409, "ResourceAlreadyExistsException"},
		{"POST", "/things/x", `{"thingTypeName":"t"}`, 400, "InvalidRequestException"},
		{"POST", "/things/x", `[`, 400, "InvalidRequestException"},
		{"POST", "/things/x", `{"attributePayload":{"attributes":{"a":"1","b":"2","c":"3","d":"4"}}}`, 400, "InvalidRequestException"},
		{"POST", "/things/x", `{"attributePayload":{"attributes":{"a":"two words"}}}`, 400, "InvalidRequestException"},
		{"PATCH", "/things/none", `{}`, 404, "ResourceNotFoundException"},
		{"PATCH", "/things/bare", `{"expectedVersion":9}`, 409, "VersionConflictException"},
		{"DELETE", "/things/bare?expectedVersion=9", ``, 409, "VersionConflictException"},
		{"DELETE", "/things/front", ``, 400, "InvalidRequestException"},
		{"DELETE", "/things/none", ``, 404, "ResourceNotFoundException"},
		{"GET", "/things?maxResults=0", ``, 400, "InvalidRequestException"},
		{"GET", "/things?nextToken=none", ``, 400, "InvalidRequestException"},
		{"GET", "/things/none/principals", ``, 404, "ResourceNotFoundException"},
		{"PUT", "/things/front/principals", ``, 400, "InvalidRequestException"},
		{"POST", "/certificates", `{"certificateSigningRequest":"x"}`, 400, "InvalidRequestException"},
		{"POST", "/keys-and-certificate?setAsActive=perhaps", ``, 400, "InvalidRequestException"},
		{"GET", "/certificates/none", ``, 404, "ResourceNotFoundException"},
		{"PUT", "/certificates/" + id + "?newStatus=PENDING_ACTIVATION", ``, 400, "InvalidRequestException"},
		{"PUT", "/certificates/none?newStatus=ACTIVE", ``, 404, "ResourceNotFoundException"},
		{"DELETE", "/certificates/" + id, ``, 409, "DeleteConflictException"},
		{"PUT", "/target-policies/none", `{"target":"` + iotARN + `cert/` + id + `"}`, 404, "ResourceNotFoundException"},
		{"PUT", "/target-policies/camera", `{"target":"` + iotARN + `thinggroup/g"}`, 400, "InvalidRequestException"},
		{"PUT", "/target-policies/camera", `{"target":"` + iotARN + `cert/none"}`, 404, "ResourceNotFoundException"},
		{"POST", "/attached-policies/" + iotARN + "cert%2Fnone", ``, 404, "ResourceNotFoundException"},
		{"GET", "/policies/none", ``, 404, "ResourceNotFoundException"},
		{"GET", "/endpoint?endpointType=iot:Other", ``, 400, "InvalidRequestException"},
		{"GET", "/provisioning-templates/none", ``, 404, "ResourceNotFoundException"},
	} {
		status, answer := call(t, core, tt.method, tt.path, tt.body)
		require.Equal(t, tt.status, status, "%s %s: %v", tt.method, tt.path, answer)
		require.Equal(t, tt.code, answer["__type"], "%s %s", tt.method, tt.path)
		require.NotEmpty(t, answer["message"])
	}
}
