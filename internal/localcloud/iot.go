package localcloud

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"porchlight/internal/localcloud/frontdoor"
	"porchlight/internal/localcloud/iam"
	"porchlight/internal/localcloud/iotcore"
	"porchlight/internal/localcloud/template"
)

// openIoT makes IoT Core without starting it: nothing may come in before what
// it is handed to exists.
func (c *Cloud) openIoT(context.Context) error {
	cfg := iotcore.Config{
		Dir: c.dir("iot"), Region: c.cfg.Region, AccountID: AccountID,
		MQTTAddr: c.cfg.Listen.MQTT, CredentialsAddr: c.cfg.Listen.Credentials, HTTPAddr: c.addresses.AWS,
		WebSocketAddr: c.cfg.Listen.MQTTWebSocket,
		Actions:       ruleActions{c}, Roles: deviceRoles{c}, Account: iotAccount{c}, Log: c.cfg.Log,
	}
	err := decodeAll(c.stack, "AWS::IoT::Policy", func(r *template.Resource, p iotcore.PolicyProperties) error {
		p.PolicyName = r.Name
		cfg.Policies = append(cfg.Policies, p)
		return nil
	})
	if err != nil {
		return err
	}
	err = decodeAll(c.stack, "AWS::IoT::TopicRule", func(r *template.Resource, p iotcore.TopicRuleProperties) error {
		p.RuleName = r.Name
		cfg.Rules = append(cfg.Rules, p)
		return nil
	})
	if err != nil {
		return err
	}
	err = decodeAll(c.stack, "AWS::IoT::RoleAlias", func(_ *template.Resource, p iotcore.RoleAliasProperties) error {
		cfg.RoleAliases = append(cfg.RoleAliases, p)
		return nil
	})
	if err != nil {
		return err
	}
	err = decodeAll(c.stack, "AWS::IoT::ProvisioningTemplate", func(r *template.Resource, p iotcore.ProvisioningTemplateProperties) error {
		p.TemplateName = r.Name
		cfg.ProvisioningTemplates = append(cfg.ProvisioningTemplates, p)
		return nil
	})
	if err != nil {
		return err
	}
	if c.iot, err = iotcore.New(cfg); err != nil {
		return err
	}
	c.closing(c.iot.Close)
	return nil
}

func (c *Cloud) startIoT(ctx context.Context) error {
	if err := c.iot.Start(ctx); err != nil {
		return fmt.Errorf("IoT Core: %w: stop what uses the port, or choose others with --mqtt, --mqtt-websocket and --credentials", err)
	}
	c.addresses.MQTT, c.addresses.MQTTWebSocket, c.addresses.Credentials = c.iot.MQTTAddr(), c.iot.WebSocketAddr(), c.iot.CredentialsAddr()
	return nil
}

// ruleActions does what topic rules ask for, with the role each rule names.
type ruleActions struct{ *Cloud }

// PublishSNS implements iotcore.Actions.
func (a ruleActions) PublishSNS(ctx context.Context, by iotcore.Caller, topicARN string, message []byte) error {
	if err := a.roles.allow(by.RoleARN, "sns:Publish", topicARN, nil); err != nil {
		return err
	}
	_, err := a.base.SNS.Publish(ctx, topicARN, string(message), nil)
	return err
}

// SendSQS implements iotcore.Actions.
func (a ruleActions) SendSQS(ctx context.Context, by iotcore.Caller, queueURL string, message []byte) error {
	arn := a.queueARN(queueURL)
	if err := a.roles.allow(by.RoleARN, "sqs:SendMessage", arn, nil); err != nil {
		return err
	}
	_, err := a.base.SQS.Send(ctx, arn, string(message), nil)
	return err
}

// InvokeLambda implements iotcore.Actions.
func (a ruleActions) InvokeLambda(ctx context.Context, by iotcore.Caller, functionARN string, payload []byte) error {
	if !a.roles.invoke.Allow(functionARN, "iot.amazonaws.com", by.RuleARN) {
		return fmt.Errorf("no AWS::Lambda::Permission lets %s invoke %s", by.RuleARN, functionARN)
	}
	return a.lambdas.InvokeAsync(ctx, functionARN, payload)
}

// queueARN finds a queue of the template by its URL; what is not one comes back
// as it is and is then refused as a resource nobody may use.
func (c *Cloud) queueARN(url string) string {
	for _, r := range c.stack.OfType("AWS::SQS::Queue") {
		if r.PhysicalID == url {
			return r.ARN
		}
	}
	return url
}

// deviceRoles gives things the credentials of the roles behind role aliases.
type deviceRoles struct{ *Cloud }

// TrustPolicy implements iotcore.Roles.
func (d deviceRoles) TrustPolicy(roleARN string) (iam.Document, bool) {
	document, ok := d.roles.trust[roleARN]
	return document, ok
}

// IssueCredentials implements iotcore.Roles.
func (d deviceRoles) IssueCredentials(
	_ context.Context, roleARN, sessionName string, variables map[string]string, life time.Duration,
) (iotcore.Credentials, error) {
	session, err := d.keys.Issue(roleARN, sessionName, variables, life)
	if err != nil {
		return iotcore.Credentials{}, err
	}
	return iotcore.Credentials(session), nil
}

// iotAccount is the account as IoT Core sees it.
type iotAccount struct{ *Cloud }

// RoleMay implements iotcore.Account.
func (a iotAccount) RoleMay(roleARN, action, resource string, variables map[string]string) error {
	return a.roles.allow(roleARN, action, resource, variables)
}

// InvokeHook implements iotcore.Account.
func (a iotAccount) InvokeHook(ctx context.Context, templateARN, functionARN string, payload []byte) ([]byte, error) {
	if !a.roles.invoke.Allow(functionARN, "iot.amazonaws.com", templateARN) {
		return nil, fmt.Errorf("no AWS::Lambda::Permission lets %s invoke %s for iot.amazonaws.com", templateARN, functionARN)
	}
	result, err := a.lambdas.Invoke(ctx, functionARN, payload)
	if err != nil {
		return nil, err
	}
	if result.FunctionError != "" {
		return nil, fmt.Errorf("the function failed (%s): see its log", result.FunctionError)
	}
	return result.Payload, nil
}

// WhoSigned implements iotcore.Account.
func (a iotAccount) WhoSigned(r *http.Request) (iotcore.Signer, error) {
	p, err := frontdoor.Gateway{Region: a.cfg.Region, Keys: a.keys, Now: time.Now}.Verify(r)
	return iotcore.Signer{Root: p.Root, RoleARN: p.RoleARN, Variables: p.Vars}, err
}
