package main

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/iot"

	"porchlight/internal/cloud/store"
	"porchlight/internal/fleet"
)

// StackFlags say which deployment a verb is about. What is not given comes
// from the stack's outputs.
type StackFlags struct {
	Stage    string `default:"prod" help:"Stage of the deployment (default: ${default})."`
	Outputs  string `type:"path" env:"PORCHLIGHT_OUTPUTS" placeholder:"FILE" help:"File of the stack's outputs, of cdk deploy --outputs-file or porchlight up (default: ask CloudFormation)."`
	Region   string `placeholder:"NAME" help:"AWS region (default: that of the environment)."`
	Endpoint string `placeholder:"URL" help:"Address of all AWS services, for stand-ins (default: that of the environment, else AWS itself)."`
	Table    string `placeholder:"NAME" help:"The stack's table."`
	JSON     bool   `name:"json" help:"Print JSON Lines."`
}

// deployment is a stack that verbs work on.
type deployment struct {
	aws     aws.Config
	outputs fleet.Outputs
}

// open finds the stack. Outputs that are given already, by name, are not asked
// for; when all that are needed are given, nothing is asked.
func (f StackFlags) open(ctx context.Context, given fleet.Outputs, needed ...string) (*deployment, error) {
	var options []func(*awsconfig.LoadOptions) error
	if f.Region != "" {
		options = append(options, awsconfig.WithRegion(f.Region))
	}
	cfg, err := awsconfig.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return nil, fmt.Errorf("AWS settings: %w: check the files in ~/.aws and the environment", err)
	}
	if cfg.Region == "" {
		return nil, errNoRegion
	}
	if f.Endpoint != "" {
		cfg.BaseEndpoint = aws.String(f.Endpoint)
	}
	d := &deployment{aws: cfg, outputs: fleet.Outputs{}}
	if err := d.find(ctx, f, given, needed); err != nil {
		return nil, err
	}
	return d, nil
}

func (d *deployment) find(ctx context.Context, f StackFlags, given fleet.Outputs, needed []string) error {
	complete := true
	for _, name := range needed {
		complete = complete && given[name] != ""
	}
	if !complete {
		var err error
		if f.Outputs != "" {
			d.outputs, err = fleet.ReadOutputs(f.Outputs, fleet.StackName(f.Stage))
		} else {
			d.outputs, err = fleet.AskOutputs(ctx, cloudformation.NewFromConfig(d.aws), fleet.StackName(f.Stage))
		}
		if err != nil {
			return err
		}
	}
	for name, value := range given {
		if value != "" {
			d.outputs[name] = value
		}
	}
	for _, name := range needed {
		if _, err := d.outputs.Get(name); err != nil {
			return err
		}
	}
	return nil
}

func (d *deployment) store() *store.Store {
	return store.New(store.Config{API: dynamodb.NewFromConfig(d.aws), Table: d.outputs[fleet.OutputTable]})
}

func (d *deployment) operator(streams *Streams) *fleet.Operator {
	return &fleet.Operator{
		IoT: iot.NewFromConfig(d.aws), Store: d.store(), Outputs: d.outputs, Region: d.aws.Region, AWSEndpoint: aws.ToString(d.aws.BaseEndpoint),
		Step: func(format string, a ...any) { fmt.Fprintf(streams.Stderr, "==> "+format+"\n", a...) },
	}
}

// print writes one result: a JSON line, or words.
func (f StackFlags) print(streams *Streams, line any, format string, a ...any) error {
	if f.JSON {
		return json.NewEncoder(streams.Stdout).Encode(line)
	}
	fmt.Fprintf(streams.Stdout, format+"\n", a...)
	return nil
}
