package assertions_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"porchlight/infra/internal/naming"
	"porchlight/infra/internal/stage"
)

// lambda returns the function whose code is lambdas/<name>.
func (tmpl template) lambda(t *testing.T, name string) resource {
	t.Helper()
	for _, fn := range tmpl.ofType(t, "AWS::Lambda::Function") {
		if fn.Metadata[naming.LambdaMetadata] == name {
			return fn
		}
	}
	require.Fail(t, "no such Lambda", name)
	return resource{}
}

// The local cloud must know every type, so a new one is a decision. None of
// these is a custom resource, which would need code of its own.
func TestResourceTypes(t *testing.T) {
	got := map[string]int{}
	for _, r := range load(t).Resources {
		got[r.Type]++
	}
	require.Equal(t, map[string]int{
		"AWS::ApiGatewayV2::Api":          1,
		"AWS::ApiGatewayV2::Authorizer":   1,
		"AWS::ApiGatewayV2::Integration":  1,
		"AWS::ApiGatewayV2::Route":        9,
		"AWS::ApiGatewayV2::Stage":        1,
		"AWS::Cognito::UserPool":          1,
		"AWS::Cognito::UserPoolClient":    1,
		"AWS::Cognito::UserPoolDomain":    1,
		"AWS::DynamoDB::GlobalTable":      1,
		"AWS::IAM::ManagedPolicy":         1,
		"AWS::IAM::Policy":                12,
		"AWS::IAM::Role":                  13,
		"AWS::IoT::Policy":                2,
		"AWS::IoT::ProvisioningTemplate":  1,
		"AWS::IoT::RoleAlias":             1,
		"AWS::IoT::TopicRule":             3,
		"AWS::Lambda::EventInvokeConfig":  1,
		"AWS::Lambda::EventSourceMapping": 2,
		"AWS::Lambda::Function":           5,
		"AWS::Lambda::Permission":         11,
		"AWS::Logs::LogGroup":             6,
		"AWS::S3::Bucket":                 2,
		"AWS::S3::BucketPolicy":           2,
		"AWS::SNS::Subscription":          1,
		"AWS::SNS::Topic":                 2,
		"AWS::SNS::TopicPolicy":           2,
		"AWS::SQS::Queue":                 6,
		"AWS::SQS::QueuePolicy":           6,
		"AWS::SecretsManager::Secret":     1,
	}, got)
}

func TestTable(t *testing.T) {
	_, r := load(t).only(t, "AWS::DynamoDB::GlobalTable")
	p := r.Properties
	key := func(pk, sk string) []any {
		return []any{object{"AttributeName": pk, "KeyType": "HASH"}, object{"AttributeName": sk, "KeyType": "RANGE"}}
	}
	require.Equal(t, "PAY_PER_REQUEST", p["BillingMode"])
	require.Equal(t, key("pk", "sk"), p["KeySchema"])
	require.Equal(t, []any{object{
		"IndexName": "gsi1", "KeySchema": key("gsi1pk", "gsi1sk"), "Projection": object{"ProjectionType": "ALL"},
	}}, p["GlobalSecondaryIndexes"])
	require.Equal(t, object{"AttributeName": "expires_at", "Enabled": true}, p["TimeToLiveSpecification"])
	require.Len(t, p["Replicas"], 1)
	require.Equal(t, true, at(t, p, "Replicas", 0, "PointInTimeRecoverySpecification", "PointInTimeRecoveryEnabled"))
	require.Equal(t, true, at(t, p, "Replicas", 0, "DeletionProtectionEnabled"))
}

func TestBucketsArePrivate(t *testing.T) {
	tmpl := load(t)
	buckets := tmpl.ofType(t, "AWS::S3::Bucket")
	for id, r := range buckets {
		require.Equal(t, object{
			"BlockPublicAcls": true, "BlockPublicPolicy": true, "IgnorePublicAcls": true, "RestrictPublicBuckets": true,
		}, r.Properties["PublicAccessBlockConfiguration"], id)
		require.Equal(t, "BucketOwnerEnforced", at(t, r.Properties, "OwnershipControls", "Rules", 0, "ObjectOwnership"), id)
		require.Equal(t, "AES256", at(t, r.Properties, "BucketEncryption", "ServerSideEncryptionConfiguration", 0,
			"ServerSideEncryptionByDefault", "SSEAlgorithm"), id)
		require.NotContains(t, r.Properties, "CorsConfiguration", id)
		require.NotContains(t, r.Properties, "WebsiteConfiguration", id)
		require.Equal(t, "Retain", r.DeletionPolicy, id)
	}
	for _, policy := range tmpl.ofType(t, "AWS::S3::BucketPolicy") {
		delete(buckets, target(t, policy.Properties["Bucket"]))
		for _, s := range at(t, policy.Properties, "PolicyDocument", "Statement").([]any) {
			require.Equal(t, "Deny", at(t, s, "Effect"), "the bucket policy only ever denies")
		}
		require.Equal(t, "false", at(t, policy.Properties, "PolicyDocument", "Statement", 0,
			"Condition", "Bool", "aws:SecureTransport"))
	}
	require.Empty(t, buckets, "a bucket without a policy")
}

