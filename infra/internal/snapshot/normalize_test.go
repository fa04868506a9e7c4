package snapshot_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"porchlight/infra/internal/snapshot"
)

func TestNormalize(t *testing.T) {
	got, err := snapshot.Normalize([]byte(`{
		"Rules": {"CheckBootstrapVersion": {}},
		"Parameters": {"BootstrapVersion": {}, "Ours": {"Type": "String"}},
		"Resources": {
			"Fn": {
				"Type": "AWS::Lambda::Function",
				"Metadata": {"porchlight:lambda": "events", "aws:asset:path": "asset.1", "aws:cdk:path": "p"},
				"Properties": {"Code": {"S3Bucket": {"Fn::Sub": "cdk"}, "S3Key": "0123.zip"}, "Handler": "a<b"}
			},
			"Topic": {"Type": "AWS::SNS::Topic", "Metadata": {"aws:cdk:path": "q"}}
		}
	}`))
	require.NoError(t, err)
	require.Equal(t, `{
  "Parameters": {
    "Ours": {
      "Type": "String"
    }
  },
  "Resources": {
    "Fn": {
      "Metadata": {
        "porchlight:lambda": "events"
      },
      "Properties": {
        "Code": {
          "S3Bucket": "assets",
          "S3Key": "events.zip"
        },
        "Handler": "a<b"
      },
      "Type": "AWS::Lambda::Function"
    },
    "Topic": {
      "Type": "AWS::SNS::Topic"
    }
  }
}
`, string(got))
	again, err := snapshot.Normalize(got)
	require.NoError(t, err)
	require.Equal(t, string(got), string(again))
}

func TestNormalizeRefuses(t *testing.T) {
	for name, template := range map[string]string{
		"no JSON":          `{`,
		"odd resource":     `{"Resources":{"A":1}}`,
		"unnamed function": `{"Resources":{"A":{"Type":"AWS::Lambda::Function","Properties":{}}}}`,
	} {
		t.Run(name, func(t *testing.T) {
			_, err := snapshot.Normalize([]byte(template))
			require.Error(t, err)
		})
	}
}
