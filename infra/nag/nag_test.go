package nag_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const infra = ".."

// finding is one rule broken by one resource, by its logical id.
type finding struct {
	Rule     string `json:"rule"`
	Resource string `json:"resource"`
}

func TestTemplateAgainstCdkNag(t *testing.T) {
	got := map[finding]string{}
	for _, f := range check(t, filepath.Join(infra, "porchlight.template.json")) {
		got[f.finding] = f.Text
	}
	allowed := allowList(t)
	for f, text := range got {
		if _, ok := allowed[f]; !ok {
			t.Errorf("%s breaks %s: %s Repair it, or add it to nag/allow.json with a reason.", f.Resource, f.Rule, text)
		}
	}
	for f := range allowed {
		if _, ok := got[f]; !ok {
			t.Errorf("nag/allow.json allows %s to break %s, which it does not: delete the entry.", f.Resource, f.Rule)
		}
	}
}

// A check that finds nothing anywhere would pass the test above.
func TestCdkNagFindsAPublicBucket(t *testing.T) {
	file := filepath.Join(t.TempDir(), "bad.json")
	require.NoError(t, os.WriteFile(file, []byte(
		`{"Resources":{"Open":{"Type":"AWS::S3::Bucket","Properties":{"AccessControl":"PublicRead"}}}}`), 0o600))
	var rules []string
	for _, f := range check(t, file) {
		require.Equal(t, "Open", f.Resource)
		rules = append(rules, f.Rule)
	}
	require.Contains(t, rules, "AwsSolutions-S1")
	require.Contains(t, rules, "AwsSolutions-S10")
}

type reported struct {
	finding
	Text string `json:"text"`
}

// check runs both packs over a template.
func check(t *testing.T, template string) []reported {
	t.Helper()
	modules := filepath.Join(infra, "node_modules")
	if _, err := os.Stat(filepath.Join(modules, "cdk-nag")); err != nil {
		t.Skip("cdk-nag is not installed: run `npm ci --prefix infra` in the repository root")
	}
	node := filepath.Join(modules, ".bin", "node")
	if _, err := os.Stat(node); err != nil {
		node = "node"
	}
	cmd := exec.CommandContext(t.Context(), node, "check.mjs", template, t.TempDir())
	var out, failure bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &failure
	require.NoError(t, cmd.Run(), failure.String())
	var found []reported
	require.NoError(t, json.Unmarshal(out.Bytes(), &found))
	return found
}

func allowList(t *testing.T) map[finding]string {
	t.Helper()
	data, err := os.ReadFile("allow.json")
	require.NoError(t, err)
	var entries []struct {
		finding
		Reason string `json:"reason"`
	}
	require.NoError(t, json.Unmarshal(data, &entries))
	allowed := map[finding]string{}
	for _, e := range entries {
		require.NotContains(t, allowed, e.finding, "listed twice")
		require.Greater(t, len(strings.Fields(e.Reason)), 3, "%v needs a reason", e.finding)
		allowed[e.finding] = e.Reason
	}
	return allowed
}
