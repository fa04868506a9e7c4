// Package function makes a Go Lambda: a bootstrap binary on
// provided.al2023/arm64 with its own role and its own log group.
package function

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"

	"porchlight/infra/internal/stage"
)

// Props of a function.
type Props struct {
	// Name is its folder under lambdas/, like naming.LambdaEvents. Required.
	Name string
	// Description is shown in the console. Required.
	Description string
	// Stage says how long logs are kept and where the binaries are. Required.
	Stage stage.Stage
	// TimeoutSeconds ends an invocation. Required.
	TimeoutSeconds float64
	// Environment of the process. Optional.
	Environment map[string]*string
	// DeadLetters receives events that failed for good. Required when the
	// function is invoked asynchronously, and of no use otherwise.
	DeadLetters awssqs.IQueue
}
