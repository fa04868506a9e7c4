// Package pictures makes what happens when a picture of an event arrives: a
// queue that the bucket tells, the Lambda behind it, and the topic that says
// there is something to see.
package pictures

import (
	"porchlight/infra/internal/stage"
	"porchlight/infra/internal/table"
	"porchlight/infra/internal/thumbnails"
)

// Props of the pictures.
type Props struct {
	// Stage says whether Rekognition looks, and how often. Required.
	Stage stage.Stage
	// Table holds the events. Required.
	Table *table.Table
	// Bucket holds the pictures. Required.
	Bucket *thumbnails.Bucket
}
