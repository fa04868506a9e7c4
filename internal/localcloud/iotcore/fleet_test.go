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

// TestFleetProvisioning: from a claim to a camera that publishes.
func TestFleetProvisioning(t *testing.T) {
	a := &account{}
	cfg, _ := fleetConfig(t, a)
	core := start(t, cfg)
	files, _ := newClaim(t, core)
	claim := connect(t, core, files, "any-client-id")
	claim.follow(t, fromCSR, fleet)
	csr, key := newRequest(t)
	made := claim.accepted(t, fromCSR, object{"certificateSigningRequest": csr})
	id := made["certificateId"].(string)
	require.NotContains(t, made, "privateKey")
	_, described := call(t, core, "GET", "/certificates/"+id, "")
	require.Equal(t, "PENDING_ACTIVATION", described["certificateDescription"].(map[string]any)["status"])
	device := save(t, core, made["certificatePem"].(string), key)
	_, _, err := dial(t, core, device, "cam-7")
	require.Error(t, err, "not active yet")

	request := object{"certificateOwnershipToken": made["certificateOwnershipToken"], "parameters": object{"SerialNumber": "7", "Unknown": "for the hook"}}
	got := claim.accepted(t, fleet, request)
	require.Equal(t, map[string]any{"thingName": "cam-7", "deviceConfiguration": map[string]any{"url": "https://one.example", "name": "cam-7"}}, got)
	c := connect(t, core, device, "cam-7")
	code, err := c.publish("porchlight/v1/cam-7/events", `{}`, 1)
	require.NoError(t, err)
	require.Zero(t, code)
	_, thing := call(t, core, "GET", "/things/cam-7", "")
	require.Equal(t, map[string]any{"Model": "X1", "Serial": "sn:7"}, thing["attributes"])
	require.Contains(t, a.asked, fleetRole+" iot:CreateThing "+iotARN+"thing/cam-7")
	require.Contains(t, a.asked, fleetRole+" iot:AttachPolicy "+iotARN+"cert/"+id)
	claim.rejected(t, fleet, request, 400, "InvalidCertificateOwnershipToken")

	// The same device again, with keys made here: the thing is kept, and so is
	// what was written to it since.
	status, _ := call(t, core, "PATCH", "/things/cam-7", `{"attributePayload":{"attributes":{"Room":"hall"},"merge":true}}`)
	require.Equal(t, 200, status)
	claim.follow(t, fromKeys)
	again := claim.accepted(t, fromKeys, "")
	claim.accepted(t, fleet, object{"certificateOwnershipToken": again["certificateOwnershipToken"], "parameters": object{"SerialNumber": "7", "Model": "X2"}})
	_, thing = call(t, core, "GET", "/things/cam-7", "")
	require.Equal(t, map[string]any{"Model": "X2", "Serial": "sn:7", "Room": "hall"}, thing["attributes"])
	connect(t, core, save(t, core, again["certificatePem"].(string), again["privateKey"].(string)), "cam-7")
	_, principals := call(t, core, "GET", "/things/cam-7/principals", "")
	require.Len(t, principals["principals"], 2)
}

// TestFleetProvisioningOutlivesTheProcess: a token is good after a restart.
func TestFleetProvisioningOutlivesTheProcess(t *testing.T) {
	cfg, at := fleetConfig(t, &account{})
	core, err := iotcore.New(cfg)
	require.NoError(t, err)
	require.NoError(t, core.Start(context.Background()))
	files, _ := newClaim(t, core)
	claim := connect(t, core, files, "c")
	claim.follow(t, fromKeys, fleet)
	first, second := claim.accepted(t, fromKeys, "{}"), claim.accepted(t, fromKeys, "{}")
	require.NoError(t, core.Close())

	core = start(t, cfg)
	claim = connect(t, core, files, "c")
	claim.follow(t, fleet)
	claim.accepted(t, fleet, object{"certificateOwnershipToken": first["certificateOwnershipToken"], "parameters": object{"SerialNumber": "1"}})
	connect(t, core, save(t, core, first["certificatePem"].(string), first["privateKey"].(string)), "cam-1")
	at.turn(61 * time.Minute)
	claim.rejected(t, fleet, object{"certificateOwnershipToken": second["certificateOwnershipToken"], "parameters": object{"SerialNumber": "2"}}, 400, "InvalidCertificateOwnershipToken")
	call(t, core, "POST", "/things/other", "{}") // any change sweeps
	status, _ := call(t, core, "GET", "/certificates/"+second["certificateId"].(string), "")
	require.Equal(t, 404, status, "never taken up, and gone")
	status, _ = call(t, core, "GET", "/certificates/"+first["certificateId"].(string), "")
	require.Equal(t, 200, status)
}

