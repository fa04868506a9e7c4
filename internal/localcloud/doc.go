// Package localcloud serves, on one machine, the AWS APIs that Porchlight
// uses, wired by the committed CloudFormation template and by nothing else.
package localcloud
