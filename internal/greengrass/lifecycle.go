package greengrass

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// State is what a component reports of itself.
type State string

// States. Errored alone does not restart the process on nucleus lite.
const (
	Running State = "RUNNING"
	Errored State = "ERRORED"
)

// UpdateState reports the component's state. With a startup step in the recipe
// a deployment waits for Running.
func (c *Client) UpdateState(ctx context.Context, state State) error {
	if state != Running && state != Errored {
		return fmt.Errorf("UpdateState: %w: state %q; it is RUNNING or ERRORED", ErrInvalidArguments, state)
	}
	_, err := call[nothing](ctx, c, "UpdateState", struct {
		State State `json:"state"`
	}{state})
	return err
}

// ComponentUpdate tells of a deployment that stops the component. Exactly one
// of the fields is set. Java only.
type ComponentUpdate struct {
	Pre  *PreUpdate  `json:"preUpdateEvent"`
	Post *PostUpdate `json:"postUpdateEvent"`
}

// PreUpdate comes before the update: answer it with DeferComponentUpdate, or
// the nucleus waits for its own timeout.
type PreUpdate struct {
	DeploymentID   string `json:"deploymentId"`
	NucleusRestart bool   `json:"isGgcRestarting"`
}

// PostUpdate comes after it.
type PostUpdate struct {
	DeploymentID string `json:"deploymentId"`
}

// SubscribeToComponentUpdates tells of updates before they happen. Nucleus
// lite answers ErrUnsupported.
func (c *Client) SubscribeToComponentUpdates(ctx context.Context) (*Subscription[ComponentUpdate], error) {
	return subscribe(ctx, c, "SubscribeToComponentUpdates", nothing{}, decodeComponentUpdate, nil)
}

func decodeComponentUpdate(payload []byte) (ComponentUpdate, error) {
	var event ComponentUpdate
	if err := json.Unmarshal(payload, &event); err != nil {
		return ComponentUpdate{}, fmt.Errorf("%w: a component update: %w", ErrProtocol, err)
	}
	if (event.Pre == nil) == (event.Post == nil) {
		return ComponentUpdate{}, fmt.Errorf("%w: a component update that is neither before nor after", ErrProtocol)
	}
	return event, nil
}

// DeferComponentUpdateRequest puts an update off.
type DeferComponentUpdateRequest struct {
	DeploymentID string
	Recheck      time.Duration // until the nucleus asks again; 0 lets it go on now
	Message      string        // why, for the nucleus's log
}

// DeferComponentUpdate answers a PreUpdate. Java only.
func (c *Client) DeferComponentUpdate(ctx context.Context, r DeferComponentUpdateRequest) error {
	if r.DeploymentID == "" || r.Recheck < 0 {
		return fmt.Errorf("DeferComponentUpdate: %w: deployment %q, again in %s", ErrInvalidArguments, r.DeploymentID, r.Recheck)
	}
	_, err := call[nothing](ctx, c, "DeferComponentUpdate", struct {
		DeploymentID string `json:"deploymentId"`
		RecheckMs    int64  `json:"recheckAfterMs"`
		Message      string `json:"message,omitempty"`
	}{r.DeploymentID, r.Recheck.Milliseconds(), r.Message})
	return err
}

// Validation asks whether a new configuration of the component is good.
type Validation struct {
	DeploymentID  string          `json:"deploymentId"`
	Configuration json.RawMessage `json:"configuration"`
}

// SubscribeToValidateConfigurationUpdates asks before a configuration is
// deployed. Nucleus lite answers ErrUnsupported.
func (c *Client) SubscribeToValidateConfigurationUpdates(ctx context.Context) (*Subscription[Validation], error) {
	return subscribe(ctx, c, "SubscribeToValidateConfigurationUpdates", nothing{}, decodeValidation, nil)
}

func decodeValidation(payload []byte) (Validation, error) {
	var event struct {
		Validation *Validation `json:"validateConfigurationUpdateEvent"`
	}
	if err := json.Unmarshal(payload, &event); err != nil {
		return Validation{}, fmt.Errorf("%w: a validation: %w", ErrProtocol, err)
	}
	if event.Validation == nil {
		return Validation{}, fmt.Errorf("%w: a validation without one", ErrProtocol)
	}
	return *event.Validation, nil
}

// ValidityReport answers a Validation.
type ValidityReport struct {
	DeploymentID string
	Accepted     bool
	Message      string // why not
}

// SendConfigurationValidityReport answers a Validation: a configuration that
// is not accepted fails its deployment. Java only.
func (c *Client) SendConfigurationValidityReport(ctx context.Context, r ValidityReport) error {
	if r.DeploymentID == "" {
		return fmt.Errorf("SendConfigurationValidityReport: %w: name the deployment", ErrInvalidArguments)
	}
	type report struct {
		Status       string `json:"status"`
		DeploymentID string `json:"deploymentId"`
		Message      string `json:"message,omitempty"`
	}
	status := "REJECTED"
	if r.Accepted {
		status = "ACCEPTED"
	}
	_, err := call[nothing](ctx, c, "SendConfigurationValidityReport", struct {
		Report report `json:"configurationValidityReport"`
	}{report{status, r.DeploymentID, r.Message}})
	return err
}
