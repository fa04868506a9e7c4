// Package device makes what a gateway may do: the IoT policy that every
// thing's certificate carries, and the role it swaps its certificate for.
package device

import "porchlight/infra/internal/thumbnails"

// Props of the device's access.
type Props struct {
	// Stage is the stage's name, part of the names below. Required.
	Stage string
	// Thumbnails is the bucket to which each thing writes under its own name.
	// Required.
	Thumbnails *thumbnails.Bucket
}
