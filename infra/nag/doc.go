// Package nag holds the committed template against cdk-nag's AwsSolutions and
// Serverless rules. Each finding we live with is in allow.json with a reason.
package nag
