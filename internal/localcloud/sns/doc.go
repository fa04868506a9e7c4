// Package sns is the local cloud's notification service: standard topics that
// hand each message to the Lambda functions and SQS queues the template
// subscribes. Nothing is kept here: Publish returns once every subscriber has
// durably accepted the message, and fails when one did not.
//
// Sources: Amazon SNS API Reference; Amazon SNS Developer Guide on filter
// policies and on the JSON of queue deliveries; AWS Lambda Developer Guide
// "Using Lambda with Amazon SNS" for the event.
package sns
