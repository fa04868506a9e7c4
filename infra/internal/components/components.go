// Package components makes the bucket from which Greengrass cores fetch
// Porchlight's components, and what a core may do with the stack's buckets.
package components

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"porchlight/infra/internal/naming"
	"porchlight/infra/internal/thumbnails"
	"porchlight/infra/internal/video"
)

// Props of the bucket and the policy.
type Props struct {
	// Retain keeps the bucket when the stack is deleted: devices may still
	// install from it. Required in production.
	Retain bool
	// Thumbnails is the bucket to which each core writes under its own name.
	// Required.
	Thumbnails *thumbnails.Bucket
}

// Components is the bucket and the policy of the cores.
type Components struct {
	bucket awss3.Bucket
	policy awsiam.ManagedPolicy
}

// New makes the bucket: nothing public, TLS only, encrypted by S3. Nothing in
// it expires, for a device may install any version that was ever deployed. It
// keeps no old versions of objects: every key names the component's version,
// and `porchlight publish` never overwrites one. The cores' token exchange role belongs to the
// owner's Greengrass, so what it needs is a managed policy to attach.
func New(scope constructs.Construct, id string, props Props) *Components {
	parent := constructs.NewConstruct(scope, jsii.String(id))
	removal := awscdk.RemovalPolicy_DESTROY
	if props.Retain {
		removal = awscdk.RemovalPolicy_RETAIN
	}
	bucket := awss3.NewBucket(parent, jsii.String("Bucket"), &awss3.BucketProps{
		BlockPublicAccess: awss3.BlockPublicAccess_BLOCK_ALL(),
		ObjectOwnership:   awss3.ObjectOwnership_BUCKET_OWNER_ENFORCED,
		Encryption:        awss3.BucketEncryption_S3_MANAGED,
		EnforceSSL:        jsii.Bool(true),
		RemovalPolicy:     removal,
		LifecycleRules: &[]*awss3.LifecycleRule{{
			Id:                                  jsii.String("AbortUploads"),
			AbortIncompleteMultipartUploadAfter: awscdk.Duration_Days(jsii.Number(1)),
		}},
	})
	policy := awsiam.NewManagedPolicy(parent, jsii.String("CorePolicy"), &awsiam.ManagedPolicyProps{
		Description: jsii.String("What Porchlight needs of a Greengrass core's token exchange role"),
		Statements: &[]awsiam.PolicyStatement{
			awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
				Actions:   jsii.Strings("s3:GetObject"),
				Resources: &[]*string{bucket.ArnForObjects(jsii.String(naming.ComponentPrefix + "*"))},
			}),
			// The Java nucleus asks for the bucket's region before it fetches.
			awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
				Actions:   jsii.Strings("s3:GetBucketLocation"),
				Resources: &[]*string{bucket.BucketArn()},
			}),
			props.Thumbnails.PutByThing(),
			video.SendByThing(parent),
			video.ShowByThing(parent),
		},
	})
	return &Components{bucket, policy}
}

// BucketName is known when it is deployed.
func (c *Components) BucketName() *string { return c.bucket.BucketName() }

// PolicyARN is known when it is deployed.
func (c *Components) PolicyARN() *string { return c.policy.ManagedPolicyArn() }
