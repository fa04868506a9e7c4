package iotcore

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"porchlight/internal/localcloud/iotcore/rulesql"
)

// Actions carries out what rules ask for. Each call must be durable when it
// returns nil, and must heed its context. Calls come from many goroutines.
type Actions interface {
	PublishSNS(ctx context.Context, by Caller, topicARN string, message []byte) error
	SendSQS(ctx context.Context, by Caller, queueURL string, message []byte) error
	// InvokeLambda starts an asynchronous invocation. Rules have no role for
	// it: the function's resource policy decides, with by.RuleARN as source.
	InvokeLambda(ctx context.Context, by Caller, functionARN string, payload []byte) error
}

// Caller says on whose behalf an action is asked for.
type Caller struct {
	RuleARN string
	RoleARN string // empty for Lambda
}

// Errors of the rules engine.
var (
	ErrRule = errors.New("invalid topic rule")
	// errUndelivered means that neither a rule's actions nor its error action
	// succeeded: the message must not be acknowledged.
	errUndelivered = errors.New("no action took the message")
)

type engine struct {
	rules   []rule
	actions Actions
	log     *slog.Logger
}

type rule struct {
	name     string
	arn      string
	query    *rulesql.Query
	actions  []target
	fallback *target
}

// target is one action bound to its rule.
type target struct {
	kind     string // AWS's name of the action in error messages
	resource string
	do       func(ctx context.Context, message []byte) error
}

// message is one publish.
type message struct {
	topic    string
	payload  []byte
	clientID string // empty when it did not come by MQTT
	received time.Time
}

func (e *engine) add(arn string, p TopicRuleProperties) error {
	fail := func(err error) error { return fmt.Errorf("%w %s: %w", ErrRule, p.RuleName, err) }
	if p.RuleName == "" {
		return fail(errors.New("it has no RuleName"))
	}
	body := p.TopicRulePayload
	// Parsed even when disabled: what would fail on the day it is enabled fails now.
	if body.AwsIotSqlVersion != "2016-03-23" {
		return fail(fmt.Errorf("SQL version %q is not supported: set AwsIotSqlVersion to 2016-03-23", body.AwsIotSqlVersion))
	}
	query, err := rulesql.Parse(body.Sql)
	if err != nil {
		return fail(err)
	}
	r := rule{name: p.RuleName, arn: arn, query: query}
	if len(body.Actions) == 0 {
		return fail(errors.New("it has no action"))
	}
	for i, a := range body.Actions {
		t, err := e.bind(arn, a)
		if err != nil {
			return fail(fmt.Errorf("action %d: %w", i+1, err))
		}
		r.actions = append(r.actions, t)
	}
	if body.ErrorAction != nil {
		t, err := e.bind(arn, *body.ErrorAction)
		if err != nil {
			return fail(fmt.Errorf("error action: %w", err))
		}
		r.fallback = &t
	}
	if !body.RuleDisabled {
		e.rules = append(e.rules, r)
	}
	return nil
}

func (e *engine) bind(ruleARN string, a Action) (target, error) {
	set := 0
	var t target
	if s := a.Sns; s != nil {
		set++
		if s.TargetArn == "" || s.RoleArn == "" {
			return t, errors.New("Sns needs TargetArn and RoleArn") //nolint:staticcheck // CloudFormation's name
		}
		if s.MessageFormat != "" && s.MessageFormat != "RAW" {
			return t, fmt.Errorf("message format %q of Sns is not supported: use RAW", s.MessageFormat)
		}
		t = target{"SnsAction", s.TargetArn, func(ctx context.Context, m []byte) error {
			return e.actions.PublishSNS(ctx, Caller{ruleARN, s.RoleArn}, s.TargetArn, m)
		}}
	}
	if s := a.Sqs; s != nil {
		set++
		if s.QueueUrl == "" || s.RoleArn == "" {
			return t, errors.New("Sqs needs QueueUrl and RoleArn") //nolint:staticcheck // CloudFormation's name
		}
		t = target{"SqsAction", s.QueueUrl, func(ctx context.Context, m []byte) error {
			if s.UseBase64 {
				m = base64.StdEncoding.AppendEncode(nil, m)
			}
			return e.actions.SendSQS(ctx, Caller{ruleARN, s.RoleArn}, s.QueueUrl, m)
		}}
	}
	if l := a.Lambda; l != nil {
		set++
		if l.FunctionArn == "" {
			return t, errors.New("Lambda needs FunctionArn") //nolint:staticcheck // CloudFormation's name
		}
		t = target{"LambdaAction", l.FunctionArn, func(ctx context.Context, m []byte) error {
			return e.actions.InvokeLambda(ctx, Caller{RuleARN: ruleARN}, l.FunctionArn, m)
		}}
	}
	if set != 1 {
		return t, errors.New("want exactly one of Sns, Sqs and Lambda; other actions are not supported")
	}
	return t, nil
}

// run gives m to every rule that matches. The error joins those of the rules
// that could not place the message anywhere; it is retried as a whole.
func (e *engine) run(ctx context.Context, m message) error {
	var failed []error
	for i := range e.rules {
		if r := &e.rules[i]; r.query.Matches(m.topic) {
			if err := e.apply(ctx, r, m); err != nil {
				failed = append(failed, err)
			}
		}
	}
	return errors.Join(failed...)
}

func (e *engine) apply(ctx context.Context, r *rule, m message) error {
	out, selected, err := r.query.Run(rulesql.Message{Topic: m.topic, Payload: m.payload, ClientID: m.clientID, Received: m.received})
	if err == nil && !selected {
		return nil
	}
	var failures []failure
	if err != nil {
		// AWS only logs what its SQL cannot read. Here it goes to the error
		// action too, so that a device's broken payloads can be looked at.
		failures = append(failures, failure{FailedAction: "RuleSQL", FailedResource: r.name, ErrorMessage: err.Error()})
	} else {
		for _, t := range r.actions {
			if err := t.do(ctx, out); err != nil {
				e.log.Warn("rule action failed", "rule", r.name, "action", t.kind, "resource", t.resource, "error", err)
				failures = append(failures, failure{FailedAction: t.kind, FailedResource: t.resource, ErrorMessage: err.Error()})
			}
		}
	}
	if len(failures) == 0 {
		return nil
	}
	if r.fallback == nil {
		if err != nil {
			// Sending it again would not help: it is dropped, loudly.
			e.log.Error("message dropped: its payload does not suit the rule, which has no error action", "rule", r.name, "topic", m.topic, "error", err)
			return nil
		}
		return fmt.Errorf("rule %s: %w", r.name, errUndelivered)
	}
	if err := r.fallback.do(ctx, errorMessage(r.name, m, failures)); err != nil {
		return fmt.Errorf("rule %s: %w: error action: %w", r.name, errUndelivered, err)
	}
	return nil
}
