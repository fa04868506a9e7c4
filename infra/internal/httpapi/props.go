// Package httpapi makes the HTTP API in front of the api Lambda.
package httpapi

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"

	"porchlight/infra/internal/stage"
)

// Props of the API.
type Props struct {
	// Stage gives the API's name and how long its access log is kept.
	// Required.
	Stage stage.Stage
	// Handler answers every route. Required.
	Handler awslambda.IFunction
	// Issuer and ClientID are whose access tokens are accepted. Required.
	Issuer, ClientID *string
}
