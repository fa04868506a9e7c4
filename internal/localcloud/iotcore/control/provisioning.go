package control

import (
	"fmt"
	"maps"
	"net/http"
	"slices"

	"porchlight/internal/localcloud/iotcore/registry"
)

func (c *control) template(r *http.Request) (string, Template, error) {
	name := r.PathValue("name")
	t, ok := c.Templates[name]
	if !ok {
		return "", t, fmt.Errorf("provisioning template %s: %w: it must be in the CloudFormation template", name, registry.ErrNotFound)
	}
	return name, t, nil
}

func (c *control) describeProvisioningTemplate(r *http.Request) (any, error) {
	name, t, err := c.template(r)
	if err != nil {
		return nil, err
	}
	out := map[string]any{
		"templateArn": c.ARN("provisioningtemplate", name), "templateName": name, "description": t.Description,
		"creationDate": epoch(c.since), "lastModifiedDate": epoch(c.since), "defaultVersionId": 1,
		"templateBody": t.Body, "enabled": t.Enabled, "provisioningRoleArn": t.RoleARN, "type": "FLEET_PROVISIONING",
	}
	if t.HookARN != "" {
		out["preProvisioningHook"] = map[string]string{"targetArn": t.HookARN, "payloadVersion": t.HookVersion}
	}
	return out, nil
}

func (c *control) listProvisioningTemplates(r *http.Request) (any, error) {
	cut, next, err := page(r, slices.Sorted(maps.Keys(c.Templates)))
	if err != nil {
		return nil, err
	}
	out := []map[string]any{}
	for _, name := range cut {
		t := c.Templates[name]
		out = append(out, map[string]any{
			"templateArn": c.ARN("provisioningtemplate", name), "templateName": name, "description": t.Description,
			"creationDate": epoch(c.since), "lastModifiedDate": epoch(c.since), "enabled": t.Enabled, "type": "FLEET_PROVISIONING",
		})
	}
	return map[string]any{"templates": out, "nextToken": next}, nil
}

// createProvisioningClaim makes a certificate that for five minutes may do
// nothing but provision with one template.
func (c *control) createProvisioningClaim(r *http.Request) (any, error) {
	name, _, err := c.template(r)
	if err != nil {
		return nil, err
	}
	certPEM, keyPEM, publicPEM, err := c.Authority.Client(registry.ClaimLife)
	if err != nil {
		return nil, err
	}
	id, expires, err := c.Registry.AddClaim(certPEM, name)
	if err != nil {
		return nil, err
	}
	c.Log.Info("iot provisioning claim created", "certificate", id, "template", name)
	return map[string]any{
		"certificateId": id, "certificatePem": string(certPEM), "expiration": epoch(expires),
		"keyPair": keyPair{PublicKey: string(publicPEM), PrivateKey: string(keyPEM)},
	}, nil
}
