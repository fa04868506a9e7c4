package fleet_test

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/stretchr/testify/require"

	"porchlight/internal/fleet"
)

func certificates(t *testing.T, text []byte) (list []*x509.Certificate) {
	t.Helper()
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		c, err := x509.ParseCertificate(block.Bytes)
		require.NoError(t, err)
		list = append(list, c)
	}
	return list
}

func TestOutputsOfAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "outputs.json")
	want := fleet.Outputs{"TableName": "t", "ClaimPolicyName": "c"}
	text, err := fleet.FormatOutputs(fleet.StackName("dev"), want)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, text, 0o600))
	got, err := fleet.ReadOutputs(path, "Porchlight-dev")
	require.NoError(t, err)
	require.Equal(t, want, got)
	_, err = fleet.ReadOutputs(path, fleet.StackName("prod"))
	require.ErrorIs(t, err, fleet.ErrNoOutput)
	require.ErrorContains(t, err, "there is no stack Porchlight in it")
	_, err = got.Get("RoleAliasName")
	require.ErrorContains(t, err, "RoleAliasName")
	for _, bad := range []string{"", "{", `[]`, `{"Porchlight": []}`, `{"Porchlight": {"TableName": 1}}`} {
		require.NoError(t, os.WriteFile(path, []byte(bad), 0o600))
		_, err = fleet.ReadOutputs(path, "Porchlight")
		require.ErrorContains(t, err, "cdk deploy --outputs-file")
	}
	_, err = fleet.ReadOutputs(path+".none", "Porchlight")
	require.ErrorIs(t, err, os.ErrNotExist)
	require.NoError(t, os.WriteFile(path, make([]byte, 1<<20+1), 0o600))
	_, err = fleet.ReadOutputs(path, "Porchlight")
	require.ErrorContains(t, err, "bytes")
}

type stacks struct{ err error }

func (s stacks) DescribeStacks(_ context.Context, in *cloudformation.DescribeStacksInput, _ ...func(*cloudformation.Options)) (*cloudformation.DescribeStacksOutput, error) {
	return &cloudformation.DescribeStacksOutput{Stacks: []types.Stack{{
		StackName: in.StackName, Outputs: []types.Output{{OutputKey: aws.String("TableName"), OutputValue: aws.String("t")}},
	}}}, s.err
}

func TestOutputsOfCloudFormation(t *testing.T) {
	got, err := fleet.AskOutputs(t.Context(), stacks{}, "Porchlight")
	require.NoError(t, err)
	require.Equal(t, fleet.Outputs{"TableName": "t"}, got)
	_, err = fleet.AskOutputs(t.Context(), stacks{errors.New("no such stack")}, "Porchlight")
	require.ErrorContains(t, err, "--outputs")
}