// A device may install any version of a component.
func TestComponentsDoNotExpire(t *testing.T) {
	_, bucket := load(t).output(t, naming.OutComponentBucket)
	for _, rule := range at(t, bucket.Properties, "LifecycleConfiguration", "Rules").([]any) {
		require.NotContains(t, rule, "ExpirationInDays")
		require.EqualValues(t, 1, at(t, rule, "AbortIncompleteMultipartUpload", "DaysAfterInitiation"))
	}
}

func TestThumbnailsLiveAsLongAsEvents(t *testing.T) {
	tmpl := load(t)
	_, bucket := tmpl.output(t, naming.OutThumbnailBucket)
	rule := at(t, bucket.Properties, "LifecycleConfiguration", "Rules", 0)
	require.Equal(t, "Enabled", at(t, rule, "Status"))
	require.Equal(t, "thumbnails/", at(t, rule, "Prefix"))
	require.EqualValues(t, 30, at(t, rule, "ExpirationInDays"))
	require.Equal(t, "30", at(t, tmpl.lambda(t, "events").Properties, "Environment", "Variables", "EVENT_RETENTION_DAYS"))
}

func TestClipsAreThereForADay(t *testing.T) {
	tmpl := load(t)
	_, bucket := tmpl.output(t, naming.OutThumbnailBucket)
	rules := at(t, bucket.Properties, "LifecycleConfiguration", "Rules")
	require.Len(t, rules, 2)
	require.Equal(t, "Enabled", at(t, rules, 1, "Status"))
	require.Equal(t, "clips/", at(t, rules, 1, "Prefix"))
	require.EqualValues(t, 1, at(t, rules, 1, "ExpirationInDays"))
	require.Less(t, tmpl.lambda(t, "api").Properties["Timeout"].(float64), 30.0, "HTTP APIs wait no longer")
}

func TestEveryLambda(t *testing.T) {
	tmpl := load(t)
	for id, fn := range tmpl.ofType(t, "AWS::Lambda::Function") {
		p := fn.Properties
		require.Contains(t, p, "Timeout", id)
		name, _ := fn.Metadata[naming.LambdaMetadata].(string)
		if name == naming.LambdaFaces {
			require.Equal(t, "Image", p["PackageType"], id)
			require.Equal(t, []any{"x86_64"}, p["Architectures"], id)
			require.EqualValues(t, 1024, p["MemorySize"], id)
			require.Equal(t, "assets/"+name, at(t, p, "Code", "ImageUri"), id)
			require.NotContains(t, p, "Runtime", id)
		} else {
			require.Equal(t, "provided.al2023", p["Runtime"], id)
			require.Equal(t, []any{"arm64"}, p["Architectures"], id)
			require.Equal(t, "bootstrap", p["Handler"], id)
			require.EqualValues(t, 256, p["MemorySize"], id)
			require.Equal(t, name+".zip", at(t, p, "Code", "S3Key"), id)
		}

		logs := tmpl.Resources[target(t, at(t, p, "LoggingConfig", "LogGroup"))]
		require.Equal(t, "AWS::Logs::LogGroup", logs.Type, id)
		require.EqualValues(t, 30, logs.Properties["RetentionInDays"], id)
	}
}

// Whoever is invoked asynchronously, which is everyone but a handler of the
// HTTP API and the provisioning hook, says where an event goes that failed for
// good.
func TestAsynchronousLambdasHaveAFailureDestination(t *testing.T) {
	tmpl := load(t)
	queue, _ := tmpl.named(t, "AWS::SQS::Queue", "DeadLetters")
	covered := map[string]bool{}
	for _, config := range tmpl.ofType(t, "AWS::Lambda::EventInvokeConfig") {
		p := config.Properties
		require.Equal(t, queue, target(t, at(t, p, "DestinationConfig", "OnFailure", "Destination")))
		require.EqualValues(t, 2, p["MaximumRetryAttempts"])
		require.EqualValues(t, 21600, p["MaximumEventAgeInSeconds"])
		require.Equal(t, "$LATEST", p["Qualifier"])
		covered[target(t, p["FunctionName"])] = true
	}
	async := 0
	for id, permission := range tmpl.ofType(t, "AWS::Lambda::Permission") {
		require.Contains(t, permission.Properties, "SourceArn", id)
		if p := permission.Properties["Principal"]; p != "apigateway.amazonaws.com" && p != "iot.amazonaws.com" {
			async++
			require.True(t, covered[target(t, permission.Properties["FunctionName"])], id)
		}
	}
	require.Equal(t, 1, async)
}

func TestReadmeNamesContextOutputsAndTypes(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(infra, "README.md"))
	require.NoError(t, err)
	readme := string(data)
	for _, key := range []string{
		stage.KeyStage, stage.KeyRetain, stage.KeyLogDays, stage.KeyEventDays,
		stage.KeyCallbackURLs, stage.KeyDomainPrefix, stage.KeyLambdas, stage.KeyFaces, stage.KeyFacesOwner,
		stage.KeyRekognition, stage.KeyCooldown,
	} {
		require.Contains(t, readme, "| `"+key+"` |")
	}
	tmpl := load(t)
	require.Len(t, tmpl.Outputs, strings.Count(readme, "| output `"))
	for output := range tmpl.Outputs {
		require.Contains(t, readme, "| output `"+output+"` |")
	}
}
