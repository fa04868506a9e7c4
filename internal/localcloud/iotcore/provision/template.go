package provision

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"porchlight/internal/localcloud/iotcore/registry"
)

// ErrTemplate is wrapped by every error about a provisioning template.
var ErrTemplate = errors.New("invalid provisioning template")

// CertificateParameter is the parameter that stands for the new certificate.
const CertificateParameter = "AWS::IoT::Certificate::Id"

// maxBody bounds a template body in bytes, as in the AWS IoT API.
const maxBody = 10240

// Body is a parsed template body.
type Body struct {
	parameters    map[string]*string // default by name
	mappings      map[string]map[string]map[string]string
	names         map[string]expression // of resources, by logical id
	configuration map[string]expression
	policies      []expression
	status        expression
	thing         *thingResource
}

type thingResource struct {
	name                               expression
	attributes                         map[string]expression
	groups                             expression
	attributesOverride, groupsOverride registry.Override
}

type wireBody struct {
	Parameters map[string]struct {
		Type    string
		Default *string
	}
	Mappings            map[string]map[string]map[string]string
	Resources           map[string]wireResource
	DeviceConfiguration map[string]json.RawMessage
}

type wireResource struct {
	Type             string
	Properties       map[string]json.RawMessage
	OverrideSettings map[string]string
}

// Parse reads a template body. Errors wrap ErrTemplate and name the resource.
func Parse(text string) (*Body, error) {
	b, err := parse(text)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrTemplate, err)
	}
	return b, nil
}

func parse(text string) (*Body, error) {
	if len(text) > maxBody {
		return nil, fmt.Errorf("it has %d bytes, at most %d are allowed", len(text), maxBody)
	}
	var w wireBody
	dec := json.NewDecoder(strings.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&w); err != nil {
		return nil, err
	}
	if dec.More() {
		return nil, errors.New("more than one JSON value")
	}
	b := &Body{
		parameters: map[string]*string{}, mappings: w.Mappings, names: map[string]expression{}, configuration: map[string]expression{},
	}
	for name, p := range w.Parameters {
		if p.Type != "String" {
			return nil, fmt.Errorf("parameter %s has type %q: the only one is String", name, p.Type)
		}
		b.parameters[name] = p.Default
	}
	for _, id := range slices.Sorted(maps.Keys(w.Resources)) {
		if err := b.resource(id, w.Resources[id]); err != nil {
			return nil, fmt.Errorf("resource %s: %w", id, err)
		}
	}
	if b.status == nil {
		return nil, errors.New("it has no AWS::IoT::Certificate")
	}
	for name, raw := range w.DeviceConfiguration {
		e, err := parseExpression(raw, 0)
		if err != nil {
			return nil, fmt.Errorf("device configuration %s: %w", name, err)
		}
		b.configuration[name] = e
	}
	return b, b.check()
}

// check evaluates every expression with made-up parameters, so that what is
// wrong whatever the device says is found before there is one.
func (b *Body) check() error {
	s := scope{parameters: map[string]string{CertificateParameter: "x"}, names: b.names, mappings: b.mappings}
	for name := range b.parameters {
		s.parameters[name] = "x"
	}
	texts := append(slices.Collect(maps.Values(b.configuration)), b.policies...)
	texts = append(texts, b.status)
	if t := b.thing; t != nil {
		texts = append(slices.AppendSeq(texts, maps.Values(t.attributes)), t.name)
		if _, err := t.groups.list(s); err != nil && !errors.Is(err, errParameter) {
			return fmt.Errorf("thing groups: %w", err)
		}
	}
	for _, e := range texts {
		if _, err := e.text(s); err != nil && !errors.Is(err, errParameter) {
			return err
		}
	}
	return nil
}

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

// validParameter judges names of parameters that a device may send; AWS lets those that the template
// does not declare through to the hook.
func validParameter(name string) bool {
	return regexp.MustCompile(`^[a-zA-Z0-9_:.-]{1,128}$`).MatchString(name)
}
