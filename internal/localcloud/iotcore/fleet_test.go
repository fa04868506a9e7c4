package iotcore_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/paho"
	"github.com/stretchr/testify/require"

	"porchlight/internal/localcloud/iotcore"
)

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
