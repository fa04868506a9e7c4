// Package thumbnails makes the private bucket of event pictures, and of the
// video files that owners download.
package thumbnails

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"porchlight/infra/internal/naming"
)

// Props of the bucket.
type Props struct {
	// Retain keeps the bucket when the stack is deleted. Required in
	// production.
	Retain bool
	// ExpireDays is how long a thumbnail is kept: as long as its event.
	// Required.
	ExpireDays int
}

// clipDays is how long a file that somebody asked for is there to be
// downloaded. The video it was made of stays where it is.
const clipDays = 1

// Bucket is the bucket and its grants.
type Bucket struct {
	bucket awss3.Bucket
}

// New makes the bucket: nothing public, TLS only, encrypted by S3. It keeps no
// server access logs: the only reader is the API, whose own access log names
// each request, and a log line per thumbnail would cost as much as storing it.
// It keeps no old versions either: what expired from a home's evidence must be
// gone.
func New(scope constructs.Construct, id string, props Props) *Bucket {
	removal := awscdk.RemovalPolicy_DESTROY
	if props.Retain {
		removal = awscdk.RemovalPolicy_RETAIN
	}
	return &Bucket{awss3.NewBucket(scope, jsii.String(id), &awss3.BucketProps{
		BlockPublicAccess: awss3.BlockPublicAccess_BLOCK_ALL(),
		ObjectOwnership:   awss3.ObjectOwnership_BUCKET_OWNER_ENFORCED,
		Encryption:        awss3.BucketEncryption_S3_MANAGED,
		EnforceSSL:        jsii.Bool(true),
		RemovalPolicy:     removal,
		LifecycleRules: &[]*awss3.LifecycleRule{{
			Id:                                  jsii.String("ExpireThumbnails"),
			Prefix:                              jsii.String(naming.ThumbnailPrefix),
			Expiration:                          awscdk.Duration_Days(jsii.Number(props.ExpireDays)),
			AbortIncompleteMultipartUploadAfter: awscdk.Duration_Days(jsii.Number(1)),
		}, {
			Id:                                  jsii.String("ExpireClips"),
			Prefix:                              jsii.String(naming.ClipPrefix),
			Expiration:                          awscdk.Duration_Days(jsii.Number(clipDays)),
			AbortIncompleteMultipartUploadAfter: awscdk.Duration_Days(jsii.Number(1)),
		}},
	})}
}

// Name of the bucket, known when it is deployed.
func (b *Bucket) Name() *string { return b.bucket.BucketName() }

// GrantRead lets the grantee read thumbnails whose key it knows; it cannot
// list them.
func (b *Bucket) GrantRead(grantee awsiam.IGrantable) {
	b.allow(grantee, "s3:GetObject", naming.ThumbnailPrefix+"*")
}

// GrantClips lets the grantee put clips into the bucket and hand them out.
func (b *Bucket) GrantClips(grantee awsiam.IGrantable) {
	b.allow(grantee, "s3:PutObject", naming.ClipPrefix+"*")
	b.allow(grantee, "s3:GetObject", naming.ClipPrefix+"*")
}

// GrantPutByThing lets a role that IoT's credentials provider hands out write
// thumbnails of the thing whose certificate was shown, and of no other.
func (b *Bucket) GrantPutByThing(role awsiam.IRole) {
	role.GrantPrincipal().AddToPrincipalPolicy(b.PutByThing())
}

// PutByThing is the statement of GrantPutByThing, for a role outside the stack.
func (b *Bucket) PutByThing() awsiam.PolicyStatement {
	return b.statement("s3:PutObject", naming.ThumbnailPrefix+"${credentials-iot:ThingName}/*")
}

// GrantReadUpdates lets devices read the files of updates, whose names and
// hashes their jobs say.
func (b *Bucket) GrantReadUpdates(role awsiam.IRole) {
	b.allow(role, "s3:GetObject", naming.UpdatePrefix+"*")
}

// Tell has the bucket tell a queue of each picture. On a resource of
// CloudFormation's own: the CDK's would bring a Lambda along that sets it. The
// queue's policy lets in what S3 sends for this account, not for this bucket,
// which could not be made before its queue then.
func (b *Bucket) Tell(queue awssqs.Queue) {
	stack := awscdk.Stack_Of(b.bucket)
	queue.AddToResourcePolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Principals: &[]awsiam.IPrincipal{awsiam.NewServicePrincipal(jsii.String("s3.amazonaws.com"), nil)},
		Actions:    jsii.Strings("sqs:SendMessage"),
		Resources:  &[]*string{queue.QueueArn()},
		Conditions: &map[string]any{"StringEquals": map[string]any{"aws:SourceAccount": stack.Account()}},
	}))
	rule := func(name, value string) any {
		return &awss3.CfnBucket_FilterRuleProperty{Name: jsii.String(name), Value: jsii.String(value)}
	}
	bucket := b.bucket.Node().DefaultChild().(awss3.CfnBucket)
	bucket.SetNotificationConfiguration(&awss3.CfnBucket_NotificationConfigurationProperty{
		QueueConfigurations: []any{&awss3.CfnBucket_QueueConfigurationProperty{
			Event: jsii.String("s3:ObjectCreated:*"),
			Queue: queue.QueueArn(),
			Filter: &awss3.CfnBucket_NotificationFilterProperty{S3Key: &awss3.CfnBucket_S3KeyFilterProperty{
				Rules: []any{rule("prefix", naming.ThumbnailPrefix), rule("suffix", naming.PictureSuffix)},
			}},
		}},
	})
	bucket.Node().AddDependency(queue.Node().FindChild(jsii.String("Policy")))
}

func (b *Bucket) allow(grantee awsiam.IGrantable, action, keys string) {
	grantee.GrantPrincipal().AddToPrincipalPolicy(b.statement(action, keys))
}

func (b *Bucket) statement(action, keys string) awsiam.PolicyStatement {
	return awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Actions:   jsii.Strings(action),
		Resources: &[]*string{b.bucket.ArnForObjects(jsii.String(keys))},
	})
}