func TestFleetProvisioningRejected(t *testing.T) {
	a := &account{}
	cfg, _ := fleetConfig(t, a)
	core := start(t, cfg)
	files, _ := newClaim(t, core)
	claim := connect(t, core, files, "c")
	claim.follow(t, fromCSR, fromKeys, fleet)
	claim.rejected(t, fromCSR, "not json", 400, "InvalidPayload")
	claim.rejected(t, fromCSR, object{"certificateSigningRequest": "x"}, 400, "InvalidCertificateSigningRequest")
	claim.rejected(t, fromKeys, "[]", 400, "InvalidPayload")
	token := claim.accepted(t, fromKeys, "{}")["certificateOwnershipToken"]
	request := func(parameters object) object {
		return object{"certificateOwnershipToken": token, "parameters": parameters}
	}
	claim.rejected(t, fleet, object{"parameters": object{"SerialNumber": "1"}}, 400, "InvalidCertificateOwnershipToken")
	claim.rejected(t, fleet, object{"certificateOwnershipToken": "guess", "parameters": object{"SerialNumber": "1"}}, 400, "InvalidCertificateOwnershipToken")
	claim.rejected(t, fleet, request(object{}), 400, "InvalidParameters")
	claim.rejected(t, fleet, request(object{"SerialNumber": 7}), 400, "InvalidPayload")
	claim.rejected(t, fleet, request(object{"SerialNumber": "a b"}), 400, "InvalidParameters")
	claim.rejected(t, fleet, request(object{"SerialNumber": strings.Repeat("x", 5000)}), 400, "InvalidParameters")
	claim.rejected(t, fleet, request(object{"SerialNumber": "1", "Model": "X9"}), 400, "InvalidParameters")

	a.mu.Lock()
	a.roleMay = func(action string) error {
		if action == "iot:AttachPolicy" {
			return errors.New("a detail of the account")
		}
		return nil
	}
	a.mu.Unlock()
	answer := claim.rejected(t, fleet, request(object{"SerialNumber": "1"}), 403, "AccessDenied")
	require.NotContains(t, answer["errorMessage"], "detail")
	status, _ := call(t, core, "GET", "/things/cam-1", "")
	require.Equal(t, 404, status, "nothing was done by halves")
	a.mu.Lock()
	a.roleMay = nil
	a.mu.Unlock()
	claim.accepted(t, fleet, request(object{"SerialNumber": "1"}))

	// CBOR is answered, in CBOR.
	claim.follow(t, "$aws/certificates/create/cbor")
	_, err := claim.publish("$aws/certificates/create/cbor", "\xa0", 1)
	require.NoError(t, err)
	p := <-claim.received
	require.Equal(t, "$aws/certificates/create/cbor/rejected", p.Topic)
	require.Contains(t, string(p.Payload), "use the json topics")
	require.Equal(t, byte(0xa3), p.Payload[0])
}

// TestClaimIsConfined: a claim may do nothing but provision, and sees nobody
// else's answers.
func TestClaimIsConfined(t *testing.T) {
	cfg, at := fleetConfig(t, &account{})
	core := start(t, cfg)
	files, _ := newClaim(t, core)
	status, made := call(t, core, "POST", "/provisioning-templates/fleet/provisioning-claim", "")
	require.Equal(t, 200, status)
	temporary := save(t, core, made["certificatePem"].(string), made["keyPair"].(map[string]any)["PrivateKey"].(string))
	require.InDelta(t, float64(at.now().Add(5*time.Minute).Unix()), made["expiration"], 60)
	status, _ = call(t, core, "POST", "/provisioning-templates/none/provisioning-claim", "")
	require.Equal(t, 404, status)

	for name, f := range map[string]iotcore.Files{"lasting": files, "temporary": temporary} {
		t.Run(name, func(t *testing.T) {
			claim := connect(t, core, f, name)
			code, err := claim.publish(eventsOf, "{}", 1)
			require.Equal(t, byte(0x87), code, "not authorized: %v", err)
			code, _ = claim.publish("$aws/provisioning-templates/off/provision/json", "{}", 1)
			require.Equal(t, byte(0x87), code, "another template")
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			for _, filter := range []string{"#", "$aws/#", "porchlight/#", "$aws/provisioning-templates/#"} {
				ack, err := claim.Subscribe(ctx, &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: filter, QoS: 1}}})
				require.Error(t, err)
				require.GreaterOrEqual(t, ack.Reasons[0], byte(0x80), filter)
			}
		})
	}
	a, b := connect(t, core, files, "a"), connect(t, core, temporary, "b")
	a.follow(t, fromKeys, fleet)
	b.follow(t, fromKeys, fleet)
	first := a.accepted(t, fromKeys, "{}")
	second := b.accepted(t, fromKeys, "{}")
	require.NotEqual(t, first["certificateId"], second["certificateId"])
	// Had b seen a's answer it would have come first.
	require.Empty(t, a.received)
	require.Empty(t, b.received)

	at.turn(6 * time.Minute)
	code, _ := b.publish(fromKeys, "{}", 1)
	require.Equal(t, byte(0x87), code, "the temporary claim has run out")
	_, _, err := dial(t, core, temporary, "b2")
	require.Error(t, err)
	a.accepted(t, fromKeys, "{}")

	will := func(c *paho.Connect) { c.WillMessage = &paho.WillMessage{Topic: fromKeys, Payload: []byte("{}")} }
	_, _, err = dial(t, core, files, "w", will)
	require.Error(t, err, "a last will asks for nothing")
}

