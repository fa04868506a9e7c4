// Package cursorkey makes the secret with which the API signs page cursors.
package cursorkey

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssecretsmanager"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// Key is the secret and its grant.
type Key struct {
	secret awssecretsmanager.Secret
}

// New makes a secret of 64 random letters and digits (381 bits). It is lost
// with the stack: all it protects are the pages of a list being read.
func New(scope constructs.Construct, id string) *Key {
	const length = 64
	return &Key{awssecretsmanager.NewSecret(scope, jsii.String(id), &awssecretsmanager.SecretProps{
		Description: jsii.String("Signs Porchlight's page cursors"),
		GenerateSecretString: &awssecretsmanager.SecretStringGenerator{
			PasswordLength:     jsii.Number(length),
			ExcludePunctuation: jsii.Bool(true),
		},
		RemovalPolicy: awscdk.RemovalPolicy_DESTROY,
	})}
}

// ARN of the secret, known when it is deployed.
func (k *Key) ARN() *string { return k.secret.SecretArn() }

// GrantRead lets the grantee read the secret's value, and no more.
func (k *Key) GrantRead(grantee awsiam.IGrantable) {
	grantee.GrantPrincipal().AddToPrincipalPolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Actions:   jsii.Strings("secretsmanager:GetSecretValue"),
		Resources: &[]*string{k.secret.SecretArn()},
	}))
}
