package e2e

import (
	"encoding/json"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// standardClients uses the AWS CLI and mosquitto on the machine, unmodified.
func standardClients(t *testing.T, m *machine) {
	t.Run("aws cli", func(t *testing.T) {
		aws := awsCLI(t, m)
		var tables struct{ TableNames []string }
		require.NoError(t, json.Unmarshal(aws("dynamodb", "list-tables"), &tables))
		require.Len(t, tables.TableNames, 1)
		var scan struct{ Items []any }
		require.NoError(t, json.Unmarshal(aws("dynamodb", "scan", "--table-name", tables.TableNames[0]), &scan))
		require.NotEmpty(t, scan.Items)
		aws("iot-data", "publish", "--topic", "porchlight/v1/home/telemetry", "--qos", "1", "--payload", "e30=")
		var channel struct{ ChannelARN string }
		require.NoError(t, json.Unmarshal(aws("kinesisvideo", "create-signaling-channel", "--channel-name", "test.door"), &channel))
		endpoints := aws("kinesisvideo", "get-signaling-channel-endpoint", "--channel-arn", channel.ChannelARN,
			"--single-master-channel-endpoint-configuration", "Protocols=WSS,HTTPS,Role=VIEWER")
		require.Contains(t, string(endpoints), "ws"+strings.TrimPrefix(m.ready.AWS, "http"))
		require.Contains(t, string(aws("kinesis-video-signaling", "get-ice-server-config", "--channel-arn", channel.ChannelARN)), m.ready.Addresses.TURN)
		aws("kinesisvideo", "delete-signaling-channel", "--channel-arn", channel.ChannelARN)
	})
	t.Run("mosquitto", func(t *testing.T) {
		if _, err := exec.LookPath("mosquitto_pub"); err != nil {
			t.Skip("mosquitto_pub is not installed: apt install mosquitto-clients")
		}
		host, port, err := net.SplitHostPort(m.ready.Addresses.MQTT)
		require.NoError(t, err)
		certs := thingFiles(t, m)
		publish := func(clientID, topic string) error {
			out, err := exec.Command("mosquitto_pub", "-h", host, "-p", port, "--cafile", certs["ca"], "--cert", certs["cert"], "--key", certs["key"],
				"-V", "5", "-q", "1", "-i", clientID, "-t", topic, "-m", "{}").CombinedOutput()
			if err == nil && len(out) > 0 { // it exits with 0 when the broker refuses a message
				return errors.New(string(out))
			}
			return err
		}
		require.NoError(t, publish("yard", "porchlight/v1/yard/telemetry"), "its own topic")
		require.ErrorContains(t, publish("yard", "porchlight/v1/home/events"), "Not authorized", "another thing's topic")
		require.Error(t, publish("home", "porchlight/v1/home/telemetry"), "another thing's client id")
		require.Error(t, exec.Command("mosquitto_pub", "-h", host, "-p", port, "--cafile", certs["ca"],
			"-q", "1", "-i", "yard", "-t", "porchlight/v1/yard/telemetry", "-m", "{}").Run(), "no certificate")
	})
	t.Run("a sensor of a thing reaches the table", func(t *testing.T) {
		aws, certs := awsCLI(t, m), thingFiles(t, m)
		host, port, err := net.SplitHostPort(m.ready.Addresses.MQTT)
		require.NoError(t, err)
		out, err := exec.Command("mosquitto_pub", "-h", host, "-p", port, "--cafile", certs["ca"], "--cert", certs["cert"], "--key", certs["key"],
			"-V", "5", "-q", "1", "-i", "yard", "-t", "porchlight/v1/yard/sensors/gate", "-m", `{"kind":"contact","state":"open"}`).CombinedOutput()
		require.NoError(t, err, string(out))
		var tables struct{ TableNames []string }
		require.NoError(t, json.Unmarshal(aws("dynamodb", "list-tables"), &tables))
		await(t, "the sensor to be in the table", func() bool {
			scan := aws("dynamodb", "scan", "--table-name", tables.TableNames[0])
			return strings.Contains(string(scan), "SENSOR#yard#gate") && strings.Contains(string(scan), `"open"`)
		})
	})
}

// awsCLI returns a function that runs the AWS CLI with the machine's keys.
func awsCLI(t *testing.T, m *machine) func(args ...string) []byte {
	t.Helper()
	const program = "/usr/bin/aws" // Debian's; another one first in PATH may not work
	if _, err := os.Stat(program); err != nil {
		t.Skip("the AWS CLI is not installed: apt install awscli")
	}
	keys, err := os.ReadFile(filepath.Join(m.data, "aws.env"))
	require.NoError(t, err)
	return func(args ...string) []byte {
		t.Helper()
		cmd := exec.Command(program, append([]string{"--endpoint-url", m.ready.AWS, "--output", "json"}, args...)...)
		cmd.Env = append(os.Environ(), strings.Fields(string(keys))...)
		var stderr strings.Builder
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		require.NoError(t, err, "aws %v: %s", args, stderr.String())
		return out
	}
}

// thingFiles finds the certificate of the thing that no component uses where the guide says it is.
func thingFiles(t *testing.T, m *machine) map[string]string {
	t.Helper()
	files := map[string]string{}
	for name, file := range map[string]string{"ca": "ca.pem", "cert": "certificate.pem", "key": "private.key"} {
		files[name] = filepath.Join(m.data, "cloud", "iot", "things", "yard", file)
		require.FileExists(t, files[name])
	}
	return files
}
