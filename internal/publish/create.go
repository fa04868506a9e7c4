package publish

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/greengrassv2"
	"github.com/aws/aws-sdk-go-v2/service/greengrassv2/types"
)

// Errors about a component version.
var (
	ErrVersionTaken = errors.New("component version exists with other content")
	ErrRefused      = errors.New("Greengrass refuses the component version")
)

// digestTag is the tag of a component version that holds its Digest.
const digestTag = "porchlight:digest"

// How long Greengrass may take to look at a new component version.
const (
	lookEvery = 2 * time.Second
	mostLooks = 60
)

// Published is what became of one component.
type Published struct {
	Component string     `json:"component"`
	Version   string     `json:"version"`
	ARN       string     `json:"arn"`
	State     string     `json:"state"` // created or exists
	Artifacts []Uploaded `json:"artifacts,omitempty"`
}

// Uploaded is what became of one artifact.
type Uploaded struct {
	Artifact
	URI   string `json:"uri"`
	State string `json:"state"` // created or exists
}

// Publish makes sure that a component version exists with its artifacts, and
// waits until it can be deployed.
func (p *Publisher) Publish(ctx context.Context, account Account, c *Component) (Published, error) {
	done := Published{
		Component: c.Name, Version: c.Version, State: StateExists,
		ARN: p.arn(account, "greengrass", "components:"+c.Name+":versions:"+c.Version),
	}
	there, err := p.look(ctx, done.ARN)
	if err != nil {
		return done, err
	}
	if there == nil {
		for _, a := range c.Artifacts {
			state, err := p.upload(ctx, c, a)
			if err != nil {
				return done, err
			}
			done.Artifacts = append(done.Artifacts, Uploaded{Artifact: a, URI: "s3://" + c.Bucket + "/" + c.Key(a), State: state})
		}
		if there, done.State, err = p.create(ctx, c, done.ARN); err != nil {
			return done, err
		}
	}
	if there != nil && there.Tags[digestTag] != c.Digest() {
		return done, fmt.Errorf("%s: %w: its digest is %q, wanted %s: publish another version", done.ARN, ErrVersionTaken, there.Tags[digestTag], c.Digest())
	}
	p.Step("%s %s %s", c.Name, c.Version, done.State)
	return done, p.deployable(ctx, done.ARN, there)
}

// look describes a component version, or returns nil when there is none.
func (p *Publisher) look(ctx context.Context, arn string) (*greengrassv2.DescribeComponentOutput, error) {
	there, err := p.Greengrass.DescribeComponent(ctx, &greengrassv2.DescribeComponentInput{Arn: &arn})
	var missing *types.ResourceNotFoundException
	if errors.As(err, &missing) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look for %s: %w: publishing needs greengrass:DescribeComponent", arn, err)
	}
	return there, nil
}

// create makes a component version. When another process was faster, it
// returns what that one made.
func (p *Publisher) create(ctx context.Context, c *Component, arn string) (*greengrassv2.DescribeComponentOutput, string, error) {
	token := c.Digest() // a repetition by the SDK makes nothing twice
	_, err := p.Greengrass.CreateComponentVersion(ctx, &greengrassv2.CreateComponentVersionInput{
		InlineRecipe: c.YAML, ClientToken: aws.String(token), Tags: map[string]string{digestTag: token},
	})
	var conflict *types.ConflictException
	if errors.As(err, &conflict) {
		there, lookErr := p.look(ctx, arn)
		if lookErr == nil && there == nil {
			lookErr = err
		}
		return there, StateExists, lookErr
	}
	if err != nil {
		return nil, "", fmt.Errorf("create %s: %w: publishing needs greengrass:CreateComponentVersion, greengrass:TagResource and s3:GetObject on the bucket", arn, err)
	}
	return nil, StateCreated, nil
}

// deployable waits until Greengrass has looked at the recipe and artifacts.
// there may be nil: not yet asked.
func (p *Publisher) deployable(ctx context.Context, arn string, there *greengrassv2.DescribeComponentOutput) (err error) {
	for looks := range mostLooks {
		if there == nil {
			if there, err = p.look(ctx, arn); err != nil {
				return err
			}
		}
		if there != nil && there.Status != nil {
			switch status := there.Status; status.ComponentState {
			case types.CloudComponentStateDeployable:
				return nil
			case types.CloudComponentStateFailed, types.CloudComponentStateDeprecated:
				return fmt.Errorf("%s: %w: it is %s: %s: cure that and publish another version", arn, ErrRefused, status.ComponentState, reasons(status))
			}
		}
		if looks == 0 {
			p.Step("waiting for Greengrass to check %s", arn)
		}
		if err := p.Pause(ctx, lookEvery); err != nil {
			return err
		}
		there = nil
	}
	return fmt.Errorf("%s: Greengrass has not finished checking it after %v: run the same command again", arn, mostLooks*lookEvery)
}

func reasons(status *types.CloudComponentStatus) string {
	list := []string{aws.ToString(status.Message)}
	for artifact, why := range status.Errors {
		list = append(list, artifact+": "+why)
	}
	slices.Sort(list)
	return strings.TrimPrefix(strings.Join(list, "; "), "; ")
}
