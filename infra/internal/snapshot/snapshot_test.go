package snapshot_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiot"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/jsii-runtime-go"
	"github.com/stretchr/testify/require"

	"porchlight/infra/internal/snapshot"
	"porchlight/infra/internal/stack"
	"porchlight/infra/internal/stage"
)

const infra = "../.."

func TestCommittedTemplateIsTrue(t *testing.T) {
	got := synth(t, nil)
	want, err := os.ReadFile(filepath.Join(infra, snapshot.File))
	require.NoError(t, err)
	require.Equal(t, string(want), string(got),
		"the committed template is stale: run `npm run snapshot` in infra and look at the difference")
}

func TestSynthIsRepeatable(t *testing.T) {
	require.Equal(t, string(synth(t, nil)), string(synth(t, nil)))
}

func TestProductionKeepsItsData(t *testing.T) {
	for _, kind := range []string{"AWS::DynamoDB::GlobalTable", "AWS::S3::Bucket", "AWS::Cognito::UserPool"} {
		for _, r := range resources(t, synth(t, nil), kind) {
			require.Equal(t, "Retain", r.DeletionPolicy, kind)
			require.Equal(t, "Retain", r.UpdateReplacePolicy, kind)
		}
	}
}

func TestOtherStagesFollowTheirContext(t *testing.T) {
	template := synth(t, map[string]any{
		stage.KeyStage:        "dev",
		stage.KeyLogDays:      "7",
		stage.KeyEventDays:    "3",
		stage.KeyCallbackURLs: "https://app.example.com/,http://localhost:5173/",
		stage.KeyDomainPrefix: "my-porch",
	})
	for _, kind := range []string{"AWS::DynamoDB::GlobalTable", "AWS::S3::Bucket", "AWS::Cognito::UserPool"} {
		require.Equal(t, "Delete", resources(t, template, kind)[0].DeletionPolicy, kind)
	}
	for _, group := range resources(t, template, "AWS::Logs::LogGroup") {
		require.EqualValues(t, 7, group.Properties["RetentionInDays"])
	}
	client := resources(t, template, "AWS::Cognito::UserPoolClient")[0].Properties
	require.Equal(t, []any{"https://app.example.com/", "http://localhost:5173/"}, client["CallbackURLs"])
	require.Equal(t, "my-porch", resources(t, template, "AWS::Cognito::UserPoolDomain")[0].Properties["Domain"])
	require.Contains(t, string(template), `"ExpirationInDays": 3`)
	require.Contains(t, string(template), `"EVENT_RETENTION_DAYS": "3"`)
	require.Contains(t, string(template), "porchlight_dev_events")
	require.NotContains(t, string(template), "prod")
}

func TestFacesCanBeLeftOutOrHaveADefaultOwner(t *testing.T) {
	without := string(synth(t, map[string]any{stage.KeyFaces: "false"}))
	require.False(t, strings.Contains(without, "Faces"))
	with := string(synth(t, map[string]any{stage.KeyFacesOwner: "some-sub"}))
	require.True(t, strings.Contains(with, `"DEFAULT_OWNER": "some-sub"`))
}

// What costs money by the picture is there only when it is asked for.
func TestRekognitionTakesAsking(t *testing.T) {
	without := string(synth(t, nil))
	require.NotContains(t, without, "rekognition:")
	require.NotContains(t, without, "REKOGNITION")
	with := string(synth(t, map[string]any{stage.KeyRekognition: "true", stage.KeyCooldown: "300"}))
	require.Contains(t, with, `"rekognition:DetectLabels"`)
	require.Contains(t, with, `"REKOGNITION_COOLDOWN_SECONDS": "300"`)
}

func TestLogRetentionIsWhatTheContextSays(t *testing.T) {
	for _, days := range stage.LogDaysAllowed {
		template := synth(t, map[string]any{stage.KeyLogDays: float64(days)})
		for _, group := range resources(t, template, "AWS::Logs::LogGroup") {
			require.EqualValues(t, days, group.Properties["RetentionInDays"])
		}
	}
}

func TestBadContextIsRefused(t *testing.T) {
	context, err := snapshot.Context(infra)
	require.NoError(t, err)
	_, err = snapshot.Synth(context, map[string]any{"porchlight:stge": "dev"}, t.TempDir())
	require.ErrorIs(t, err, stage.ErrInvalid)
	require.ErrorContains(t, err, "porchlight:stge")
}

func TestUnbuiltLambdaIsNamed(t *testing.T) {
	s, err := stage.Parse(map[string]any{stage.KeyLambdas: t.TempDir()})
	require.NoError(t, err)
	_, err = stack.New(awscdk.NewApp(nil), s)
	require.ErrorIs(t, err, os.ErrNotExist)
	require.ErrorContains(t, err, "lambda events is not built: run sh build-lambdas.sh")
}

// The CDK calls the first a warning and the second an error; both must stop us.
func TestValidationIsStrict(t *testing.T) {
	context, err := snapshot.Context(infra)
	require.NoError(t, err)
	for name, spoil := range map[string]func(awscdk.Stack){
		"enumeration": func(s awscdk.Stack) {
			awsiot.NewCfnTopicRule(s, jsii.String("Rule"), &awsiot.CfnTopicRuleProps{
				TopicRulePayload: &awsiot.CfnTopicRule_TopicRulePayloadProperty{
					Sql: jsii.String("SELECT * FROM 'a'"),
					Actions: []any{&awsiot.CfnTopicRule_ActionProperty{Sns: &awsiot.CfnTopicRule_SnsActionProperty{
						TargetArn:     jsii.String("arn:aws:sns:us-east-1:000000000000:t"),
						RoleArn:       jsii.String("arn:aws:iam::000000000000:role/r"),
						MessageFormat: jsii.String("RAWISH"),
					}}},
				},
			})
		},
		"property": func(s awscdk.Stack) {
			awssns.NewCfnTopic(s, jsii.String("Topic"), nil).AddPropertyOverride(jsii.String("Bogus"), jsii.Bool(true))
		},
	} {
		t.Run(name, func(t *testing.T) {
			app := awscdk.NewApp(&awscdk.AppProps{Context: &context, Outdir: jsii.String(t.TempDir())})
			spoil(awscdk.NewStack(app, jsii.String("Spoilt"), nil))
			_, err := stack.Synth(app)
			require.ErrorIs(t, err, stack.ErrTemplate)
		})
	}
}

type resource struct {
	Type, DeletionPolicy, UpdateReplacePolicy string
	Properties                                map[string]any
}

func synth(t *testing.T, overrides map[string]any) []byte {
	t.Helper()
	context, err := snapshot.Context(infra)
	require.NoError(t, err)
	template, err := snapshot.Synth(context, overrides, t.TempDir())
	require.NoError(t, err)
	return template
}

// resources of one type; there must be some.
func resources(t *testing.T, template []byte, kind string) []resource {
	t.Helper()
	var parsed struct{ Resources map[string]resource }
	require.NoError(t, json.Unmarshal(template, &parsed))
	var found []resource
	for _, r := range parsed.Resources {
		if r.Type == kind {
			found = append(found, r)
		}
	}
	require.NotEmpty(t, found, kind)
	return found
}
