package fakenucleus

import (
	"encoding/json"
	"errors"
	"slices"
)

// Deferral is an answer to PreUpdate.
type Deferral struct {
	DeploymentID string `json:"deploymentId"`
	RecheckMs    int64  `json:"recheckAfterMs"`
	Message      string `json:"message"`
}

// Report is an answer to Validate.
type Report struct {
	Status       string `json:"status"`
	DeploymentID string `json:"deploymentId"`
	Message      string `json:"message"`
}

// lifecycle is what components said.
type lifecycle struct {
	states    []string
	deferrals []Deferral
	reports   []Report
	asked     []string // deployments that components were asked to validate
}

func (n *Nucleus) updateState(r call) (any, error) {
	q, err := parse[struct {
		State string `json:"state"`
	}](r.body)
	if err != nil {
		return nil, err
	}
	if q.State != "RUNNING" && q.State != "ERRORED" {
		return nil, errors.New("state is RUNNING or ERRORED")
	}
	n.lifecycle.states = append(n.lifecycle.states, q.State)
	return nothing{}, nil
}

// States that components reported, oldest first.
func (n *Nucleus) States() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.lifecycle.states)
}

func (n *Nucleus) subscribeToComponentUpdates(r call) (any, error) {
	if _, err := parse[nothing](r.body); err != nil {
		return nil, err
	}
	n.open(r, stream{})
	return nothing{}, nil
}

// PreUpdate tells of a deployment that is about to happen.
func (n *Nucleus) PreUpdate(deployment string, restart bool) {
	n.tell("SubscribeToComponentUpdates", "ComponentUpdatePolicyEvents", map[string]any{
		"preUpdateEvent": map[string]any{"deploymentId": deployment, "isGgcRestarting": restart},
	})
}

// PostUpdate tells of one that has happened.
func (n *Nucleus) PostUpdate(deployment string) {
	n.tell("SubscribeToComponentUpdates", "ComponentUpdatePolicyEvents", map[string]any{
		"postUpdateEvent": map[string]any{"deploymentId": deployment},
	})
}

func (n *Nucleus) tell(operation, shape string, body any) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, s := range n.of(operation) {
		n.event(s, shape, body, false)
	}
}

func (n *Nucleus) deferComponentUpdate(r call) (any, error) {
	q, err := parse[Deferral](r.body)
	if err != nil {
		return nil, err
	}
	if q.DeploymentID == "" {
		return nil, errors.New("no deploymentId")
	}
	n.lifecycle.deferrals = append(n.lifecycle.deferrals, q)
	return nothing{}, nil
}

// Deferrals that components asked for, oldest first.
func (n *Nucleus) Deferrals() []Deferral {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.lifecycle.deferrals)
}

func (n *Nucleus) subscribeToValidation(r call) (any, error) {
	if _, err := parse[nothing](r.body); err != nil {
		return nil, err
	}
	n.open(r, stream{})
	return nothing{}, nil
}

// Validate asks whether a configuration is good.
func (n *Nucleus) Validate(deployment string, configuration json.RawMessage) {
	n.mu.Lock()
	n.lifecycle.asked = append(n.lifecycle.asked, deployment)
	n.mu.Unlock()
	n.tell("SubscribeToValidateConfigurationUpdates", "ValidateConfigurationUpdateEvents", map[string]any{
		"validateConfigurationUpdateEvent": map[string]any{"deploymentId": deployment, "configuration": configuration},
	})
}

func (n *Nucleus) sendValidityReport(r call) (any, error) {
	q, err := parse[struct {
		Report Report `json:"configurationValidityReport"`
	}](r.body)
	if err != nil {
		return nil, err
	}
	switch {
	case q.Report.Status != "ACCEPTED" && q.Report.Status != "REJECTED":
		return nil, errors.New("status is ACCEPTED or REJECTED")
	case !slices.Contains(n.lifecycle.asked, q.Report.DeploymentID):
		return nil, errors.New("nobody asked about this deployment")
	}
	n.lifecycle.reports = append(n.lifecycle.reports, q.Report)
	return nothing{}, nil
}

// Reports that components sent, oldest first.
func (n *Nucleus) Reports() []Report {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.lifecycle.reports)
}
