package iotcore_test

import (
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"porchlight/internal/localcloud/iotcore"
)

func get(t *testing.T, core *iotcore.Core, config *tls.Config, path, thing string) (int, string, error) {
	t.Helper()
	config.NextProtos = nil
	transport := &http.Transport{TLSClientConfig: config}
	defer transport.CloseIdleConnections()
	r, err := http.NewRequestWithContext(t.Context(), "GET", "https://"+core.CredentialsAddr()+path, nil)
	require.NoError(t, err)
	if thing != "" {
		r.Header.Set("x-amzn-iot-thingname", thing)
	}
	response, err := (&http.Client{Transport: transport}).Do(r)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, string(body), nil
}

func TestCredentials(t *testing.T) {
	cfg := config(t, newActions())
	r := cfg.Roles.(*roles)
	trusting := parse(t, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"credentials.iot.amazonaws.com"},"Action":"sts:AssumeRole"}}`)
	r.trust["role/lambda"] = parse(t, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}}`)
	r.trust["role/all"] = trusting
	cfg.Policies = append(cfg.Policies, iotcore.PolicyProperties{PolicyName: "all", PolicyDocument: parse(t, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"iot:*","Resource":"*"}}`)})
	cfg.RoleAliases = append(cfg.RoleAliases, iotcore.RoleAliasProperties{RoleAlias: "lambda", RoleArn: "role/lambda"}, iotcore.RoleAliasProperties{RoleAlias: "norole", RoleArn: "role/none"})
	core := start(t, cfg)
	front := register(t, core, "front")
	all, err := core.RegisterThing("all", "all")
	require.NoError(t, err)

	const path = "/role-aliases/camera/credentials"
	status, body, err := get(t, core, tlsOf(t, front), path, "front")
	require.NoError(t, err)
	require.Equal(t, 200, status)
	require.Len(t, r.issued, 1)
	fingerprint := r.issued[0]["credentials-iot:AwsCertificateId"]
	require.Len(t, fingerprint, 64)
	require.Equal(t, map[string]string{"credentials-iot:ThingName": "front", "credentials-iot:AwsCertificateId": fingerprint}, r.issued[0])
	require.JSONEq(t, `{"credentials":{"accessKeyId":"`+devRole+`","secretAccessKey":"`+fingerprint+`","sessionToken":"15m0s","expiration":"2023-11-14T22:13:20Z"}}`, body)

	status, _, err = get(t, core, tlsOf(t, front), path, "")
	require.NoError(t, err)
	require.Equal(t, 200, status)
	require.NotContains(t, r.issued[1], "credentials-iot:ThingName", "no header, no thing")

	tests := []struct {
		name        string
		files       iotcore.Files
		path, thing string
		status      int
		message     string
	}{
		{"another thing's name", front, path, "all", 403, "Access denied"},
		{"alias without permission", front, "/role-aliases/other/credentials", "front", 403, "Access denied"},
		{"unknown alias", all, "/role-aliases/none/credentials", "all", 404, "Role alias does not exist"},
		{"role that trusts another service", all, "/role-aliases/lambda/credentials", "all", 403, "Access denied"},
		{"role that is not there", all, "/role-aliases/norole/credentials", "all", 403, "Access denied"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			status, body, err := get(t, core, tlsOf(t, tt.files), tt.path, tt.thing)
			require.NoError(t, err)
			require.Equal(t, tt.status, status)
			var m map[string]string
			require.NoError(t, json.Unmarshal([]byte(body), &m))
			require.Equal(t, map[string]string{"message": tt.message}, m)
		})
	}
	require.Len(t, r.issued, 2)

	r.err = errors.New("secret detail")
	status, body, err = get(t, core, tlsOf(t, front), path, "front")
	require.NoError(t, err)
	require.Equal(t, 500, status)
	require.NotContains(t, body, "secret")

	// Certificates that do not count never get as far as HTTP.
	anonymous := tlsOf(t, front)
	anonymous.Certificates = nil
	_, _, err = get(t, core, anonymous, path, "front")
	require.Error(t, err)
	stranger := tlsOf(t, register(t, start(t, config(t, newActions())), "front"))
	stranger.RootCAs = tlsOf(t, front).RootCAs
	_, _, err = get(t, core, stranger, path, "front")
	require.Error(t, err)
	require.NoError(t, core.RevokeThing("front"))
	_, _, err = get(t, core, tlsOf(t, front), path, "front")
	require.Error(t, err)
}

func TestConfigRefused(t *testing.T) {
	tests := map[string]struct {
		change func(*iotcore.Config)
		names  []string
	}{
		"sql":            {func(c *iotcore.Config) { c.Rules[0].TopicRulePayload.Sql = "SELECT avg(a) AS b FROM 'c'" }, []string{"events", `"a"`}},
		"sql version":    {func(c *iotcore.Config) { c.Rules[0].TopicRulePayload.AwsIotSqlVersion = "" }, []string{"events", "AwsIotSqlVersion"}},
		"rule name":      {func(c *iotcore.Config) { c.Rules[0].RuleName = "" }, []string{"RuleName"}},
		"no action":      {func(c *iotcore.Config) { c.Rules[0].TopicRulePayload.Actions = nil }, []string{"events"}},
		"unknown action": {func(c *iotcore.Config) { c.Rules[0].TopicRulePayload.Actions = []iotcore.Action{{}} }, []string{"events", "action 1"}},
		"error action": {func(c *iotcore.Config) {
			c.Rules[0].TopicRulePayload.ErrorAction = &iotcore.Action{Lambda: &iotcore.LambdaAction{}}
		}, []string{"error action", "FunctionArn"}},
		"format": {func(c *iotcore.Config) { c.Rules[0].TopicRulePayload.Actions[0].Sns.MessageFormat = "JSON" }, []string{"JSON"}},
		"role":   {func(c *iotcore.Config) { c.Rules[0].TopicRulePayload.Actions[0].Sns.RoleArn = "" }, []string{"RoleArn"}},
		"disabled and bad": {func(c *iotcore.Config) {
			c.Rules[0].TopicRulePayload.RuleDisabled, c.Rules[0].TopicRulePayload.Sql = true, "x"
		}, []string{"events"}},
		"policy twice": {func(c *iotcore.Config) { c.Policies = append(c.Policies, c.Policies[0]) }, []string{"camera"}},
		"alias twice":  {func(c *iotcore.Config) { c.RoleAliases = append(c.RoleAliases, c.RoleAliases[0]) }, []string{"camera"}},
		"alias life":   {func(c *iotcore.Config) { c.RoleAliases[0].CredentialDurationSeconds = 60 }, []string{"camera", "900"}},
		"alias role":   {func(c *iotcore.Config) { c.RoleAliases[0].RoleArn = "" }, []string{"RoleArn"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			cfg := config(t, newActions())
			tt.change(&cfg)
			_, err := iotcore.New(cfg)
			for _, part := range tt.names {
				require.ErrorContains(t, err, part)
			}
		})
	}
}

func TestRegisterThingRefuses(t *testing.T) {
	core, err := iotcore.New(config(t, newActions()))
	require.NoError(t, err)
	_, err = core.RegisterThing("../front", "camera")
	require.Error(t, err)
	_, err = core.RegisterThing("front", "none")
	require.ErrorContains(t, err, `"none"`)
	require.NoError(t, core.Close(), "without a start")
}

func TestDamagedRegistry(t *testing.T) {
	cfg := config(t, newActions())
	core, err := iotcore.New(cfg)
	require.NoError(t, err)
	files := register(t, core, "front")
	require.NoError(t, os.Remove(files.Key))
	require.FileExists(t, register(t, core, "front").Key, "what is missing is made anew")
	require.NoError(t, core.Close())
	require.NoError(t, os.WriteFile(filepath.Join(cfg.Dir, "registry.json"), []byte("{"), 0o600))
	_, err = iotcore.New(cfg)
	require.ErrorContains(t, err, "registry.json")
}

func TestPortInUse(t *testing.T) {
	core := start(t, config(t, newActions()))
	for _, change := range []func(*iotcore.Config){
		func(c *iotcore.Config) { c.MQTTAddr = core.MQTTAddr() },
		func(c *iotcore.Config) { c.CredentialsAddr = core.CredentialsAddr() },
	} {
		cfg := config(t, newActions())
		change(&cfg)
		second, err := iotcore.New(cfg)
		require.NoError(t, err)
		require.ErrorContains(t, second.Start(t.Context()), "address already in use")
		require.NoError(t, second.Close())
	}
}

// TestOtherActions covers rules with several actions and with none that works.
func TestOtherActions(t *testing.T) {
	a := newActions()
	cfg := config(t, a)
	body := &cfg.Rules[0].TopicRulePayload
	body.Sql = "SELECT clientid() AS c FROM '#' WHERE a = 1"
	body.Actions = []iotcore.Action{
		{Lambda: &iotcore.LambdaAction{FunctionArn: "fn"}},
		{Sqs: &iotcore.SqsAction{QueueUrl: queueURL, RoleArn: roleARN, UseBase64: true}},
	}
	body.ErrorAction = nil
	disabled := cfg.Rules[0]
	disabled.RuleName, disabled.TopicRulePayload.RuleDisabled = "off", true
	cfg.Rules = append(cfg.Rules, disabled)
	core := start(t, cfg)
	publishHTTP(t, core, "a/b", `{"a":2}`, 200)
	publishHTTP(t, core, "a/b", `not json`, 200) // dropped: nobody could use it
	publishHTTP(t, core, "a/b", `{"a":1}`, 200)
	require.Equal(t, []sent{
		{"lambda", "fn", iotcore.Caller{RuleARN: "arn:aws:iot:us-east-1:000000000000:rule/events"}, `{"c":"n/a"}`},
		{"sqs", queueURL, iotcore.Caller{RuleARN: "arn:aws:iot:us-east-1:000000000000:rule/events", RoleARN: roleARN}, "eyJjIjoibi9hIn0="},
	}, a.all())
}

var _ iotcore.Roles = (*roles)(nil)
