// Package secrets is the local cloud's Secrets Manager: the secrets that the
// template has generated, made once and kept in one file that its owner alone
// can read.
//
// Source: AWS Secrets Manager API Reference; AWS::SecretsManager::Secret.
package secrets
