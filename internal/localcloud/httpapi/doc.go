// Package httpapi is an API Gateway v2 HTTP API on this machine: routes to
// Lambda functions with payload format 2.0, a JWT authorizer, CORS and
// throttling, all taken from the template's properties.
//
// Sources: the API Gateway developer guide's pages "Working with HTTP APIs"
// (routes, AWS Lambda integrations, JWT authorizers, CORS, throttling, quotas).
package httpapi
