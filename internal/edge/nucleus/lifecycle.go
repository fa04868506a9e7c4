package nucleus

import (
	"context"
	"errors"
	"strings"
	"time"

	"porchlight/internal/greengrass"
)

// answerLimit bounds an answer to the nucleus, which waits 20 s for the one to
// a validation and 60 s for the one to an update, if nothing else is deployed.
const answerLimit = 10 * time.Second

// mostText bounds what the nucleus is told of a fault, in bytes.
const mostText = 512

// answerValidations judges configurations before they are deployed.
func (n *Nucleus) answerValidations(ctx context.Context, validate func(map[string]any) error) {
	settings := n.Settings()
	subscriber[greengrass.Validation]{
		n: n, needs: permission{operation: "SubscribeToValidateConfigurationUpdates"},
		subscribe: n.client.SubscribeToValidateConfigurationUpdates,
		handle: func(v greengrass.Validation) {
			report := greengrass.ValidityReport{DeploymentID: v.DeploymentID, Accepted: true}
			tree, err := settings.whole(v.Configuration)
			if err == nil {
				err = validate(tree)
			}
			if err != nil {
				report.Accepted, report.Message = false, clip(err.Error())
				n.cfg.Log.Error("a deployment's configuration is refused", "deployment", v.DeploymentID, "error", err)
			}
			ctx, cancel := context.WithTimeout(ctx, answerLimit)
			defer cancel()
			if err := n.client.SendConfigurationValidityReport(ctx, report); err != nil {
				n.cfg.Log.Warn("cannot answer whether a configuration is good", "deployment", v.DeploymentID, "error", err)
			}
		},
	}.keep(ctx)
}

// mostDeferrals of one deployment: four of 30 s each make two minutes.
const mostDeferrals = 4

// answerUpdates puts updates off while the component is busy.
func (n *Nucleus) answerUpdates(ctx context.Context, busy func() bool) {
	deployment, deferred := "", 0
	subscriber[greengrass.ComponentUpdate]{
		n: n, needs: permission{operation: "SubscribeToComponentUpdates"},
		subscribe: n.client.SubscribeToComponentUpdates,
		handle: func(u greengrass.ComponentUpdate) {
			if u.Pre == nil {
				return
			}
			if u.Pre.DeploymentID != deployment {
				deployment, deferred = u.Pre.DeploymentID, 0
			}
			answer := greengrass.DeferComponentUpdateRequest{DeploymentID: deployment}
			if deferred < mostDeferrals && busy() {
				deferred++
				answer.Recheck, answer.Message = n.cfg.Recheck, "a camera is in the middle of an event"
			}
			n.cfg.Log.Info("the component is to be updated", "deployment", deployment, "put_off", answer.Recheck.String())
			ctx, cancel := context.WithTimeout(ctx, answerLimit)
			defer cancel()
			// Without an answer the nucleus goes on after its own timeout.
			if err := n.client.DeferComponentUpdate(ctx, answer); err != nil && !errors.Is(err, context.Canceled) {
				n.cfg.Log.Warn("cannot answer whether to update now", "deployment", deployment, "error", err)
			}
		},
	}.keep(ctx)
}

func clip(text string) string {
	if len(text) > mostText {
		text = text[:mostText]
	}
	return strings.ToValidUTF8(text, "")
}
