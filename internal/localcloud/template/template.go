package template

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sort"
)

// Errors that Load wraps; the message names every place they apply to.
var (
	// ErrUnknownType: a resource type the local cloud has no answer for.
	ErrUnknownType = errors.New("unknown resource type")
	// ErrUnknownAttribute: Fn::GetAtt asks for an attribute its type does not have here.
	ErrUnknownAttribute = errors.New("unknown attribute")
	// ErrCycle: resources that need each other to exist first.
	ErrCycle = errors.New("dependency cycle")
	// ErrInvalid: the document is not a template, or an expression in it cannot be resolved.
	ErrInvalid = errors.New("invalid template")
)

// Environment is what a deployment knows and a template does not.
type Environment struct {
	Region    string // for example us-east-1
	AccountID string // twelve digits
	Partition string // "aws" when empty
	StackName string // letters, digits and hyphens; every generated name starts with it
	// Endpoint is the base URL that queue URLs start with, for example
	// http://127.0.0.1:4566; empty means the public SQS endpoint of the region.
	Endpoint string
	// Parameters override the defaults written in the template.
	Parameters map[string]string
}

// Resource is one resource with every expression in it resolved.
type Resource struct {
	LogicalID string
	Type      string
	// PhysicalID is what Ref returns: a name for most types, an ARN for SNS
	// topics, managed policies and secrets, a URL for SQS queues.
	PhysicalID string
	Name       string // the plain name or id, never an ARN or URL
	ARN        string // empty for types without one
	Properties map[string]any
	Metadata   map[string]any
	Attributes map[string]string // what Fn::GetAtt returns
}

// Stack is a set of templates, resolved.
type Stack struct {
	Environment Environment
	Resources   []*Resource // dependencies before what needs them
	Outputs     map[string]string
	byID        map[string]*Resource
}

// Resource returns the resource with that logical id.
func (s *Stack) Resource(logicalID string) (*Resource, bool) {
	r, ok := s.byID[logicalID]
	return r, ok
}

// OfType returns the resources of one type in dependency order.
func (s *Stack) OfType(resourceType string) []*Resource {
	var out []*Resource
	for _, r := range s.Resources {
		if r.Type == resourceType {
			out = append(out, r)
		}
	}
	return out
}

// Decode copies resolved properties into a struct whose json tags are the
// CloudFormation property names. Properties the struct lacks are ignored.
func Decode(properties map[string]any, into any) error {
	raw, err := json.Marshal(properties)
	if err != nil {
		return fmt.Errorf("properties: %w", err)
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return fmt.Errorf("properties: %w", err)
	}
	return nil
}

type document struct {
	Parameters map[string]parameter
	Mappings   map[string]map[string]map[string]any
	Conditions map[string]any
	Resources  map[string]rawResource
	Outputs    map[string]output
}

type parameter struct {
	Type    string
	Default any
}

type rawResource struct {
	Type       string
	Condition  string
	DependsOn  any
	Properties map[string]any
	Metadata   map[string]any
}

type output struct {
	Condition string
	Value     any
	Export    struct{ Name any }
}

// Load resolves one or several templates as one stack; they may import each
// other's exports. All unknown resource types are reported together.
func Load(env Environment, files ...[]byte) (*Stack, error) {
	if env.Partition == "" {
		env.Partition = "aws"
	}
	if env.Region == "" || env.AccountID == "" || env.StackName == "" {
		return nil, fmt.Errorf("%w: region, account id and stack name must be given", ErrInvalid)
	}
	merged := document{
		Parameters: map[string]parameter{}, Mappings: map[string]map[string]map[string]any{},
		Conditions: map[string]any{}, Resources: map[string]rawResource{}, Outputs: map[string]output{},
	}
	for i, file := range files {
		if err := parseInto(&merged, file); err != nil {
			return nil, fmt.Errorf("template %d: %w", i+1, err)
		}
	}
	return newResolver(env, merged).run()
}

func parseInto(merged *document, file []byte) error {
	var doc document
	dec := json.NewDecoder(bytes.NewReader(file))
	dec.UseNumber()
	if err := dec.Decode(&doc); err != nil {
		return fmt.Errorf("%w: not a JSON template: %w", ErrInvalid, err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: text after the end of the JSON document", ErrInvalid)
	}
	if len(doc.Resources) == 0 {
		return fmt.Errorf("%w: it has no Resources", ErrInvalid)
	}
	for k, v := range doc.Parameters {
		merged.Parameters[k] = v // every CDK stack repeats BootstrapVersion
	}
	for k, v := range doc.Mappings {
		merged.Mappings[k] = v
	}
	for k, v := range doc.Conditions {
		merged.Conditions[k] = v // every CDK stack repeats CDKMetadataAvailable
	}
	for k, v := range doc.Resources {
		if _, twice := merged.Resources[k]; twice && v.Type != "AWS::CDK::Metadata" {
			return fmt.Errorf("%w: logical id %q appears in two templates", ErrInvalid, k)
		}
		merged.Resources[k] = v
	}
	for k, v := range doc.Outputs {
		merged.Outputs[k] = v
	}
	return nil
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}
