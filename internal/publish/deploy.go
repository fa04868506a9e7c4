package publish

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/greengrassv2"
	"github.com/aws/aws-sdk-go-v2/service/greengrassv2/types"
)

// ErrTarget is a deployment target that is none.
var ErrTarget = errors.New("bad deployment target")

// Deployed is what became of a deployment.
type Deployed struct {
	ID     string `json:"id"`
	Target string `json:"target"` // ARN
	State  string `json:"state"`  // created or exists
}

// CheckTarget refuses what is neither NAME or thing/NAME, thinggroup/NAME, nor
// the ARN of one of them.
func CheckTarget(target string) error {
	name := `[a-zA-Z0-9:_-]{1,128}`
	if regexp.MustCompile(`^(arn:[a-z-]+:iot:[a-z0-9-]+:\d{12}:)?(thing/|thinggroup/)`+name+`$`).MatchString(target) ||
		regexp.MustCompile(`^`+strings.Replace(name, ":", "", 1)+`$`).MatchString(target) {
		return nil
	}
	return fmt.Errorf("%w %q: name a thing, thing/NAME, thinggroup/NAME or its ARN", ErrTarget, target)
}

func (p *Publisher) target(a Account, target string) string {
	switch {
	case strings.HasPrefix(target, "arn:"):
		return target
	case strings.Contains(target, "/"):
		return p.arn(a, "iot", target)
	default:
		return p.arn(a, "iot", "thing/"+target)
	}
}

// Deploy has a target run component versions. A deployment replaces the one
// before it, so everything else that the target's last one holds is carried
// over: other components, their configuration, the policies.
func (p *Publisher) Deploy(ctx context.Context, account Account, target string, components []Published) (Deployed, error) {
	if err := CheckTarget(target); err != nil {
		return Deployed{}, err
	}
	done := Deployed{Target: p.target(account, target), State: StateExists}
	last, err := p.lastDeployment(ctx, done.Target)
	if err != nil {
		return done, err
	}
	wanted := maps.Clone(last.Components)
	if wanted == nil {
		wanted = map[string]types.ComponentDeploymentSpecification{}
	}
	changed := false
	for _, c := range components {
		spec := wanted[c.Component]
		changed = changed || aws.ToString(spec.ComponentVersion) != c.Version
		spec.ComponentVersion = aws.String(c.Version)
		wanted[c.Component] = spec
	}
	running := last.DeploymentStatus == types.DeploymentStatusActive || last.DeploymentStatus == types.DeploymentStatusCompleted
	if running && !changed {
		done.ID = aws.ToString(last.DeploymentId)
		p.Step("%s already has these versions", done.Target)
		return done, nil
	}
	made, err := p.Greengrass.CreateDeployment(ctx, &greengrassv2.CreateDeploymentInput{
		TargetArn: &done.Target, Components: wanted, DeploymentName: last.DeploymentName,
		DeploymentPolicies: last.DeploymentPolicies, IotJobConfiguration: last.IotJobConfiguration,
		ParentTargetArn: last.ParentTargetArn,
	})
	if err != nil {
		return done, fmt.Errorf("deploy to %s: %w: deploying needs greengrass:CreateDeployment and the iot permissions that go with it", done.Target, err)
	}
	done.ID, done.State = aws.ToString(made.DeploymentId), StateCreated
	p.Step("deploying to %s: deployment %s", done.Target, done.ID)
	return done, nil
}

// lastDeployment is the target's last one, empty when there is none.
func (p *Publisher) lastDeployment(ctx context.Context, target string) (*greengrassv2.GetDeploymentOutput, error) {
	found, err := p.Greengrass.ListDeployments(ctx, &greengrassv2.ListDeploymentsInput{
		TargetArn: &target, HistoryFilter: types.DeploymentHistoryFilterLatestOnly,
	})
	if err != nil {
		return nil, fmt.Errorf("look for deployments to %s: %w: deploying needs greengrass:ListDeployments", target, err)
	}
	if len(found.Deployments) == 0 {
		return &greengrassv2.GetDeploymentOutput{}, nil
	}
	last, err := p.Greengrass.GetDeployment(ctx, &greengrassv2.GetDeploymentInput{DeploymentId: found.Deployments[0].DeploymentId})
	if err != nil {
		return nil, fmt.Errorf("read the last deployment to %s: %w: deploying needs greengrass:GetDeployment", target, err)
	}
	return last, nil
}
