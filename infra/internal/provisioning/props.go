// Package provisioning makes what a fleet of devices needs to become things by
// themselves: the provisioning template, the hook that decides which devices
// may, and the policy of the claim certificates they begin with.
package provisioning

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"

	"porchlight/infra/internal/device"
	"porchlight/infra/internal/thumbnails"
)

// Props of the provisioning. All are required.
type Props struct {
	// Stage is the stage's name, part of the names below.
	Stage string
	// Hook decides which devices may become things.
	Hook awslambda.Function
	// Device is what a thing may do.
	Device *device.Device
	// Thumbnails is the bucket that devices are told of.
	Thumbnails *thumbnails.Bucket
}
