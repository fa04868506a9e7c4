package localcloud

import (
	"fmt"

	"porchlight/internal/localcloud/iam"
	"porchlight/internal/localcloud/lambda"
	"porchlight/internal/localcloud/sts"
	"porchlight/internal/localcloud/template"
)

// roles knows every role of the template and what it may do.
type roles struct {
	trust    map[string]iam.Document   // by role ARN
	policies map[string][]iam.Document // by role ARN
	invoke   lambda.Permissions
}

type inlinePolicy struct {
	PolicyName     string
	PolicyDocument iam.Document
}

func newRoles(stack *template.Stack) (*roles, error) {
	r := &roles{trust: map[string]iam.Document{}, policies: map[string][]iam.Document{}}
	arns := map[string]string{} // by role name
	type roleProperties struct {
		AssumeRolePolicyDocument iam.Document
		Policies                 []inlinePolicy
		ManagedPolicyArns        []string
	}
	err := decodeAll(stack, "AWS::IAM::Role", func(res *template.Resource, p roleProperties) error {
		arns[res.Name] = res.ARN
		r.trust[res.ARN] = p.AssumeRolePolicyDocument
		for _, policy := range p.Policies {
			r.policies[res.ARN] = append(r.policies[res.ARN], policy.PolicyDocument)
		}
		for _, arn := range p.ManagedPolicyArns {
			documents, ok, err := managedPolicy(arn)
			if err != nil {
				return err
			}
			if !ok {
				return fmt.Errorf("managed policy %s is not known here: write its statements out", arn)
			}
			r.policies[res.ARN] = append(r.policies[res.ARN], documents...)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	type policyProperties struct {
		inlinePolicy
		Roles []string
	}
	err = decodeAll(stack, "AWS::IAM::Policy", func(_ *template.Resource, p policyProperties) error {
		for _, name := range p.Roles {
			arn, ok := arns[name]
			if !ok {
				return fmt.Errorf("role %s is not in the template", name)
			}
			r.policies[arn] = append(r.policies[arn], p.PolicyDocument)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return r, decodeAll(stack, "AWS::Lambda::Permission", func(_ *template.Resource, p lambda.PermissionProperties) error {
		r.invoke = append(r.invoke, p)
		return nil
	})
}

// Authorize implements frontdoor.Authorizer. A refusal names the statement
// that would allow it.
func (r *roles) Authorize(p sts.Principal, action, resource string) error {
	return r.allow(p.RoleARN, action, resource, p.Vars)
}

func (r *roles) allow(roleARN, action, resource string, variables map[string]string) error {
	decision := iam.Evaluate(r.policies[roleARN], iam.Request{Action: action, Resource: resource, Variables: variables})
	if decision.Allowed {
		return nil
	}
	return fmt.Errorf("role %s may not %s on %s (%s): add to its policy {\"Effect\":\"Allow\",\"Action\":%q,\"Resource\":%q}",
		roleARN, action, resource, decision.Reason, action, resource)
}
