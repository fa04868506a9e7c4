// Package signin makes the Cognito user pool in which owners live, and the
// app's client of it.
package signin

import "porchlight/infra/internal/stage"

// Props of the sign-in.
type Props struct {
	// Stage gives the domain, the callback addresses and whether the owners'
	// accounts outlive the stack. Required.
	Stage stage.Stage
}
