package iotcore_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"porchlight/internal/localcloud/iotcore"
)

// TestFleetProvisioningByScript provisions as a shell script does: openssl makes
// key and request, mosquitto_rr asks (answers come only to the connection that
// asked) and mosquitto_pub uses what came of it.
func TestFleetProvisioningByScript(t *testing.T) {
	cfg, _ := fleetConfig(t, &account{})
	core := start(t, cfg)
	files, _ := newClaim(t, core)
	dir := t.TempDir()
	device := iotcore.Files{Certificate: filepath.Join(dir, "cert"), Key: filepath.Join(dir, "key"), CA: files.CA}
	csr := filepath.Join(dir, "csr")
	openssl(t, "req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", device.Key, "-out", csr, "-subj", "/CN=script")
	request, err := os.ReadFile(csr)
	require.NoError(t, err)
	ask := func(topic, suffix string, payload any) map[string]any {
		out, err := runTool(t, "mosquitto_rr", core, append(credentialsOf(files), "-V", "311", "-i", "script", "-q", "1",
			"-t", topic, "-e", topic+suffix, "-m", encode(t, payload), "-W", "20")...)
		require.NoError(t, err, out)
		var answer map[string]any
		require.NoError(t, json.Unmarshal([]byte(out), &answer), out)
		return answer
	}
	made := ask(fromCSR, "/accepted", object{"certificateSigningRequest": string(request)})
	require.NoError(t, os.WriteFile(device.Certificate, []byte(made["certificatePem"].(string)), 0o600))
	fingerprint := openssl(t, "x509", "-in", device.Certificate, "-noout", "-fingerprint", "-sha256")
	require.Contains(t, strings.ToLower(strings.ReplaceAll(fingerprint, ":", "")), made["certificateId"])

	wrong := ask(fleet, "/rejected", object{"certificateOwnershipToken": "x", "parameters": object{"SerialNumber": "9"}})
	require.Equal(t, "InvalidCertificateOwnershipToken", wrong["errorCode"])
	got := ask(fleet, "/accepted", object{"certificateOwnershipToken": made["certificateOwnershipToken"], "parameters": object{"SerialNumber": "9"}})
	require.Equal(t, "cam-9", got["thingName"])
	out, err := runTool(t, pub, core, append(credentialsOf(device), "-i", "cam-9", "-t", "porchlight/v1/cam-9/events", "-q", "1", "-m", "{}")...)
	require.NoError(t, err, out)
	out, err = runTool(t, pub, core, append(credentialsOf(files), "-i", "cam-9", "-t", "porchlight/v1/cam-9/events", "-q", "1", "-m", "{}")...)
	require.Error(t, err, "the claim is no camera: %s", out)
}