func TestPreProvisioningHook(t *testing.T) {
	a := &account{hook: func(context.Context, []byte) ([]byte, error) { return nil, errors.New("crashed") }}
	cfg, _ := fleetConfig(t, a)
	core := start(t, cfg)
	files, claimID := newClaim(t, core)
	claim := connect(t, core, files, "line-3")
	claim.follow(t, fromKeys, fleet)
	made := claim.accepted(t, fromKeys, "{}")
	request := object{"certificateOwnershipToken": made["certificateOwnershipToken"], "parameters": object{"SerialNumber": "7"}}
	answers := func(answer string) {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.hook = func(context.Context, []byte) ([]byte, error) { return []byte(answer), nil }
	}
	claim.rejected(t, fleet, request, 403, "AccessDenied")
	for _, answer := range []string{`{}`, `null`, `{"allowProvisioning":false}`, `{"allowProvisioning":"true"}`, `true`, `x`, ``} {
		answers(answer)
		claim.rejected(t, fleet, request, 403, "AccessDenied")
	}
	answers(`{"allowProvisioning":true,"parameterOverrides":{"SerialNumber":8}}`)
	claim.rejected(t, fleet, request, 403, "AccessDenied")
	answers(`{"allowProvisioning":true,"parameterOverrides":{"SerialNumber":"8","AWS::IoT::Certificate::Id":"forged"}}`)
	require.Equal(t, "cam-8", claim.accepted(t, fleet, request)["thingName"], "the hook has the last word on parameters")
	var given map[string]any
	require.NoError(t, json.Unmarshal(a.calls[0], &given))
	require.Equal(t, map[string]any{
		"claimCertificateId": claimID, "certificateId": made["certificateId"], "certificatePem": made["certificatePem"],
		"templateArn": iotARN + "provisioningtemplate/fleet", "clientId": "line-3", "parameters": map[string]any{"SerialNumber": "7"},
	}, given)
	calls := len(a.calls)
	claim.rejected(t, fleet, request, 400, "InvalidCertificateOwnershipToken")
	require.Len(t, a.calls, calls, "a bad token never gets as far as the hook")
}

func TestProvisioningTemplateRefused(t *testing.T) {
	tests := map[string]struct {
		change func(*iotcore.ProvisioningTemplateProperties)
		names  string
	}{
		"name":    {func(p *iotcore.ProvisioningTemplateProperties) { p.TemplateName = "a/b" }, "name"},
		"type":    {func(p *iotcore.ProvisioningTemplateProperties) { p.TemplateType = "JITP" }, "FLEET_PROVISIONING"},
		"no role": {func(p *iotcore.ProvisioningTemplateProperties) { p.ProvisioningRoleArn = "arn:aws:iam::0:role/none" }, "does not exist"},
		"trust":   {func(p *iotcore.ProvisioningTemplateProperties) { p.ProvisioningRoleArn = devRole }, "iot.amazonaws.com"},
		"body":    {func(p *iotcore.ProvisioningTemplateProperties) { p.TemplateBody = "{}" }, "AWS::IoT::Certificate"},
		"hook":    {func(p *iotcore.ProvisioningTemplateProperties) { p.PreProvisioningHook = &iotcore.ProvisioningHook{} }, "TargetArn"},
		"payload version": {func(p *iotcore.ProvisioningTemplateProperties) {
			p.PreProvisioningHook = &iotcore.ProvisioningHook{TargetArn: hookARN, PayloadVersion: "2019-01-01"}
		}, "2020-04-01"},
		"twice": {func(p *iotcore.ProvisioningTemplateProperties) { p.TemplateName = "off" }, "two"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			cfg, _ := fleetConfig(t, &account{})
			tt.change(&cfg.ProvisioningTemplates[0])
			_, err := iotcore.New(cfg)
			require.ErrorContains(t, err, tt.names)
		})
	}
	cfg, _ := fleetConfig(t, &account{})
	cfg.Account = nil
	_, err := iotcore.New(cfg)
	require.Error(t, err)
}
