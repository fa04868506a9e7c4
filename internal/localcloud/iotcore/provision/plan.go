package provision

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"porchlight/internal/localcloud/iotcore/registry"
)

// Plan works out the template for one device: what the registry has to do, and
// the device configuration to answer with. Among the parameters is the id of
// the certificate.
func (b *Body) Plan(parameters map[string]string) (registry.Plan, map[string]string, error) {
	s := scope{parameters: map[string]string{CertificateParameter: parameters[CertificateParameter]}, names: b.names, mappings: b.mappings}
	for name, fallback := range b.parameters {
		value, given := parameters[name]
		if !given && fallback != nil {
			value, given = *fallback, true
		}
		if given {
			s.parameters[name] = value
		} else {
			return registry.Plan{}, nil, fmt.Errorf("%w: parameter %s is missing", errParameter, name)
		}
	}
	var p registry.Plan
	status, err := b.status.text(s)
	if err != nil {
		return p, nil, fmt.Errorf("status of the certificate: %w", err)
	}
	if p.Status = registry.Status(strings.ToUpper(status)); p.Status != registry.Active && p.Status != registry.Inactive {
		return p, nil, fmt.Errorf("%w: status %s of the certificate: want ACTIVE or INACTIVE", errParameter, status)
	}
	for _, e := range b.policies {
		name, err := e.text(s)
		if err != nil {
			return p, nil, fmt.Errorf("policy: %w", err)
		}
		p.Policies = append(p.Policies, name)
	}
	if err := b.planThing(s, &p); err != nil {
		return p, nil, err
	}
	configuration := map[string]string{}
	for name, e := range b.configuration {
		if configuration[name], err = e.text(s); err != nil {
			return p, nil, fmt.Errorf("device configuration %s: %w", name, err)
		}
	}
	return p, configuration, nil
}

func (b *Body) planThing(s scope, p *registry.Plan) (err error) {
	t := b.thing
	if t == nil {
		return nil
	}
	p.AttributesOverride, p.GroupsOverride = t.attributesOverride, t.groupsOverride
	if p.Thing, err = t.name.text(s); err != nil {
		return fmt.Errorf("name of the thing: %w", err)
	}
	if err := registry.ValidThingName(p.Thing); err != nil {
		return err
	}
	p.Attributes = map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(t.attributes)) {
		if p.Attributes[name], err = t.attributes[name].text(s); err != nil {
			return fmt.Errorf("attribute %s: %w", name, err)
		}
	}
	if err := registry.ValidAttributes(p.Attributes); err != nil {
		return err
	}
	if p.Groups, err = t.groups.list(s); err != nil {
		return fmt.Errorf("thing groups: %w", err)
	}
	return nil
}
