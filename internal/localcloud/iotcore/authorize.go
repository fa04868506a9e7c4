package iotcore

import (
	"strconv"
	"sync/atomic"

	"porchlight/internal/localcloud/iam"
	"porchlight/internal/localcloud/iotcore/registry"
)

// identity is who is behind a connection. What it may do is asked anew for
// every message, so that a change counts for connections that are open.
type identity interface {
	// usable reports whether the identity may be connected at all.
	usable() bool
	// certificate is the id of the client's certificate, or empty.
	certificate() string
	// allowed decides an action of the client with that id.
	allowed(clientID, action, resource string, lists map[string][]string) iam.Decision
}

// arn names a resource of this account.
func (c *Core) arn(kind, name string) string {
	return "arn:aws:iot:" + c.cfg.Region + ":" + c.cfg.AccountID + ":" + kind + "/" + name
}

// session is an identity that has connected with a client id.
type session struct {
	identity
	clientID string
}

func (s *session) allowed(action, resource string, lists map[string][]string) iam.Decision {
	return s.identity.allowed(s.clientID, action, resource, lists)
}

// mayPublish decides iot:Publish and, for retained messages, also
// iot:RetainPublish.
func (c *Core) mayPublish(s *session, topic string, retain bool) bool {
	resource := c.arn("topic", topic)
	return s.allowed("iot:Publish", resource, nil).Allowed &&
		(!retain || s.allowed("iot:RetainPublish", resource, nil).Allowed)
}

// certified is the identity behind a client certificate.
type certified struct {
	core *Core
	id   string
	last atomic.Pointer[grants]
}

// grants is what the registry says of a certificate and a client id.
type grants struct {
	registry.Principal
	clientID  string
	documents []iam.Document
	variables map[string]string
}

func (i *certified) certificate() string { return i.id }

func (i *certified) usable() bool {
	_, ok := i.core.registry.Identify(i.id)
	return ok
}

// grants returns what holds now; it is made once for each state of the registry.
func (i *certified) grants(clientID string) (*grants, bool) {
	if g := i.last.Load(); g != nil && g.clientID == clientID && i.core.registry.Current(g.Principal) {
		return g, true
	}
	p, ok := i.core.registry.Identify(i.id)
	if !ok {
		return nil, false
	}
	g := &grants{Principal: p, clientID: clientID, variables: thingVariables(p, clientID)}
	if p.Claim != "" {
		g.documents = append(g.documents, i.core.claimPolicy(p.Claim))
	}
	for _, name := range p.Policies {
		g.documents = append(g.documents, i.core.policies[name]) // an unknown name grants nothing
	}
	i.last.Store(g)
	return g, true
}

// thingVariables are the policy variables of a connection. As on AWS those of
// the thing exist only for a client that connects under the thing's name.
func thingVariables(p registry.Principal, clientID string) map[string]string {
	attached := p.IsAttached(clientID)
	v := map[string]string{
		"iot:ClientId":                    clientID,
		"iot:Connection.Thing.IsAttached": strconv.FormatBool(attached),
	}
	if attached {
		v["iot:Connection.Thing.ThingName"] = clientID
		for name, value := range p.Attributes(clientID) {
			v["iot:Connection.Thing.Attributes["+name+"]"] = value
		}
	}
	return v
}

func (i *certified) allowed(clientID, action, resource string, lists map[string][]string) iam.Decision {
	g, ok := i.grants(clientID)
	if !ok {
		return iam.Decision{Denied: true, Reason: "the certificate is not active"}
	}
	return iam.Evaluate(g.documents, iam.Request{Action: action, Resource: resource, Variables: g.variables, Lists: lists})
}
