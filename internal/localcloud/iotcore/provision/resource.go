package provision

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"porchlight/internal/localcloud/iotcore/registry"
)

// resource reads one of the three kinds.
func (b *Body) resource(id string, r wireResource) error {
	switch r.Type {
	case "AWS::IoT::Thing":
		if b.thing != nil {
			return errors.New("a template has one thing at most")
		}
		return b.parseThing(id, r)
	case "AWS::IoT::Certificate":
		if b.status != nil {
			return errors.New("a template has one certificate")
		}
		return b.parseCertificate(id, r)
	case "AWS::IoT::Policy":
		if _, ok := r.Properties["PolicyDocument"]; ok {
			return errors.New("a PolicyDocument is not supported here: put the policy into the CloudFormation template and name it with PolicyName")
		}
		name, err := r.required("PolicyName")
		if err != nil {
			return err
		}
		b.names[id], b.policies = name, append(b.policies, name)
		return r.only("PolicyName")
	}
	return fmt.Errorf("type %q: want AWS::IoT::Thing, AWS::IoT::Certificate or AWS::IoT::Policy", r.Type)
}

func (r wireResource) required(property string) (expression, error) {
	raw, ok := r.Properties[property]
	if !ok {
		return nil, fmt.Errorf("it has no %s", property)
	}
	return parseExpression(raw, 0)
}

func (r wireResource) only(properties ...string) error {
	for name := range r.Properties {
		if !slices.Contains(properties, name) {
			return fmt.Errorf("property %s is not supported here", name)
		}
	}
	return nil
}

// override reads an entry of OverrideSettings; without one what exists is left alone.
func (r wireResource) override(name string, allowed ...registry.Override) (registry.Override, error) {
	o := registry.Override(r.OverrideSettings[name])
	if o == "" {
		return registry.DoNothing, nil
	}
	if !slices.Contains(allowed, o) {
		return "", fmt.Errorf("override %s of %s: want one of %v", o, name, allowed)
	}
	return o, nil
}

func (b *Body) parseThing(id string, r wireResource) error {
	t := &thingResource{attributes: map[string]expression{}, groups: items{}}
	var err error
	if t.name, err = r.required("ThingName"); err != nil {
		return err
	}
	all := []registry.Override{registry.DoNothing, registry.Replace, registry.Merge, registry.Fail}
	if t.attributesOverride, err = r.override("AttributePayload", all...); err != nil {
		return err
	}
	if t.groupsOverride, err = r.override("ThingGroups", all...); err != nil {
		return err
	}
	if raw, ok := r.Properties["AttributePayload"]; ok {
		attributes := map[string]json.RawMessage{}
		if err := json.Unmarshal(raw, &attributes); err != nil {
			return fmt.Errorf("AttributePayload: %w", err)
		}
		for name, value := range attributes {
			if t.attributes[name], err = parseExpression(value, 0); err != nil {
				return fmt.Errorf("attribute %s: %w", name, err)
			}
		}
	}
	if raw, ok := r.Properties["ThingGroups"]; ok {
		if t.groups, err = parseExpression(raw, 0); err != nil {
			return fmt.Errorf("ThingGroups: %w", err)
		}
	}
	b.thing, b.names[id] = t, t.name
	return r.only("ThingName", "AttributePayload", "ThingGroups")
}

func (b *Body) parseCertificate(id string, r wireResource) error {
	which, err := r.required("CertificateId")
	if err != nil {
		return err
	}
	if which != (reference{name: CertificateParameter}) {
		return fmt.Errorf("CertificateId must be {\"Ref\":%q}: only the certificate that the device asked for can be provisioned", CertificateParameter)
	}
	if kind, ok := r.Properties["ThingPrincipalType"]; ok && !bytes.Equal(kind, []byte(`"NON_EXCLUSIVE_THING"`)) {
		return fmt.Errorf("ThingPrincipalType %s is not supported here: use NON_EXCLUSIVE_THING", clip(kind))
	}
	b.names[id], b.status = which, literal{value: "ACTIVE"}
	if _, ok := r.Properties["Status"]; ok {
		b.status, err = r.required("Status")
	}
	return errors.Join(err, r.only("CertificateId", "Status", "ThingPrincipalType"))
}
