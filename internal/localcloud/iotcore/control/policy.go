package control

import (
	"fmt"
	"maps"
	"net/http"
	"slices"

	"porchlight/internal/localcloud/iotcore/registry"
)

// policyVersion is the only one: policies come from the CloudFormation template.
const policyVersion = "1"

func (c *control) knownPolicy(r *http.Request) (string, error) {
	name := r.PathValue("policy")
	if _, ok := c.Policies[name]; !ok {
		return "", fmt.Errorf("policy %s: %w: it must be in the CloudFormation template", name, registry.ErrNotFound)
	}
	return name, nil
}

func (c *control) getPolicy(r *http.Request) (any, error) {
	name, err := c.knownPolicy(r)
	if err != nil {
		return nil, err
	}
	document, err := c.Policies[name].MarshalJSON()
	if err != nil {
		return nil, err
	}
	return map[string]any{
		"policyName": name, "policyArn": c.ARN("policy", name), "policyDocument": string(document),
		"defaultVersionId": policyVersion, "generationId": policyVersion,
		"creationDate": epoch(c.since), "lastModifiedDate": epoch(c.since),
	}, nil
}

func (c *control) listPolicies(r *http.Request) (any, error) {
	return c.policyPage(r, slices.Sorted(maps.Keys(c.Policies)))
}

func (c *control) policyPage(r *http.Request, names []string) (any, error) {
	cut, next, err := page(r, names)
	if err != nil {
		return nil, err
	}
	out := []map[string]string{}
	for _, name := range cut {
		out = append(out, map[string]string{"policyName": name, "policyArn": c.ARN("policy", name)})
	}
	return map[string]any{"policies": out, "nextMarker": next}, nil
}

// policyTarget reads the certificate that a policy is to be attached to.
func (c *control) policyTarget(r *http.Request) (policy, id string, err error) {
	if policy, err = c.knownPolicy(r); err != nil {
		return "", "", err
	}
	var in struct {
		Target string `json:"target"`
	}
	if err := body(r, &in); err != nil {
		return "", "", err
	}
	id, err = c.certificateID(in.Target)
	return policy, id, err
}

func (c *control) attachPolicy(r *http.Request) (any, error) {
	policy, id, err := c.policyTarget(r)
	if err != nil {
		return nil, err
	}
	return nil, c.Registry.AttachPolicy(id, policy)
}

func (c *control) detachPolicy(r *http.Request) (any, error) {
	policy, id, err := c.policyTarget(r)
	if err != nil {
		return nil, err
	}
	return nil, c.Registry.DetachPolicy(id, policy)
}

func (c *control) listAttachedPolicies(r *http.Request) (any, error) {
	id, err := c.certificateID(r.PathValue("target"))
	if err != nil {
		return nil, err
	}
	certificate, err := c.Registry.Certificate(id)
	if err != nil {
		return nil, err
	}
	slices.Sort(certificate.Policies)
	return c.policyPage(r, certificate.Policies)
}

func (c *control) listTargetsForPolicy(r *http.Request) (any, error) {
	name, err := c.knownPolicy(r)
	if err != nil {
		return nil, err
	}
	cut, next, err := page(r, c.Registry.Targets(name))
	return map[string]any{"targets": c.arns("cert", cut), "nextMarker": next}, err
}

func (c *control) describeEndpoint(r *http.Request) (any, error) {
	kind := r.URL.Query().Get("endpointType")
	address, ok := c.Endpoint(kind)
	if !ok {
		return nil, invalid("there is no endpoint of type %q: ask for iot:Data-ATS, iot:CredentialProvider or iot:Jobs", kind)
	}
	return map[string]string{"endpointAddress": address}, nil
}
