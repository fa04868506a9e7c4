package iotcore_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/paho"
	"github.com/stretchr/testify/require"

	"porchlight/internal/localcloud/iotcore"
)

const (
	iotARN   = "arn:aws:iot:us-east-1:000000000000:"
	fleet    = "$aws/provisioning-templates/fleet/provision/json"
	fromCSR  = "$aws/certificates/create-from-csr/json"
	fromKeys = "$aws/certificates/create/json"
	hookARN  = "arn:aws:lambda:us-east-1:000000000000:function:hook"
)

const claimPolicy = `{"Version":"2012-10-17","Statement":[
 {"Effect":"Allow","Action":"iot:Connect","Resource":"*"},
 {"Effect":"Allow","Action":["iot:Publish","iot:Receive"],"Resource":["` + iotARN + `topic/$aws/certificates/*","` + iotARN + `topic/$aws/provisioning-templates/fleet/provision/*"]},
 {"Effect":"Allow","Action":"iot:Subscribe","Resource":["` + iotARN + `topicfilter/$aws/certificates/*","` + iotARN + `topicfilter/$aws/provisioning-templates/fleet/provision/*"]}]}`

const fleetBody = `{"Parameters":{"SerialNumber":{"Type":"String"},"Model":{"Type":"String","Default":"X1"},"AWS::IoT::Certificate::Id":{"Type":"String"}},
 "Mappings":{"Place":{"X1":{"URL":"https://one.example"},"X2":{"URL":"https://two.example"}}},
 "Resources":{
  "thing":{"Type":"AWS::IoT::Thing","Properties":{"ThingName":{"Fn::Join":["-",["cam",{"Ref":"SerialNumber"}]]},
    "AttributePayload":{"Model":{"Ref":"Model"},"Serial":{"Fn::Sub":"sn:${SerialNumber}"}}},
    "OverrideSettings":{"AttributePayload":"MERGE","ThingGroups":"DO_NOTHING"}},
  "certificate":{"Type":"AWS::IoT::Certificate","Properties":{"CertificateId":{"Ref":"AWS::IoT::Certificate::Id"},"Status":"Active"}},
  "policy":{"Type":"AWS::IoT::Policy","Properties":{"PolicyName":"camera"}}},
 "DeviceConfiguration":{"url":{"Fn::FindInMap":["Place",{"Ref":"Model"},"URL"]},"name":{"Ref":"thing"}}}`

// account is the one that IoT Core is in. Its functions, where set, decide.
type account struct {
	mu      sync.Mutex
	asked   []string // role, action and resource
	calls   [][]byte // payloads of the hook
	roleMay func(action string) error
	hook    func(ctx context.Context, payload []byte) ([]byte, error)
}

func (a *account) RoleMay(role, action, resource string, _ map[string]string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.asked = append(a.asked, role+" "+action+" "+resource)
	if a.roleMay != nil {
		return a.roleMay(action)
	}
	return nil
}

func (a *account) InvokeHook(ctx context.Context, template, function string, payload []byte) ([]byte, error) {
	a.mu.Lock()
	a.calls = append(a.calls, payload)
	a.mu.Unlock()
	if template != iotARN+"provisioningtemplate/fleet" || function != hookARN {
		return nil, errors.New("called for " + template + " " + function)
	}
	return a.hook(ctx, payload)
}

func (a *account) WhoSigned(*http.Request) (iotcore.Signer, error) {
	return iotcore.Signer{}, errors.New("nobody signs here")
}

// clock is a clock that tests turn.
type clock struct {
	mu    sync.Mutex
	ahead time.Duration
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.ahead)
}

func (c *clock) turn(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead += d
}

const fleetRole = "arn:aws:iam::000000000000:role/fleet"

