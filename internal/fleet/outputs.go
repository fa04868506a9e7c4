package fleet

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
)

// Names of the stack's outputs.
const (
	OutputThingPolicy = "ThingPolicyName"
	OutputClaimPolicy = "ClaimPolicyName"
	OutputTemplate    = "ProvisioningTemplateName"
	OutputRoleAlias   = "RoleAliasName"
	OutputBucket      = "ThumbnailBucketName"
	OutputTable       = "TableName"
)

// StackName is the CloudFormation stack of a stage.
func StackName(stage string) string {
	if stage == "prod" {
		return "Porchlight"
	}
	return "Porchlight-" + stage
}

// Outputs of the stack, by name.
type Outputs map[string]string

// Get returns an output that must be there.
func (o Outputs) Get(name string) (string, error) {
	if v := o[name]; v != "" {
		return v, nil
	}
	return "", fmt.Errorf("%w: %s: deploy the stack anew, or name it with a flag", ErrNoOutput, name)
}

// mostOutputs bounds the file of outputs, bytes.
const mostOutputs = 1 << 20

// ReadOutputs reads the outputs of a stack from a file that cdk deploy
// --outputs-file, or porchlight up, wrote.
func ReadOutputs(path, stack string) (Outputs, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("outputs of the stack: %w", err)
	}
	if info.Size() > mostOutputs {
		return nil, fmt.Errorf("outputs of the stack: %s has %d bytes: at most %d", path, info.Size(), mostOutputs)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("outputs of the stack: %w", err)
	}
	o, err := parseOutputs(text, stack)
	if err != nil {
		return nil, fmt.Errorf("outputs of the stack: %s: %w", path, err)
	}
	return o, nil
}

func parseOutputs(text []byte, stack string) (Outputs, error) {
	var stacks map[string]Outputs
	if err := json.Unmarshal(text, &stacks); err != nil {
		return nil, fmt.Errorf("%w: want the file that cdk deploy --outputs-file writes", err)
	}
	o, ok := stacks[stack]
	if !ok {
		return nil, fmt.Errorf("%w: there is no stack %s in it: choose another with --stage", ErrNoOutput, stack)
	}
	return o, nil
}

// FormatOutputs is the inverse of what ReadOutputs does to a file.
func FormatOutputs(stack string, o Outputs) ([]byte, error) {
	text, err := json.MarshalIndent(map[string]Outputs{stack: o}, "", "  ")
	return append(text, '\n'), err
}

// Stacks is the part of CloudFormation that is used.
type Stacks interface {
	DescribeStacks(context.Context, *cloudformation.DescribeStacksInput, ...func(*cloudformation.Options)) (*cloudformation.DescribeStacksOutput, error)
}

// AskOutputs asks CloudFormation for the outputs of a stack.
func AskOutputs(ctx context.Context, api Stacks, stack string) (Outputs, error) {
	out, err := api.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: aws.String(stack)})
	if err != nil {
		return nil, fmt.Errorf("outputs of stack %s: %w: deploy it, or give its outputs with --outputs", stack, err)
	}
	o := Outputs{}
	for _, s := range out.Stacks {
		for _, output := range s.Outputs {
			o[aws.ToString(output.OutputKey)] = aws.ToString(output.OutputValue)
		}
	}
	return o, nil
}
