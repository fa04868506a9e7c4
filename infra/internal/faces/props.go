// Package faces makes what says whose face is in a picture: a queue for
// requests, one for answers, and the Lambda between them.
package faces

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"

	"porchlight/infra/internal/stage"
	"porchlight/infra/internal/table"
)

// Props of the recognition of faces.
type Props struct {
	// Stage is part of the queues' names, and says where the image's context is
	// and whose the requests of unknown senders are. Required.
	Stage stage.Stage
	// Table holds the owners' persons. Required.
	Table *table.Table
	// DeviceRole is the role whose sessions are named after certificates; it may
	// ask, and answer what it can by itself. Required.
	DeviceRole awsiam.Role
}
