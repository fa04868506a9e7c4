package iotcore

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/mochi-mqtt/server/v2/packets"

	"porchlight/internal/localcloud/iam"
	"porchlight/internal/localcloud/iotcore/provision"
)

// provisioningPrincipal is whom the role of a provisioning template must trust.
const provisioningPrincipal = "iot.amazonaws.com"

func (c *Core) openProvisioning() error {
	cfg := provision.Config{
		Registry: c.registry, Authority: c.authority, ARN: c.arn, Log: c.log,
		Policies: func(name string) bool { _, ok := c.policies[name]; return ok },
	}
	if c.cfg.Account != nil {
		cfg.Hook = func(ctx context.Context, functionARN, templateARN string, payload []byte) ([]byte, error) {
			return c.cfg.Account.InvokeHook(ctx, templateARN, functionARN, payload)
		}
		cfg.Authorize = func(roleARN, action, resource string) error {
			return c.cfg.Account.RoleMay(roleARN, action, resource, nil)
		}
	}
	known := map[string]bool{}
	for _, p := range c.cfg.ProvisioningTemplates {
		t, err := c.provisioningTemplate(p)
		if err == nil && known[p.TemplateName] {
			err = errors.New("there are two of this name")
		}
		if err != nil {
			return fmt.Errorf("provisioning template %s: %w", p.TemplateName, err)
		}
		known[p.TemplateName] = true
		cfg.Templates = append(cfg.Templates, t)
	}
	c.provisioning = provision.New(cfg)
	return nil
}

func (c *Core) provisioningTemplate(p ProvisioningTemplateProperties) (provision.Template, error) {
	t := provision.Template{
		Name: p.TemplateName, ARN: c.arn("provisioningtemplate", p.TemplateName), RoleARN: p.ProvisioningRoleArn, Enabled: p.Enabled,
	}
	switch {
	case !regexp.MustCompile(`^[0-9A-Za-z_-]{1,36}$`).MatchString(p.TemplateName):
		return t, errors.New("its name must be 1 to 36 of 0-9 A-Z a-z _ -")
	case p.TemplateType != "" && p.TemplateType != "FLEET_PROVISIONING":
		return t, fmt.Errorf("type %s is not supported: use FLEET_PROVISIONING", p.TemplateType)
	case c.cfg.Account == nil:
		return t, errors.New("nothing was given that knows its role and hook")
	}
	trust, ok := c.cfg.Roles.TrustPolicy(p.ProvisioningRoleArn)
	if !ok {
		return t, fmt.Errorf("its role %q does not exist", p.ProvisioningRoleArn)
	}
	if !iam.Evaluate([]iam.Document{trust}, iam.Request{
		Action: "sts:AssumeRole", Resource: p.ProvisioningRoleArn, Principal: provisioningPrincipal,
		Variables: map[string]string{"aws:SourceAccount": c.cfg.AccountID, "aws:SourceArn": t.ARN},
	}).Allowed {
		return t, fmt.Errorf("its role %s does not trust %s: add it to AssumeRolePolicyDocument", p.ProvisioningRoleArn, provisioningPrincipal)
	}
	if h := p.PreProvisioningHook; h != nil {
		if h.PayloadVersion != "" && h.PayloadVersion != hookVersion {
			return t, fmt.Errorf("payload version %q of its hook: the only one is %s", h.PayloadVersion, hookVersion)
		}
		if h.TargetArn == "" {
			return t, errors.New("its hook has no TargetArn")
		}
		t.HookARN = h.TargetArn
	}
	var err error
	t.Body, err = provision.Parse(p.TemplateBody)
	return t, err
}

// isProvisioning reports whether a topic takes requests of fleet provisioning.
func isProvisioning(topic string) bool {
	_, ok := provision.ParseTopic(topic)
	return ok
}

// isProvisioningFilter reports whether a filter stays within its topics.
func isProvisioningFilter(filter string) bool {
	return strings.HasPrefix(filter, provision.CertificateTopics) || strings.HasPrefix(filter, provision.TemplateTopics)
}

// serveProvisioning answers a request of fleet provisioning.
func (c *Core) serveProvisioning(conn *clientConn, t provision.Topic, pk packets.Packet) {
	ctx, cancel := context.WithTimeout(conn.ctx, c.cfg.ActionTimeout)
	defer cancel()
	s := conn.session.Load()
	answer := c.provisioning.Handle(ctx, t, pk.Payload, provision.Client{ClientID: s.clientID, CertificateID: s.certificate()})
	c.answer(conn, pk.TopicName+answer.Suffix, answer.Payload)
}

// answer sends a message to one client, if it subscribes to the topic and may
// receive it. As on AWS nobody else gets it: it may hold a private key.
func (c *Core) answer(conn *clientConn, topic string, payload []byte) {
	subscription, ok := c.broker.Topics.Subscribers(topic).Subscriptions[conn.client.ID]
	if !ok || !conn.session.Load().allowed("iot:Receive", c.arn("topic", topic), nil).Allowed {
		c.log.Warn("answer not sent: the client does not subscribe to it or may not receive it", "client", conn.client.ID, "topic", topic)
		return
	}
	out := packets.Packet{FixedHeader: packets.FixedHeader{Type: packets.Publish}, TopicName: topic, Payload: payload}
	for _, id := range subscription.Identifiers {
		out.Properties.SubscriptionIdentifier = append(out.Properties.SubscriptionIdentifier, id)
	}
	if err := conn.client.WritePacket(out); err != nil {
		c.log.Warn("answer not sent", "client", conn.client.ID, "topic", topic, "error", err)
	}
}
