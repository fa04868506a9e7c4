package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/cloud/store"
	"porchlight/internal/event"
	"porchlight/internal/localcloud/dynamo/dynamotest"
)

// noAWS keeps the SDK from what this machine may know of AWS.
func noAWS(t *testing.T, region, endpoint string) {
	t.Helper()
	for key, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "", "AWS_REGION": region, "AWS_DEFAULT_REGION": "",
		"AWS_PROFILE": "", "AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull, "AWS_ENDPOINT_URL": endpoint,
		"AWS_EC2_METADATA_DISABLED": "true", "PORCHLIGHT_OUTPUTS": "", "PORCHLIGHT_CA": "", "AWS_MAX_ATTEMPTS": "1",
	} {
		t.Setenv(key, value)
	}
}

func TestDeviceVerbsRefuseWhatMakesNoSense(t *testing.T) {
	noAWS(t, "us-east-1", "")
	for _, args := range [][]string{
		{"add"}, {"add", "porch"}, {"add", "--out", "x"}, {"add", "--out", "x", "a b"}, {"add", "--out", "x", "claim-1"},
		{"add", "--out", t.TempDir(), "--camera", "a", "--camera", "b", "porch"},
		{"claim"}, {"allow"}, {"allow", "a b"}, {"allow", "007=a.b"}, {"allow", "007=claim-x"}, {"allow", "007="}, {"serials", "forget"},
	} {
		r := porchlight(t, append([]string{"camera"}, args...)...)
		require.Equal(t, 2, r.code, "%v: %s", args, r.stderr)
		require.Contains(t, r.stderr, "--help")
		require.Empty(t, r.stdout)
	}
}

func TestDeviceVerbsSayHowToFindTheStack(t *testing.T) {
	noAWS(t, "", "")
	r := porchlight(t, "camera", "allow", "007")
	require.Equal(t, 1, r.code)
	require.Contains(t, r.stderr, "no AWS region")

	refuses := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadRequest) }))
	defer refuses.Close()
	noAWS(t, "us-east-1", refuses.URL)
	r = porchlight(t, "camera", "allow", "--stage", "dev", "007")
	require.Equal(t, 1, r.code)
	require.Contains(t, r.stderr, "stack Porchlight-dev")
	require.Contains(t, r.stderr, "--outputs")

	outputs := filepath.Join(t.TempDir(), "outputs.json")
	require.NoError(t, os.WriteFile(outputs, []byte(`{"Porchlight":{"ThingPolicyName":"p"}}`), 0o600))
	r = porchlight(t, "camera", "add", "--outputs", outputs, "--out", t.TempDir(), "porch")
	require.Equal(t, 1, r.code)
	require.Contains(t, r.stderr, "RoleAliasName")
}

func TestSerialsFromAllowedToForgotten(t *testing.T) {
	database := dynamotest.Start(t)
	require.NoError(t, database.Provision(t.Context(), dynamotest.Table()))
	noAWS(t, "us-east-1", database.Endpoint())
	table := []string{"--table", dynamotest.Table().TableName} // enough: no output is asked for

	run := func(args ...string) result {
		r := porchlight(t, append(append([]string{"camera"}, args...), table...)...)
		require.Equal(t, 0, r.code, r.stderr)
		return r
	}
	require.Contains(t, run("serials").stderr, "no serial is allowed")
	require.Contains(t, run("allow", "007=porch", "008").stdout, "007 may become thing porch\n008 may become thing 008\n")
	require.Contains(t, run("allow", "007=porch").stdout, "was allowed already")
	require.Contains(t, run("allow", "--again", "007").stdout, "007 may come with a new key, as thing porch")
	r := porchlight(t, append([]string{"camera", "allow", "007=shed"}, table...)...)
	require.Equal(t, 1, r.code)
	require.Contains(t, r.stderr, "forget the serial first")
	require.Regexp(t, `SERIAL +THING +OWNER +ALLOWED +STATE\n007 +porch .*not provisioned yet\n008 +008 `, run("serials").stdout)
	list := lines[store.Device](t, run("serials", "list", "--json"))
	require.Len(t, list, 2)
	require.Equal(t, "007", list[0].Serial)
	require.Contains(t, run("serials", "forget", "007").stdout, "007 is not allowed any more\n")
	require.Len(t, lines[store.Device](t, run("serials", "--json")), 1)
	r = porchlight(t, append([]string{"camera", "serials", "forget", "007"}, table...)...)
	require.Equal(t, 1, r.code)
	require.Contains(t, r.stderr, "not found")
}

func TestStateOfASerial(t *testing.T) {
	at := event.At(time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC))
	for want, d := range map[string]store.Device{
		"not provisioned yet":                  {},
		"provisioned 2026-05-04T03:02:01.000Z": {ProvisionedAt: &at, PublicKey: "k"},
		"may come with a new key":              {ProvisionedAt: &at},
		"provisioned 2026-05-04T03:02:01.000Z; other keys refused 3 times: if it was reset, allow it with --again": {ProvisionedAt: &at, PublicKey: "k", Refused: 3},
	} {
		require.Equal(t, want, stateOf(d))
	}
}