// fleetConfig is config with a provisioning template and a claim policy.
func fleetConfig(t testing.TB, a *account) (iotcore.Config, *clock) {
	t.Helper()
	cfg := config(t, newActions())
	at := &clock{}
	cfg.Now, cfg.Account = at.now, a
	cfg.Roles.(*roles).trust[fleetRole] = parse(t, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"iot.amazonaws.com"},"Action":"sts:AssumeRole"}}`)
	cfg.Policies = append(cfg.Policies, iotcore.PolicyProperties{PolicyName: "claim", PolicyDocument: parse(t, claimPolicy)})
	template := iotcore.ProvisioningTemplateProperties{TemplateName: "fleet", TemplateBody: fleetBody, ProvisioningRoleArn: fleetRole, Enabled: true}
	if a.hook != nil {
		template.PreProvisioningHook = &iotcore.ProvisioningHook{TargetArn: hookARN, PayloadVersion: "2020-04-01"}
	}
	off := template
	off.TemplateName, off.Enabled = "off", false
	cfg.ProvisioningTemplates = []iotcore.ProvisioningTemplateProperties{template, off}
	return cfg, at
}

// call sends a request to the control plane and decodes the answer.
func call(t testing.TB, core *iotcore.Core, method, path, body string, header ...string) (status int, answer map[string]any) {
	t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if len(header) == 2 {
		r.Header.Set(header[0], header[1])
	}
	w := httptest.NewRecorder()
	core.ControlHandler().ServeHTTP(w, r)
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &answer), w.Body.String())
	return w.Code, answer
}

// save writes what a device connects with.
func save(t testing.TB, core *iotcore.Core, certPEM, keyPEM string) iotcore.Files {
	t.Helper()
	dir := t.TempDir()
	files := iotcore.Files{Certificate: filepath.Join(dir, "cert"), Key: filepath.Join(dir, "key"), CA: register(t, core, "authority").CA}
	require.NoError(t, os.WriteFile(files.Certificate, []byte(certPEM), 0o600))
	require.NoError(t, os.WriteFile(files.Key, []byte(keyPEM), 0o600))
	return files
}

// newClaim makes a lasting claim certificate as an operator does.
func newClaim(t testing.TB, core *iotcore.Core) (files iotcore.Files, id string) {
	t.Helper()
	status, made := call(t, core, "POST", "/keys-and-certificate?setAsActive=true", "")
	require.Equal(t, 200, status)
	status, _ = call(t, core, "PUT", "/target-policies/claim", `{"target":"`+made["certificateArn"].(string)+`"}`)
	require.Equal(t, 200, status)
	return save(t, core, made["certificatePem"].(string), made["keyPair"].(map[string]any)["PrivateKey"].(string)), made["certificateId"].(string)
}

// newRequest makes a key and a signing request.
func newRequest(t testing.TB) (csr, keyPEM string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: "device"}}, key)
	require.NoError(t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})),
		string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}))
}

// follow subscribes to the answers of topics.
func (c *client) follow(t testing.TB, topics ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for _, topic := range topics {
		ack, err := c.Subscribe(ctx, &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: topic + "/accepted", QoS: 1}, {Topic: topic + "/rejected", QoS: 1}}})
		require.NoError(t, err)
		require.Equal(t, []byte{1, 1}, ack.Reasons)
	}
}

// ask publishes a request and returns its answer.
func (c *client) ask(t testing.TB, topic, payload string) (accepted bool, answer map[string]any) {
	t.Helper()
	_, err := c.publish(topic, payload, 1)
	require.NoError(t, err)
	select {
	case p := <-c.received:
		suffix, ok := strings.CutPrefix(p.Topic, topic+"/")
		require.True(t, ok, p.Topic)
		require.NoError(t, json.Unmarshal(p.Payload, &answer), string(p.Payload))
		return suffix == "accepted", answer
	case <-time.After(patience):
		require.FailNow(t, "no answer", topic)
		return false, nil
	}
}

func (c *client) accepted(t testing.TB, topic string, payload any) map[string]any {
	t.Helper()
	ok, answer := c.ask(t, topic, encode(t, payload))
	require.True(t, ok, "%v", answer)
	return answer
}

func (c *client) rejected(t testing.TB, topic string, payload any, status int, code string) map[string]any {
	t.Helper()
	ok, answer := c.ask(t, topic, encode(t, payload))
	require.False(t, ok, "%v", answer)
	require.Equal(t, float64(status), answer["statusCode"], "%v", answer)
	require.Equal(t, code, answer["errorCode"])
	require.NotEmpty(t, answer["errorMessage"])
	return answer
}

func encode(t testing.TB, payload any) string {
	t.Helper()
	if text, ok := payload.(string); ok {
		return text
	}
	b, err := json.Marshal(payload)
	require.NoError(t, err)
	return string(bytes.TrimSpace(b))
}

type object map[string]any
