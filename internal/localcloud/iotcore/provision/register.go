package provision

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"

	"porchlight/internal/localcloud/iotcore/registry"
)

// Bounds of what a device may send.
const (
	maxParameters = 64
	maxValue      = 4096 // bytes of one parameter
)

type registerRequest struct {
	CertificateOwnershipToken string            `json:"certificateOwnershipToken"`
	Parameters                map[string]string `json:"parameters"`
}

type registered struct {
	ThingName           string            `json:"thingName,omitempty"`
	DeviceConfiguration map[string]string `json:"deviceConfiguration"`
}

// register takes up a certificate with a template.
func (s *Service) register(ctx context.Context, template string, payload []byte, from Client) (any, error) {
	var in registerRequest
	if err := decode(payload, &in); err != nil {
		return nil, err
	}
	t, ok := s.templates[template]
	if !ok {
		return nil, fmt.Errorf("%w: %s", errTemplate, template)
	}
	if !t.Enabled {
		return nil, fmt.Errorf("%w: template %s is disabled", errDenied, template)
	}
	if err := checkParameters(in.Parameters); err != nil {
		return nil, err
	}
	id, certificate, err := s.cfg.Registry.Owned(in.CertificateOwnershipToken)
	if err != nil {
		return nil, err
	}
	parameters := map[string]string{}
	maps.Copy(parameters, in.Parameters)
	if t.HookARN != "" {
		overrides, err := s.ask(ctx, t, hookInput{from.CertificateID, id, certificate.PEM, t.ARN, from.ClientID, some(in.Parameters)})
		if err != nil {
			return nil, err
		}
		maps.Copy(parameters, overrides)
	}
	parameters[CertificateParameter] = id // whatever the device or the hook says
	plan, configuration, err := t.Body.Plan(parameters)
	if err != nil {
		return nil, err
	}
	if err := s.authorize(t, id, plan); err != nil {
		return nil, err
	}
	if err := s.cfg.Registry.Provision(in.CertificateOwnershipToken, plan); err != nil {
		return nil, err
	}
	s.cfg.Log.Info("device provisioned", "template", t.Name, "thing", plan.Thing, "certificate", id, "claim", from.CertificateID)
	return registered{plan.Thing, configuration}, nil
}

func checkParameters(parameters map[string]string) error {
	if len(parameters) > maxParameters {
		return fmt.Errorf("%w: more than %d", errParameter, maxParameters)
	}
	for name, value := range parameters {
		if !validParameter(name) || len(value) > maxValue {
			return fmt.Errorf("%w: names have up to 128 of a-z A-Z 0-9 _ : . - and values up to %d bytes", errParameter, maxValue)
		}
	}
	return nil
}

func some(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}

// hookInput is what a hook is given (payload version 2020-04-01).
type hookInput struct {
	ClaimCertificateID string            `json:"claimCertificateId,omitempty"`
	CertificateID      string            `json:"certificateId"`
	CertificatePEM     string            `json:"certificatePem"`
	TemplateARN        string            `json:"templateArn"`
	ClientID           string            `json:"clientId"`
	Parameters         map[string]string `json:"parameters"`
}

// hookOutput is what it has to return.
type hookOutput struct {
	AllowProvisioning  bool              `json:"allowProvisioning"`
	ParameterOverrides map[string]string `json:"parameterOverrides"`
}

// ask invokes the hook. Whatever it does but to allow is a denial.
func (s *Service) ask(ctx context.Context, t Template, in hookInput) (map[string]string, error) {
	payload, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, s.cfg.HookTimeout)
	defer cancel()
	b, err := s.cfg.Hook(ctx, t.HookARN, t.ARN, payload)
	if err != nil {
		return nil, fmt.Errorf("%w: pre-provisioning hook: %w", errDenied, err)
	}
	var out hookOutput
	if err := json.Unmarshal(b, &out); err != nil {
		return nil, fmt.Errorf("%w: the answer of the pre-provisioning hook cannot be read: %w", errDenied, err)
	}
	if !out.AllowProvisioning {
		return nil, fmt.Errorf("%w: the pre-provisioning hook does not allow it", errDenied)
	}
	if err := checkParameters(out.ParameterOverrides); err != nil {
		return nil, fmt.Errorf("overrides of the pre-provisioning hook: %w", err)
	}
	return out.ParameterOverrides, nil
}

// authorize asks for the permissions that the template's role needs on AWS.
func (s *Service) authorize(t Template, id string, p registry.Plan) error {
	certificate := s.cfg.ARN("cert", id)
	needs := [][2]string{{"iot:DescribeCertificate", certificate}, {"iot:UpdateCertificate", certificate}}
	for _, policy := range p.Policies {
		if !s.cfg.Policies(policy) {
			return fmt.Errorf("%w: there is no IoT policy %s", errTemplate, policy)
		}
		needs = append(needs, [2]string{"iot:AttachPolicy", certificate})
	}
	if p.Thing != "" {
		thing := s.cfg.ARN("thing", p.Thing)
		change := "iot:UpdateThing"
		if _, err := s.cfg.Registry.Thing(p.Thing); err != nil {
			change = "iot:CreateThing"
		}
		needs = append(needs, [2]string{"iot:DescribeThing", thing}, [2]string{change, thing}, [2]string{"iot:AttachThingPrincipal", "*"})
		for _, group := range p.Groups {
			needs = append(needs, [2]string{"iot:AddThingToThingGroup", s.cfg.ARN("thinggroup", group)})
		}
	}
	for _, n := range needs {
		if err := s.cfg.Authorize(t.RoleARN, n[0], n[1]); err != nil {
			return fmt.Errorf("%w: %w", errDenied, err)
		}
	}
	return nil
}
