package iotcore

import (
	"strconv"

	"porchlight/internal/localcloud/iam"
)

// identity is who a TLS connection belongs to.
type identity struct {
	thing       string
	fingerprint string
	documents   []iam.Document
}

// identify finds the thing behind a client certificate.
func (c *Core) identify(fingerprint string) (identity, bool) {
	name, policies, ok := c.registry.identify(fingerprint)
	if !ok {
		return identity{}, false
	}
	id := identity{thing: name, fingerprint: fingerprint}
	for _, p := range policies {
		id.documents = append(id.documents, c.policies[p]) // an unknown name grants nothing
	}
	return id, true
}

// arn names a resource of this account.
func (c *Core) arn(kind, name string) string {
	return "arn:aws:iot:" + c.cfg.Region + ":" + c.cfg.AccountID + ":" + kind + "/" + name
}

// session is an identity that has connected with a client id.
type session struct {
	identity
	clientID  string
	variables map[string]string
}

// newSession sets the policy variables. As on AWS the thing's variables exist
// only for a client that connects under the thing's name.
func newSession(id identity, clientID string) *session {
	s := &session{identity: id, clientID: clientID, variables: map[string]string{
		"iot:ClientId":                    clientID,
		"iot:Connection.Thing.IsAttached": strconv.FormatBool(clientID == id.thing),
	}}
	if clientID == id.thing {
		s.variables["iot:Connection.Thing.ThingName"] = id.thing
	}
	return s
}

func (s *session) allowed(action, resource string, lists map[string][]string) iam.Decision {
	return iam.Evaluate(s.documents, iam.Request{Action: action, Resource: resource, Variables: s.variables, Lists: lists})
}

// mayPublish decides iot:Publish and, for retained messages, also
// iot:RetainPublish.
func (c *Core) mayPublish(s *session, topic string, retain bool) bool {
	resource := c.arn("topic", topic)
	return s.allowed("iot:Publish", resource, nil).Allowed &&
		(!retain || s.allowed("iot:RetainPublish", resource, nil).Allowed)
}
