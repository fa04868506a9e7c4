// Package table makes the one DynamoDB table: partitioned by owner, with an
// index by camera and a time to live on events.
package table

// Props of the table.
type Props struct {
	// Retain keeps the table when the stack is deleted and refuses to delete
	// it. Required in production.
	Retain bool
}
