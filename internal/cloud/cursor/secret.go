package cursor

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
)

// FromSecret returns a signer whose key is the text of a Secrets Manager
// secret, which must be random and at least MinKey bytes long.
func FromSecret(ctx context.Context, cfg aws.Config, arn string) (*Signer, error) {
	out, err := secretsmanager.NewFromConfig(cfg).GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: aws.String(arn)})
	if err != nil {
		return nil, fmt.Errorf("read cursor secret %s: %w: the function's role must be allowed to", arn, err)
	}
	s, err := New([]byte(aws.ToString(out.SecretString)))
	if err != nil {
		return nil, fmt.Errorf("secret %s: %w", arn, err)
	}
	return s, nil
}
