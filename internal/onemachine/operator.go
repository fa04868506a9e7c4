package onemachine

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"porchlight/internal/fleet"
	"porchlight/internal/localcloud"
)

// writeOperator leaves what the operator's own tools need: the outputs of the
// stack, in the form of the CDK, and a file for the shell with the keys of the
// account's root and where those outputs are.
func writeOperator(cloud *localcloud.Cloud, data, ca string) error {
	outputs := filepath.Join(data, "outputs.json")
	text, err := fleet.FormatOutputs(fleet.StackName("prod"), cloud.Outputs())
	if err != nil {
		return err
	}
	if err := os.WriteFile(outputs, text, 0o600); err != nil {
		return fmt.Errorf("keep the stack's outputs: %w", err)
	}
	admin := cloud.Admin()
	var env strings.Builder
	for _, v := range []struct{ name, value string }{
		{"AWS_ENDPOINT_URL", cloud.AWSURL()}, {"AWS_REGION", cloud.Region()}, {"AWS_DEFAULT_REGION", cloud.Region()},
		{"AWS_ACCESS_KEY_ID", admin.AccessKeyID}, {"AWS_SECRET_ACCESS_KEY", admin.SecretAccessKey},
		{"PORCHLIGHT_OUTPUTS", outputs}, {"PORCHLIGHT_CA", ca},
	} {
		fmt.Fprintf(&env, "%s=%s\n", v.name, quote(v.value))
	}
	if err := os.WriteFile(filepath.Join(data, "aws.env"), []byte(env.String()), 0o600); err != nil {
		return fmt.Errorf("keep the AWS keys: %w", err)
	}
	return nil
}

var plain = regexp.MustCompile(`^[A-Za-z0-9_./:+=@-]*$`)

// quote writes a value as a POSIX shell reads it.
func quote(value string) string {
	if plain.MatchString(value) {
		return value
	}
	return "'" + strings.ReplaceAll(value, "'", `'\''`) + "'"
}
