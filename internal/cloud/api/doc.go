// Package api answers the homeowner's app. openapi.yaml beside it is the
// contract: the types of types.gen.go are made from it, and tests hold the
// routes, the answers and the isolation of owners against it.
//
// The owner is the subject of the token that the gateway has verified, and
// nothing else. What is another owner's answers exactly as what does not exist.
package api

//go:generate go run github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen@v2.5.0 -config oapi-codegen.yaml openapi.yaml
