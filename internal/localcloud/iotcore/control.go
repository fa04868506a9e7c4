package iotcore

import (
	"net/http"

	"porchlight/internal/localcloud/iotcore/control"
)

// ControlHandler serves the AWS IoT control plane: certificates, things,
// policies and provisioning templates. Handlers for other paths may be added to
// it. The callers have been authenticated and authorized before.
func (c *Core) ControlHandler() *http.ServeMux {
	templates := map[string]control.Template{}
	for _, t := range c.cfg.ProvisioningTemplates {
		out := control.Template{Description: t.Description, Body: t.TemplateBody, RoleARN: t.ProvisioningRoleArn, Enabled: t.Enabled}
		if t.PreProvisioningHook != nil {
			out.HookARN, out.HookVersion = t.PreProvisioningHook.TargetArn, hookVersion
		}
		templates[t.TemplateName] = out
	}
	return control.New(control.Config{
		Registry: c.registry, Authority: c.authority, Policies: c.policies, Templates: templates,
		AccountID: c.cfg.AccountID, ARN: c.arn, Endpoint: c.endpoint, Now: c.cfg.Now, Log: c.log,
	})
}

// endpoint returns the address of an endpoint type once started.
func (c *Core) endpoint(endpointType string) (string, bool) {
	switch endpointType {
	case "", "iot:Data", "iot:Data-ATS":
		return c.mqttAddr, true
	case "iot:CredentialProvider":
		return c.credAddr, true
	case "iot:Jobs":
		return c.cfg.HTTPAddr, c.cfg.HTTPAddr != ""
	}
	return "", false
}

// hookVersion is the only form in which hooks are called.
const hookVersion = "2020-04-01"
