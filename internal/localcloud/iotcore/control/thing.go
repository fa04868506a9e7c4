package control

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"porchlight/internal/localcloud/iotcore/registry"
)

type attributePayload struct {
	Attributes map[string]string `json:"attributes"`
	Merge      bool              `json:"merge"`
}

// thingRequest is the body of CreateThing and UpdateThing.
type thingRequest struct {
	AttributePayload *attributePayload `json:"attributePayload"`
	ThingTypeName    string            `json:"thingTypeName"`
	BillingGroupName string            `json:"billingGroupName"`
	ExpectedVersion  int64             `json:"expectedVersion"`
	RemoveThingType  bool              `json:"removeThingType"`
}

func readThing(r *http.Request) (thingRequest, error) {
	var in thingRequest
	if err := body(r, &in); err != nil {
		return in, err
	}
	if in.ThingTypeName != "" || in.BillingGroupName != "" {
		return in, invalid("thing types and billing groups are not served here")
	}
	return in, nil
}

func (c *control) createThing(r *http.Request) (any, error) {
	in, err := readThing(r)
	if err != nil {
		return nil, err
	}
	var attributes map[string]string
	if in.AttributePayload != nil {
		attributes = in.AttributePayload.Attributes
	}
	name := r.PathValue("thing")
	t, err := c.Registry.CreateThing(name, attributes)
	if err != nil {
		return nil, err
	}
	return map[string]string{"thingName": name, "thingArn": c.ARN("thing", name), "thingId": t.ID}, nil
}

func (c *control) describeThing(r *http.Request) (any, error) {
	name := r.PathValue("thing")
	t, err := c.Registry.Thing(name)
	if err != nil {
		return nil, err
	}
	return map[string]any{
		"defaultClientId": name, "thingName": name, "thingId": t.ID, "thingArn": c.ARN("thing", name),
		"attributes": some(t.Attributes), "version": t.Version,
	}, nil
}

// some makes a missing map an empty object.
func some(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}

func (c *control) updateThing(r *http.Request) (any, error) {
	in, err := readThing(r)
	if err != nil {
		return nil, err
	}
	if in.AttributePayload == nil {
		in.AttributePayload = &attributePayload{Merge: true}
	}
	return nil, c.Registry.UpdateThing(r.PathValue("thing"), in.AttributePayload.Attributes, in.AttributePayload.Merge, in.ExpectedVersion)
}

func (c *control) deleteThing(r *http.Request) (any, error) {
	var expected int64
	if text := r.URL.Query().Get("expectedVersion"); text != "" {
		var err error
		if expected, err = strconv.ParseInt(text, 10, 64); err != nil {
			return nil, invalid("expectedVersion must be a number")
		}
	}
	err := c.Registry.DeleteThing(r.PathValue("thing"), expected)
	return nil, err
}

// listThings lists all things, or those with an attribute.
func (c *control) listThings(r *http.Request) (any, error) {
	q := r.URL.Query()
	name, value := q.Get("attributeName"), q.Get("attributeValue")
	prefix, err := flag(r, "usePrefixAttributeValue")
	if err != nil {
		return nil, err
	}
	if q.Get("thingTypeName") != "" {
		return nil, invalid("thing types are not served here")
	}
	var names []string
	things := map[string]registry.Thing{}
	for _, n := range c.Registry.Things() {
		t, err := c.Registry.Thing(n)
		have, ok := t.Attributes[name]
		if err != nil || name != "" && (!ok || have != value && (!prefix || !strings.HasPrefix(have, value))) {
			continue
		}
		names, things[n] = append(names, n), t
	}
	cut, next, err := page(r, names)
	if err != nil {
		return nil, err
	}
	type item struct {
		ThingName  string            `json:"thingName"`
		ThingARN   string            `json:"thingArn"`
		Attributes map[string]string `json:"attributes"`
		Version    int64             `json:"version"`
	}
	out := []item{}
	for _, n := range cut {
		out = append(out, item{n, c.ARN("thing", n), some(maps.Clone(things[n].Attributes)), things[n].Version})
	}
	return map[string]any{"things": out, "nextToken": next}, nil
}

// principalHeader carries the certificate's ARN.
const principalHeader = "X-Amzn-Principal"

func (c *control) attachThingPrincipal(r *http.Request) (any, error) {
	if kind := r.URL.Query().Get("thingPrincipalType"); kind != "" && kind != "NON_EXCLUSIVE_THING" {
		return nil, invalid("thingPrincipalType %s is not served here", kind)
	}
	id, err := c.certificateID(r.Header.Get(principalHeader))
	if err != nil {
		return nil, err
	}
	return nil, c.Registry.AttachThing(r.PathValue("thing"), id)
}

func (c *control) detachThingPrincipal(r *http.Request) (any, error) {
	id, err := c.certificateID(r.Header.Get(principalHeader))
	if err != nil {
		return nil, err
	}
	return nil, c.Registry.DetachThing(r.PathValue("thing"), id)
}

func (c *control) listThingPrincipals(r *http.Request) (any, error) {
	ids, err := c.Registry.Principals(r.PathValue("thing"))
	if err != nil {
		return nil, err
	}
	cut, next, err := page(r, ids)
	return map[string]any{"principals": c.arns("cert", cut), "nextToken": next}, err
}

func (c *control) arns(kind string, names []string) []string {
	out := []string{}
	for _, n := range names {
		out = append(out, c.ARN(kind, n))
	}
	return out
}

func (c *control) listPrincipalThings(r *http.Request) (any, error) {
	id, err := c.certificateID(r.Header.Get(principalHeader))
	if err != nil {
		return nil, err
	}
	certificate, err := c.Registry.Certificate(id)
	if err != nil {
		return nil, err
	}
	slices.Sort(certificate.Things)
	cut, next, err := page(r, certificate.Things)
	return map[string]any{"things": append([]string{}, cut...), "nextToken": next}, err
}
